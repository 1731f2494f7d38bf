package route

import (
	"strconv"
	"testing"
	"time"

	"standfast/internal/journey"
)

// hang has a member ask for something and wait in vain for as long as a page is waited for.
func (w *world) hang(e Errand, member string) {
	w.t.Helper()
	to, ok := w.Pick("us", e, member)
	if !ok || to.Side != Core {
		w.t.Fatalf("%s is sent to %v", member, to)
	}
	w.pass(4 * time.Second)
	w.Overdue(to, e, Answer{Took: 4 * time.Second, Member: member})
}

// A core that answers every probe and no member is left, for all journeys and however few
// come; one member's hanging request, or one that another is answered beside, says nothing.
func TestACoreThatAnswersNobodyIsLeft(t *testing.T) {
	pay, look := both(journey.Pay), both(journey.Dashboard)
	good := Answer{Outcome: journey.Done}
	for _, c := range []struct {
		name string
		do   func(w *world)
		left bool
	}{
		{"three of two members", func(w *world) { w.hang(pay, "a"); w.hang(look, "b"); w.hang(look, "b") }, true},
		{"two", func(w *world) { w.hang(pay, "a"); w.hang(look, "b") }, false},
		{"one member alone", func(w *world) { w.hang(pay, "a"); w.hang(look, "a"); w.hang(look, "a"); w.hang(look, "a") }, false},
		{"somebody is answered", func(w *world) {
			w.hang(pay, "a")
			w.hang(look, "b")
			to, _ := w.Pick("us", look, "c")
			w.Report(to, look, good)
			w.hang(look, "b")
		}, false},
		{"the edge is full meanwhile", func(w *world) {
			w.hang(pay, "a")
			w.hang(look, "b")
			to, _ := w.Pick("us", look, "c")
			w.Report(to, look, Answer{Shed: true, Full: true, Member: "c"})
			w.hang(look, "b")
		}, true},
		{"full is not silent", func(w *world) {
			for i := range 9 {
				to, _ := w.Pick("us", look, "c")
				w.Report(to, look, Answer{Shed: true, Full: true, Member: strconv.Itoa(i)})
				w.pass(time.Second)
			}
		}, false},
		{"refused for a moment", func(w *world) {
			for i := range 4 { // as a process is restarted
				to, _ := w.Pick("us", look, strconv.Itoa(i))
				w.Report(to, look, Answer{Lost: true, Member: strconv.Itoa(i)})
			}
			w.pass(time.Second)
			to, _ := w.Pick("us", look, "c")
			w.Report(to, look, good)
		}, false},
		{"long ago", func(w *world) { w.hang(pay, "a"); w.hang(look, "b"); w.pass(time.Minute) }, false},
	} {
		w := newWorld(t)
		c.do(w)
		w.pass(time.Second)
		for _, j := range []journey.Name{journey.Pay, journey.Dashboard, journey.SignIn} {
			if got := w.atStandin(both(j)) == 1000; got != c.left {
				t.Errorf("%s: %q left: %v", c.name, j, got)
			}
		}
		if list := w.switches(journey.Pay); c.left && (len(list) != 1 || list[0].Cause != CauseMute) {
			t.Errorf("%s: %+v", c.name, list)
		}
	}
}

// It gets its members back by shares once nobody waits for it any more, and not before.
func TestAMuteCoreComesBack(t *testing.T) {
	w, pay := newWorld(t), both(journey.Pay)
	for _, m := range []string{"a", "b", "c"} {
		w.hang(pay, m)
	}
	w.pass(time.Second)
	begun := w.now
	for w.now.Sub(begun) < time.Minute { // what only core can do goes on waiting there
		w.hang(coreOnly(journey.Transfer), "d")
		if n := w.atStandin(pay); n != 1000 {
			t.Fatalf("it got members after %v: %d are at the stand-in", w.now.Sub(begun), n)
		}
	}
	w.live(3*time.Minute, 5, errands())
	if n := w.atStandin(pay); n != 0 {
		t.Errorf("%d of 1,000 are still at the stand-in", n)
	}
}

// What was overdue counts once, whatever becomes of it.
func TestWhatWasOverdueCountsOnce(t *testing.T) {
	w, pay := newWorld(t), both(journey.Pay)
	to, _ := w.Pick("us", pay, "a")
	before := w.InFlight(to)
	w.Overdue(to, pay, Answer{Took: 4 * time.Second, Member: "a"})
	w.Report(to, pay, Answer{Outcome: journey.Done, Took: 9 * time.Second, Late: true, Member: "a"})
	got := w.processes[to].series[journey.Pay].within(w.now, 30)
	if got.All() != 1 || got.Failed != 1 || w.InFlight(to) != before-1 {
		t.Errorf("%+v, %d under way", got, w.InFlight(to))
	}
}

// Who dies of the same cause a little later is not switched to.
func TestWhatBothSidesDieOfMovesNobody(t *testing.T) {
	w, look := newWorld(t), both(journey.Dashboard)
	to, _ := w.Pick("us", look, "a")
	w.core.dead, w.spare.dead = true, true
	w.Report(to, look, Answer{Lost: true, Member: "a"}) // of core it is known earlier
	w.now = w.now.Add(500 * time.Millisecond)
	w.pass(30 * time.Second)
	w.core.dead, w.spare.dead = false, false
	w.pass(5 * time.Second)
	if list := w.switches(journey.Dashboard); len(list) != 0 || w.atStandin(look) != 0 {
		t.Errorf("%+v, %d at the stand-in", list, w.atStandin(look))
	}
}
