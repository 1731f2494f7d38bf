package route

import (
	"testing"
	"time"

	"standfast/internal/fault"
)

// twoBuilds is a cell whose second place has a build that has been given nobody yet.
func twoBuilds(t *testing.T) *world {
	return newWorld(t, Build{Name: "a", URL: "https://a"}, Build{Name: "b", URL: "https://b"})
}

func (w *world) shares(build string, share Share) error {
	return w.SetShares(Shares{Cell: "us", Build: build, Share: share, Who: "ops", Reason: "release"})
}

// picks counts who of a thousand members goes to which build.
func (w *world) picks() map[string]int {
	seen := map[string]int{}
	for i := range 1000 {
		t, _ := w.Pick("us", Errand{}, "member "+time.Duration(i).String())
		w.Report(t, Errand{}, Answer{Left: true})
		seen[t.Build]++
	}
	return seen
}

// The build that everybody has gone to is the old one of the next release, whose
// new one takes the place that has become free, and gets its members in steps too.
func TestTwoPlacesTakeTurns(t *testing.T) {
	w := twoBuilds(t)
	if err := w.shares("a", All); err == nil {
		t.Fatal("the old build was given a share while nobody has left it")
	}
	for _, next := range []string{"b", "a", "b"} {
		if err := w.shares(next, All); err != nil {
			t.Fatal(err)
		}
		if n := w.picks()[next]; n == 0 || n > 30 {
			t.Errorf("%s begins with %d of 1000 members", next, n)
		}
		w.live(7*time.Minute, 20, []Errand{{Journey: "dashboard", With: "dashboard"}})
		if n := w.picks()[next]; n != 1000 {
			t.Errorf("%s ends with %d of 1000 members", next, n)
		}
	}
}

// An edge that starts again finds each build where it was, whichever place is the
// old one's by then.
func TestTurnsAreTakenUpAgain(t *testing.T) {
	w := twoBuilds(t)
	for _, next := range []string{"b", "a"} {
		if err := w.shares(next, All); err != nil {
			t.Fatal(err)
		}
		w.live(7*time.Minute, 20, []Errand{{Journey: "dashboard", With: "dashboard"}})
	}
	if err := w.shares("b", All); err != nil {
		t.Fatal(err)
	}
	last := map[string]Decision{}
	var order []Decision
	for _, d := range w.told {
		last[d.Build] = d
	}
	for _, d := range w.told {
		if d == last[d.Build] {
			order = append(order, d)
		}
	}
	again := twoBuilds(t)
	again.Restore(order)
	again.pass(time.Second)
	if got, want := again.picks(), w.picks(); got["b"] != want["b"] {
		t.Errorf("after a restart %v, before it %v", got, want)
	}
}

// Whoever says that it is about to stop is left at once, with requests still
// under way, by those whom another build can take.
func TestABuildThatLeavesIsGivenNobody(t *testing.T) {
	for _, leaving := range []string{"a", "b"} {
		w := twoBuilds(t)
		if err := w.shares("b", All); err != nil {
			t.Fatal(err)
		}
		w.peer(Target{Side: Core, Build: leaving}).unready = true
		w.pass(2 * time.Second)
		if n := w.picks()[leaving]; n > 0 {
			t.Errorf("%s says that it stops and was given %d of 1000 members", leaving, n)
		}
	}
}

// With nobody else to go to, members go to whoever still answers.
func TestBothUnreadyIsNoReasonToMove(t *testing.T) {
	w := twoBuilds(t)
	if err := w.shares("b", All); err != nil {
		t.Fatal(err)
	}
	before := w.picks()
	w.core.unready, w.fresh.unready = true, true
	w.pass(2 * time.Second)
	if got := w.picks(); got["a"]+got["b"] != 1000 {
		t.Errorf("%v, before it %v", got, before)
	}
	w.pass(time.Minute)
	for _, p := range w.State().Cells[0].Processes {
		if p.Drained {
			t.Error("a build was drained for what both say")
		}
	}
}

// A build that never becomes ready is drained, while the old one is well.
func TestABuildThatIsNotReadyIsDrained(t *testing.T) {
	w := twoBuilds(t)
	if err := w.shares("b", All); err != nil {
		t.Fatal(err)
	}
	w.fresh.unready = true
	w.pass(12 * time.Second)
	if p := w.State().Cells[0].Processes[1]; !p.Drained || p.Share != 0 {
		t.Errorf("%+v", p)
	}
}

// Who decides by what they saw is refused once somebody else has said something, or
// the build was drained; the steps in which a share grows change nothing that was said.
func TestAShareIsSetByWhoSawItAsItStands(t *testing.T) {
	w := twoBuilds(t)
	seen := func(i int) string { return w.State().Cells[0].Processes[i].Mark }
	if seen(0) != "" || seen(1) == "" {
		t.Fatalf("marks %q and %q: the newer build alone has a share to set", seen(0), seen(1))
	}
	first := seen(1)
	set := func(build string, share Share, mark string) error {
		return w.SetShares(Shares{Cell: "us", Build: build, Share: share, Mark: mark, Who: "ops", Reason: "release"})
	}
	if err := set("b", 2500, first); err != nil {
		t.Fatal(err)
	}
	if err := set("b", All, first); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one who saw the same: %v", err)
	}
	growing := seen(1)
	w.cells[0].rollout.enter(500, w.time())
	if seen(1) != growing {
		t.Error("a step changed what people have said")
	}
	w.cells[0].rollout.drain(w.time())
	if err := set("b", All, growing); !fault.Is(err, fault.Conflict) {
		t.Errorf("a drained build was given members by who did not see that: %v", err)
	}
	shown := w.State().Cells[0].Shown
	if err := set("", 500, shown); err != nil || w.State().Cells[0].Shown == shown {
		t.Errorf("the exercise: %v", err)
	}
	if err := set("", 0, shown); !fault.Is(err, fault.Conflict) {
		t.Errorf("the exercise by who saw what is over: %v", err)
	}
	if err := set("", 0, ""); err != nil {
		t.Errorf("the command line, which has no mark: %v", err)
	}
}
