package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/steer"
)

// printed gives all that a command of the program prints.
func printed(t testing.TB, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(program(t), args...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

// routed is what the edge says of itself, asked past core.
func routed(t testing.TB, dir string) (s steer.State) {
	t.Helper()
	if err := json.Unmarshal(printed(t, "routing", "show", "--json", "--config", filepath.Join(dir, "edge.toml")), &s); err != nil || len(s.Cells) != 1 {
		t.Fatal(err, s)
	}
	return s
}

// decide fills the open form's reason, goes on to what follows from it, and
// confirms that with the passkey.
func (b *tab) decide(reason string) {
	b.t.Helper()
	b.fill("reason", reason)
	b.press(staffSubmit)
	b.press(staffSignIn)
}

// An operator looks at who answers, moves a journey to the stand-in and lets the
// edge decide again, and sets what the stand-in is shown. The edge does it, says it
// on the page and past core, and writes it down with its reason.
func TestAnOperatorSwitchesTheRealEdge(t *testing.T) {
	chromium(t)
	dir := filepath.Join(t.TempDir(), "data")
	d := startDemo(t, "--data", dir)
	c := signIn(t, d, 0)
	d.standinKnows(t)
	b := newTab(t, d.Console, desktop)
	b.authenticator()
	b.open(strings.TrimPrefix(d.Operators[0].SetUp, strings.TrimSuffix(d.Console, "/")))
	b.fill("name", "Olga Operator")
	b.press(staffMake)

	b.open("/routing")
	b.press(`a[href="/routing/change?journey=dashboard&side=standin"]`)
	b.expect("/routing/change", "Nobody has to sign in again.", "Figures may be a little older")
	b.decide("INC-4711: figures are wrong")
	b.expect("/routing?done=changed", "Olga Operator, until")
	j := routed(t, dir).Cells[0].Journey("dashboard")
	if j.Side != steer.Standin || j.AtCore != 0 || j.Override == nil || j.Override.Reason != "INC-4711: figures are wrong" {
		t.Fatalf("the edge says %+v", j)
	}
	if status, _ := c.do(t, "GET", "/dashboard", nil, nil); status != 200 {
		t.Errorf("the dashboard from the stand-in: %d", status)
	}
	for _, f := range routed(t, dir).Cells[0].Journey("dashboard").Figures {
		if f.Side == steer.Standin && f.Sum().Done == 0 {
			t.Error("the stand-in did not answer")
		}
	}
	b.open("/routing")
	b.looked("console-routing")

	b.press(`a[href="/routing/change?journey=dashboard"]`)
	b.decide("INC-4711 is over")
	b.expect("/routing?done=changed")
	if j := routed(t, dir).Cells[0].Journey("dashboard"); j.Override != nil {
		t.Errorf("the override stands: %+v", j.Override)
	}
	b.setExercise(t, dir)
	b.open("/advices")
	b.expect("/advices", "Nothing is open")
	if said := printed(t, "advices", "--config", filepath.Join(dir, "demo.toml")); strings.TrimSpace(string(said)) != "None." {
		t.Errorf("advices beside a core that runs: %s", said)
	}
}

// setExercise sets what the stand-in is shown, and finds it and all that was decided
// before in the edge's record.
func (b *tab) setExercise(t *testing.T, dir string) {
	t.Helper()
	b.press(`a[href="/routing/share"]`)
	b.fill("share", "100.5")
	b.fill("reason", "evening")
	b.press(staffSubmit)
	b.expect("/routing/share", "from 0 to 100")
	b.fill("share", "12.5")
	b.decide("evening")
	b.expect("/routing?done=share", "12.50%")
	if s := routed(t, dir); s.Cells[0].Exercise != 1250 {
		t.Errorf("the stand-in is shown %d", s.Cells[0].Exercise)
	}
	eventually(t, patience, "decisions in the record", func() bool {
		reasons := map[string]bool{}
		for _, e := range routed(t, dir).Decisions {
			reasons[e.Who+": "+e.Reason] = true
		}
		return reasons["Olga Operator: INC-4711: figures are wrong"] && reasons["Olga Operator: INC-4711 is over"] && reasons["Olga Operator: evening"]
	})
	b.open("/routing")
	b.expect("/routing", "INC-4711 is over", "evening")
}
