package portal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"standfast/internal/text"
)

// families are ids whose last part is made at run time, each with all its
// members, so that none of them is missing and none is left over.
var families = map[string][]string{
	"account.status-":     {"frozen", "closed"},
	"add.country-":        {"US", "GB", "IBAN"},
	"contact.new-":        {"phone", "email"},
	"contact.hint-":       {"phone", "email"},
	"contact.title-":      {"phone", "email"},
	"contact.remove-":     {"phone", "email"},
	"contact.removes-":    {"phone", "email"},
	"contact.changes-":    {"phone", "email"},
	"contact.done-":       {"waiting", "done", "stopped", "replaced", "refused", "over"},
	"code.why-":           {"no-key", "key-missing", "key-wrong", "proof-over", "code-due"},
	"code.by-":            {"text", "voice", "email"},
	"code.is-":            {"waiting", "delivered", "late", "failed"},
	"recover.by-":         {"text", "voice", "email"},
	"code.sent-":          {"text", "voice", "email", "app", "recovery", "passkey"},
	"dashboard.morning":   {"", "-name"},
	"dashboard.afternoon": {"", "-name"},
	"dashboard.evening":   {"", "-name"},
	"done.title-":         {"scheduled", "awaiting_step_up", "held", "submitted", "settled", "returned", "declined", "cancelled"},
	"freeze.title-":       {"active", "frozen"},
	"freeze.text-":        {"active", "frozen"},
	"freeze.submit-":      {"active", "frozen"},
	"language.name.":      {"en-US", "en-GB", "de-DE"},
	"method.sentence.":    {"new", "verified", "stopped", "removed"},
	"method.state.":       {"new", "verified", "stopped", "removed"},
	"payment.sentence.":   {"scheduled", "awaiting_step_up", "held", "submitted", "settled", "returned", "declined", "cancelled"},
	"payment.note.": {"insufficient-funds", "account-closed", "no-account", "stopped-by-member", "account-frozen", "not-authorized",
		"method-stopped", "method-removed", "card-closed", "limit"}, // held to what payments note by their own tests
	"payment.state.":    {"scheduled", "awaiting_step_up", "held", "submitted", "settled", "returned", "declined", "cancelled"},
	"tile.unavailable-": {"card", "savings"},
	"transaction.":      {"movement", "purchase", "payment", "transfer", "interest", "fee", "refund", "pending", "voided"},
	"zone.":             {"UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London", "Europe/Berlin"},
	"calendar.":         {"months", "months-short", "days"},
	"notify.":           nil, // held to its templates by notify's own tests
	"fault.":            nil, // held to the codes of the tree below
	"edge.":             nil, // held to its pages by the edge's own tests
	"standin.":          nil, // held to its pages by the stand-in's own tests
	"console.":          nil, // held to its pages by the console's own tests
}

var idShape = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[A-Za-z][A-Za-z0-9_/-]*)+$`)

// literals are all string literals of the Go files below a folder.
func literals(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // somebody is at it; the compiler will say
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					found[s] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEveryTextIsUsedAndEveryUsedTextExists reads the source: a text nobody says
// is a text nobody keeps right.
func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	c, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	used := literals(t, ".")
	for s := range literals(t, "../../text") {
		used[s] = true
	}
	known := map[string]bool{}
	for _, id := range c.IDs(text.Default) {
		known[id] = true
		if !used[id] && !inFamily(id) {
			t.Errorf("nobody uses %s", id)
		}
	}
	tables := map[string]bool{}
	for id := range known {
		tables[id[:strings.IndexByte(id, '.')]] = true
	}
	for s := range used {
		if head, _, ok := strings.Cut(s, "."); ok && tables[head] && idShape.MatchString(s) && !known[s] && !known["fault."+s] && !isFamily(s) && !strings.HasSuffix(s, ".js") {
			t.Errorf("%s is used and not in the catalogue", s)
		}
	}
	for prefix, members := range families {
		for _, m := range members {
			if !known[prefix+m] {
				t.Errorf("%s is not in the catalogue", prefix+m)
			}
		}
	}
}

func isFamily(s string) bool { _, ok := families[s]; return ok }

func inFamily(id string) bool {
	for prefix, members := range families {
		rest, ok := strings.CutPrefix(id, prefix)
		if !ok {
			continue
		}
		for _, m := range members {
			if m == rest {
				return true
			}
		}
		if members == nil {
			return true
		}
	}
	return false
}

// TestEveryFaultTextHasItsFault looks for the code of each translated fault in
// the modules that make faults. A code may be joined of two literals.
func TestEveryFaultTextHasItsFault(t *testing.T) {
	c, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(".."); err != nil {
		t.Skip("the modules are not there")
	}
	codes := literals(t, "..")
	for _, dir := range []string{"../../db", "../../fault", "../../token"} {
		for s := range literals(t, dir) {
			codes[s] = true
		}
	}
	for _, id := range c.IDs(text.Default) {
		code, ok := strings.CutPrefix(id, "fault.")
		if !ok || codes[code] {
			continue
		}
		head, tail := code[:strings.LastIndexByte(code, '.')+1], code[strings.LastIndexByte(code, '.')+1:]
		if !codes[head] || !codes[tail] {
			t.Errorf("no module makes a fault %q", code)
		}
	}
}
