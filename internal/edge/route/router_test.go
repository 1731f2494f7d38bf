package route

import (
	"strconv"
	"testing"
	"time"

	"standfast/internal/journey"
)

// world is a router of one cell, with a clock that only the test moves, before
// processes that do what the test says.
type world struct {
	*Router
	t     testing.TB
	now   time.Time
	told  []Decision
	core  peer // the old build
	fresh peer // the new one
	spare peer // the stand-in
	n     uint64
}

// peer is how a process behaves.
type peer struct {
	dead    bool
	unready bool
	failing map[journey.Name]float64 // share of failures
}

func newWorld(t testing.TB, builds ...Build) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	if builds == nil {
		builds = []Build{{Name: "a", URL: "https://a"}}
	}
	r, err := New(Options{Cells: []Cell{{Name: "us", Builds: builds, Standin: "https://s", Exercise: 100}},
		Now: func() time.Time { return w.now }, Random: w.random, Decided: func(d Decision) { w.told = append(w.told, d) }})
	if err != nil {
		t.Fatal(err)
	}
	w.Router = r
	w.pass(2 * time.Second)
	return w
}

// random is SplitMix64 from a fixed seed.
func (w *world) random() uint64 {
	w.n += 0x9e3779b97f4a7c15
	return mixed(w.n)
}

func (w *world) chance(p float64) bool { return float64(w.random()>>11)/(1<<53) < p }

func (w *world) peer(t Target) *peer {
	switch {
	case t.Side == Standin:
		return &w.spare
	case t.Build == "a":
		return &w.core
	}
	return &w.fresh
}

// pass lets time go by without members: probes each second, ticks four times.
func (w *world) pass(d time.Duration) { w.live(d, 0, nil) }

// live lets time go by with n requests of the errands in each quarter of a
// second, each of another member.
func (w *world) live(d time.Duration, n int, errands []Errand) {
	for i := range int(d / (250 * time.Millisecond)) {
		if i%4 == 0 {
			for _, t := range w.Targets() {
				p := w.peer(t)
				w.Probed(t, Probe{Answered: !p.dead, Ready: !p.unready, Build: t.Build})
			}
		}
		for range n {
			w.visit(errands[w.random()%uint64(len(errands))], strconv.FormatUint(w.random(), 36))
		}
		w.now = w.now.Add(250 * time.Millisecond)
		w.Tick()
	}
}

// visit makes one request and gives who answered it.
func (w *world) visit(e Errand, member string) Target {
	t, known := w.Pick("us", e, member)
	if !known {
		if !w.plan.Load().cells["us"].nobody {
			w.t.Fatal("the cell is not known")
		}
		return t
	}
	p := w.peer(t)
	a := Answer{Outcome: journey.Done, Took: 20 * time.Millisecond, Lost: p.dead}
	if w.chance(p.failing[e.Journey]) {
		a.Outcome = journey.Failed
	}
	w.Report(t, e, a)
	return t
}

// atStandin counts who of 1,000 members is sent to the stand-in.
func (w *world) atStandin(e Errand) int {
	n := 0
	for i := range 1000 {
		t, _ := w.Pick("us", e, "member "+strconv.Itoa(i))
		w.Report(t, e, Answer{Left: true})
		if t.Side == Standin {
			n++
		}
	}
	return n
}

func both(j journey.Name) Errand { return Errand{Journey: j, With: j, Standin: true} }

func coreOnly(j journey.Name) Errand { return Errand{Journey: j, With: j} }

// errands are what members do in these tests.
func errands() []Errand {
	return []Errand{both(journey.SignIn), both(journey.Dashboard), both(journey.History), both(journey.Pay), coreOnly(journey.Transfer)}
}

// switches counts changes of the side that most members of a journey have.
func (w *world) switches(j journey.Name) (list []Decision) {
	side := Core
	for _, d := range w.told {
		if d.Kind == Switched && d.Journey == j && d.Side != side {
			side = d.Side
			list = append(list, d)
		}
	}
	return list
}

func TestADeadCoreIsLeftWithoutASingleMember(t *testing.T) {
	w := newWorld(t)
	w.core.dead = true
	w.pass(15 * time.Second)
	for _, e := range append(errands(), Errand{Standin: true}) {
		if n := w.atStandin(e); n != 1000 {
			t.Errorf("%q: %d of 1,000 are at the stand-in", e.Journey, n)
		}
	}
}

