package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/dbtest"
)

// gamedayReport is what a game day's JSON is read for.
type gamedayReport struct {
	Passed   bool
	Problems []string
	Rows     []struct {
		Row     int
		Passed  bool
		Notes   []string
		Figures []struct {
			Name   string
			Value  float64
			Of     int
			Met    *bool
			Misses map[string]int
		}
	}
}

// A short game day with few members: no existing session is refused a look or a
// freeze, members with passkeys sign in, and nobody meets a no for what is not
// known, whatever happens to the database. How fast it all is does not count here.
func TestAShortGameDayPasses(t *testing.T) {
	t.Parallel()
	for engine, where := range map[string]func(t *testing.T) []string{
		"sqlite":     func(*testing.T) []string { return []string{"--engine", "sqlite"} },
		"postgresql": func(t *testing.T) []string { return []string{"--database", dbtest.PostgreSQLURL(t)} },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel() // game days wait more than they work
			passes(t, 2, append([]string{"gameday", "3", "4", "--json", "--members", "2", "--length", "5s"}, where(t)...))
		})
	}
}

// Texts are not delivered: at first nothing is heard of them, then the gateway
// lies about it. The codes arrive by voice.
func TestWhenTextsStopTheCodeArrivesByAnotherWay(t *testing.T) {
	t.Parallel()
	passes(t, 1, []string{"gameday", "16", "--json", "--members", "2", "--engine", "sqlite"})
}

// The issuer's savings system hangs, then that of cards, then histories stall:
// every other account is as of now, what hangs shows its last value, and payments
// are taken. How fast it all is does not count here.
func TestWhatHangsShowsItsLastValueAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "report.html")
	out, errs, _ := run(t, "gameday", "5", "6", "--json", "--members", "2", "--length", "1s", "--engine", "sqlite", "--html", page)
	var r gamedayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Problems) > 0 || len(r.Rows) != 2 {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	for _, row := range r.Rows {
		for _, f := range row.Figures {
			if (strings.Contains(f.Name, "cookie") || strings.Contains(f.Name, "401")) && f.Value != 0 { // speed is no excuse here
				t.Errorf("row %d: %s: %v", row.Row, f.Name, f.Value)
			}
			if f.Of > 0 && f.Value < 0.5 { // of a handful of answers, on a busy machine, some are late; the figures are the game day's own business
				t.Errorf("row %d: %s: %v of %d: %v", row.Row, f.Name, f.Value, f.Of, f.Misses)
			}
		}
	}
	if text, err := os.ReadFile(page); err != nil || bytes.Count(text, []byte("<svg")) < 10 {
		t.Errorf("the page has no timelines: %v\n%s", err, text)
	}
}

// One cell is halted, another loses its processes and its data: members of the
// others go on, and those of the lost one read so. How fast it is does not count.
func TestALostCellCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	out, errs, _ := run(t, "gameday", "17", "--json", "--members", "6", "--length", "2s", "--engine", "sqlite")
	var r gamedayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Problems) > 0 || len(r.Rows) != 1 {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	for _, f := range r.Rows[0].Figures {
		if f.Met != nil && !*f.Met && (f.Of == 0 || f.Value < 0.9) { // a busy machine turns some away
			t.Errorf("%s: %v of %d: %v", f.Name, f.Value, f.Of, f.Misses)
		}
	}
}

// passes runs a game day that has to pass.
func passes(t *testing.T, rows int, args []string) {
	t.Helper()
	out, errs, status := run(t, args...)
	var r gamedayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("status %d: %v\n%s%s", status, err, out, errs)
	}
	if status != 0 || !r.Passed || len(r.Rows) != rows {
		t.Errorf("status %d, passed %v\n%s\n%s", status, r.Passed, out, errs)
	}
}

// Every process is replaced by another while members look, pay and freeze, and the
// schema grows under the build that does not know it: nobody is signed out, and
// every payment is in the books once. That no request fails at all is the game
// day's own business, on a machine that is not busy.
func TestAnUpgradeSignsNobodyOutAndLosesNothing(t *testing.T) {
	t.Parallel()
	out, errs, _ := run(t, "gameday", "19", "--healthy", "--json", "--members", "24", "--length", "250ms", "--database", dbtest.PostgreSQLURL(t))
	var r gamedayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Problems) > 0 || len(r.Rows) != 1 || len(r.Rows[0].Figures) != 8 {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	for _, f := range r.Rows[0].Figures {
		if f.Of == 0 && f.Value != 0 {
			t.Errorf("%s: %v; %v", f.Name, f.Value, r.Rows[0].Notes)
		}
		if f.Of > 0 && f.Value < 0.5 {
			t.Errorf("%s: %v of %d: %v", f.Name, f.Value, f.Of, f.Misses)
		}
	}
}
