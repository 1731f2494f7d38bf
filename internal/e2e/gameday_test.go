package e2e

import (
	"encoding/json"
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