// Where nothing lives the member is told so at once; a stand-in that lives without
// being ready is asked before nobody is, and who comes back is asked again at once.
func TestWhereNothingLivesNobodyWaits(t *testing.T) {
	w := newWorld(t)
	w.core.dead, w.spare.unready = true, true
	w.pass(20 * time.Second)
	if to, ok := w.Pick("us", both(journey.Freeze), "m"); !ok || to.Side != Standin {
		t.Errorf("a stand-in that lives is not asked: %v %v", to, ok)
	}
	w.spare.dead = true
	w.pass(20 * time.Second)
	for _, e := range errands() {
		if to, ok := w.Pick("us", e, "m"); ok {
			t.Errorf("%v waits for %v", e, to)
		}
	}
	w.core.dead = false
	w.pass(2 * time.Second)
	if to, ok := w.Pick("us", coreOnly(journey.Transfer), "m"); !ok || to.Side != Core {
		t.Errorf("core is back and not asked: %v %v", to, ok)
	}
}

func TestALivingCoreComesBackByShares(t *testing.T) {
	w := newWorld(t)
	w.core.dead = true
	w.live(30*time.Second, 5, errands())
	w.core.dead = false
	w.pass(2 * time.Second)
	if n := w.atStandin(coreOnly(journey.Transfer)); n != 0 {
		t.Errorf("what core alone can do waits for it: %d", n)
	}
	least, shares := Share(0), map[Share]bool{}
	for range 120 {
		w.live(time.Second, 5, errands())
		share := w.plan.Load().cells["us"].atCore(journey.Pay)
		if share < least {
			t.Fatalf("core's share fell from %d to %d", least, share)
		}
		least, shares[share] = share, true
	}
	if len(shares) != 5 || least != All {
		t.Errorf("it came back by %v", shares)
	}
}

func TestAFailingJourneyGoesAlone(t *testing.T) {
	w := newWorld(t)
	w.core.failing = map[journey.Name]float64{journey.Pay: 0.5}
	w.live(15*time.Second, 5, errands())
	if w.atStandin(both(journey.Pay)) != 1000 || w.atStandin(both(journey.Dashboard)) != 0 {
		t.Errorf("at the stand-in: pay %d, dashboard %d", w.atStandin(both(journey.Pay)), w.atStandin(both(journey.Dashboard)))
	}
}

// A request under way is given up only where its member is sent elsewhere for want of
// an answer: not in a rollout, not by a stand-in that hands back.
func TestWhoHasLeftATarget(t *testing.T) {
	pay := Errand{Journey: journey.Pay, With: journey.Pay, Standin: true, Keyed: true}
	profile := Errand{Journey: journey.Session, With: journey.Session}
	w := newWorld(t, Build{Name: "a", URL: "https://a"}, Build{Name: "b", URL: "https://b", Share: 1_000})
	at, ok := w.Pick("us", pay, "m")
	if !ok || at.Side != Core || at.Build != "a" {
		t.Fatalf("%v %v", at, ok)
	}
	standin := Target{Cell: "us", Side: Standin, URL: "https://s"}
	left := func(want, profiles bool) {
		t.Helper()
		if w.Left(at, pay, "m") != want || w.Left(at, profile, "m") != profiles {
			t.Errorf("left: %v and %v, want %v and %v", w.Left(at, pay, "m"), w.Left(at, profile, "m"), want, profiles)
		}
		if w.Left(standin, pay, "m") || w.Left(Target{Cell: "xx"}, pay, "m") || w.Left(at, pay, "") {
			t.Error("a stand-in, another cell's process or nobody's request was left")
		}
	}
	left(false, false)
	w.core.dead = true // the other build has all members now
	w.pass(10 * time.Second)
	left(true, true)
	w.fresh.dead = true
	w.pass(10 * time.Second)
	left(true, true)
	w.spare.dead = true // whom to ask else?
	w.pass(10 * time.Second)
	left(false, false)
	w.core.dead, w.fresh.dead, w.spare.dead = false, false, false
	w.pass(30 * time.Minute)
	left(false, false)
}

// While core is left for a journey, what one build did not answer is not sent to
// another one that may wait for the same database.
func TestWhatCoreDoesNotAnswerGoesToTheSideThatHasTheJourney(t *testing.T) {
	pay := Errand{Journey: journey.Pay, With: journey.Pay, Standin: true, Keyed: true}
	first, second := Target{Cell: "us", Side: Core, Build: "a"}, Target{Cell: "us", Side: Core, Build: "b"}
	standin := Target{Cell: "us", Side: Standin}
	c := &cellPlan{builds: []buildPlan{{target: first, share: All}, {target: second, share: 1_000}}, standin: &standin, back: map[journey.Name]Share{}}
	for _, at := range []struct {
		share Share
		bad   bool
		want  Target
	}{{All, false, second}, {100, false, second}, {0, false, standin}, {0, true, second}} {
		c.back[journey.Pay], c.standinBad = at.share, at.bad
		if got, ok := c.other(first, pay); !ok || got != at.want {
			t.Errorf("%d of members at core, stand-in bad: %v: %+v, want %+v", at.share, at.bad, got, at.want)
		}
	}
}
