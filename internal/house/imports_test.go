package house

import (
	"slices"
	"strings"
	"testing"
)

const module = "standfast/"

// everything marks a room that may import any other but those that nothing imports.
const everything = "*"

// rooms says which rooms of ours each room may import. A room is a folder with
// all its sub-packages. docs/architecture.md shows the same as a picture.
var rooms = map[string]string{
	"internal/fault":     "",
	"internal/money":     "",
	"internal/journey":   "",
	"internal/text":      "money",
	"internal/overload":  "fault journey",
	"internal/token":     "fault",
	"internal/masterkey": "fault",
	"internal/pki":       "fault",
	"internal/steer":     "fault",
	"internal/db":        "fault",
	"internal/pgserver":  "",
	"internal/dbtest":    "core/jobs db fault pgserver",
	"internal/doctor":    "db fault masterkey",

	"internal/core/outbox":        "db fault",
	"internal/core/jobs":          "db fault",
	"internal/core/audit":         "db fault",
	"internal/core/spool":         "db fault",
	"internal/core/replica":       "core/outbox db fault",
	"internal/core/backup":        "db fault",
	"internal/core/place":         "fault",
	"internal/core/breached":      "fault",
	"internal/core/locator":       "db fault",
	"internal/core/notify":        "core/jobs db fault text",
	"internal/core/member":        "core/outbox core/audit db fault",
	"internal/core/passkey":       "core/outbox core/audit db fault",
	"internal/core/signin":        "core/jobs core/member core/passkey core/notify core/audit core/outbox core/replica core/spool token db fault",
	"internal/core/staff":         "core/passkey core/notify core/audit core/outbox token db fault",
	"internal/core/advice/desk":   "core/account core/advice core/member core/staff db fault",
	"internal/core/proofing":      "core/passkey core/signin core/staff db fault",
	"internal/core/traffic":       "core/staff fault steer",
	"internal/core/gather":        "",
	"internal/core/ledger":        "core/gather core/outbox db fault money",
	"internal/core/account":       "core/ledger core/member core/jobs core/notify core/outbox core/audit core/spool db fault money",
	"internal/core/source/ledger": "core/account core/ledger money fault",
	"internal/core/source/http":   "core/account core/ledger money fault",
	"internal/core/instrument":    "core/jobs core/audit core/outbox db fault",
	"internal/core/payment":       "core/account core/gather core/instrument core/ledger core/signin core/notify core/jobs core/audit core/outbox db fault money",
	"internal/core/rail/sim":      "core/payment core/instrument money fault",
	"internal/core/importer":      "core/member core/account core/ledger core/instrument core/locator core/signin core/audit db fault money",
	"internal/core/feed":          "core/outbox db fault",
	"internal/core/advice":        "core/account core/payment core/signin core/audit core/jobs db fault money",
	"internal/core/api":           pages,
	"internal/core/portal":        pages + frame,
	"internal/core/console":       pages + frame + " core/staff core/proofing core/traffic core/advice core/advice/desk steer",

	"internal/core/portal/guard":  "",
	"internal/core/portal/route":  "",
	"internal/core/portal/static": "core/portal/route",

	"internal/edge":       "fault journey text token edge/route",
	"internal/edge/route": "fault journey",

	"internal/standin": "fault money journey overload token text pki",

	"internal/gameday":        everything,
	"internal/gameday/fault":  "",
	"internal/gameday/report": "",

	"internal/app":   everything,
	"internal/bench": everything,
	"internal/e2e":   everything,
	"internal/house": "",
	"cmd/standfast":  everything,
	"scripts/gotest": "",
}

// pages is what may stand behind a page or a call: the domain, never its storage.
const pages = "core/account core/audit core/importer core/instrument core/locator core/member core/notify core/payment core/signin fault journey money overload text token"

// frame is what members' and staff's pages share.
const frame = " core/portal/guard core/portal/route core/portal/static"

// importers says who alone may import a room; rooms not named here are free.
var importers = map[string][]string{
	"internal/app":     {"cmd/standfast", "internal/bench", "internal/gameday", "internal/e2e"},
	"internal/bench":   {"cmd/standfast", "internal/app", "internal/e2e"},
	"internal/gameday": {"cmd/standfast", "internal/bench", "internal/e2e"},
	"internal/e2e":     {},
	"internal/house":   {},
	"internal/dbtest":  {}, // and every test
}

// room gives the room of an import path, the longest one that holds it; "" for other modules.
func room(path string) string {
	path, ours := strings.CutPrefix(path, module)
	if !ours {
		return ""
	}
	best := ""
	for r := range rooms {
		if (path == r || strings.HasPrefix(path, r+"/")) && len(r) > len(best) {
			best = r
		}
	}
	if best == "" {
		return path // a room that the table does not know
	}
	return best
}

// allowed gives the rooms that the table lets r import.
func allowed(r string) map[string]bool {
	set := map[string]bool{r: true}
	if rooms[r] == everything {
		for other := range rooms {
			set[other] = true
		}
		return set
	}
	for _, name := range strings.Fields(rooms[r]) {
		set["internal/"+name] = true
	}
	return set
}

// scene adds what tests may use to set their scene: every room but the pages and
// what stands above them. The real neighbour is better than a fake of it, and
// the compiler forbids circles.
func scene(r string) map[string]bool {
	set := allowed(r)
	for other := range rooms {
		if !strings.HasPrefix(rooms[other], pages) && rooms[other] != everything {
			set[other] = true
		}
	}
	return set
}

func mayBeImportedBy(target, r string, test bool) bool {
	who, limited := importers[target]
	return target == r || !limited || slices.Contains(who, r) || test && target == "internal/dbtest"
}

func TestImportsRunOnlyAsTheTableSays(t *testing.T) {
	for _, p := range packages(t) {
		r := room(p.ImportPath)
		if _, known := rooms[r]; !known {
			t.Errorf("%s is not in the table of rooms", p.ImportPath)
			continue
		}
		check := func(imports []string, set map[string]bool, test bool) {
			for _, path := range imports {
				target := room(path)
				if target != "" && (!set[target] || !mayBeImportedBy(target, r, test)) {
					t.Errorf("%s may not import %s (tests: %v)", p.ImportPath, path, test)
				}
			}
		}
		check(p.Imports, allowed(r), false)
		check(slices.Concat(p.TestImports, p.XTestImports), scene(r), true)
	}
}

// The compiler forbids circles of packages; this forbids circles of rooms, and so keeps the table honest.
func TestRoomsHaveNoCircles(t *testing.T) {
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(r string, way []string)
	visit = func(r string, way []string) {
		way = append(way, r)
		if state[r] == open {
			t.Errorf("circle: %s", strings.Join(way, " → "))
		}
		if state[r] != 0 {
			return
		}
		state[r] = open
		for next := range allowed(r) {
			if _, known := rooms[next]; !known {
				t.Errorf("%s may import %s, which is not in the table", r, next)
			}
			if next != r && rooms[r] != everything {
				visit(next, way)
			}
		}
		state[r] = done
	}
	for r := range rooms {
		visit(r, nil)
	}
}

func TestPackagesAreCalledAfterWhatTheyDo(t *testing.T) {
	for _, p := range packages(t) {
		switch p.Name {
		case "util", "utils", "common", "helper", "helpers", "model", "models", "types", "misc", "shared", "base":
			t.Errorf("%s: a package called %s says nothing", p.ImportPath, p.Name)
		}
	}
}
