package route

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"standfast/internal/journey"
)

// draw gives n outcomes of which each fails with the given chance.
func draw(r *rand.Rand, n int, failing float64) (t Tally) {
	for range n {
		if r.Float64() < failing {
			t.Failed++
		} else {
			t.Done++
		}
	}
	return t
}

// 100,000 cores of which one answer in a hundred fails are watched for 500
// answers each; and 20,000 that fail just as often as is tolerated.
func TestAHealthyCoreIsNotLeftForNoise(t *testing.T) {
	for _, c := range []struct {
		runs    int
		failing float64
		most    int
	}{{100_000, 0.01, 0}, {20_000, 0.02, 30}} { // at 0.02 the bound of Lorden is 10 in 20,000 × 500
		r, left := rand.New(rand.NewPCG(4, 19)), 0
		for range c.runs {
			if answersUntilLeft(r, c.failing, 10, 500) <= 500 {
				left++
			}
		}
		t.Logf("%d of %d healthy cores were left at a share of failures of %g", left, c.runs, c.failing)
		if left > c.most {
			t.Errorf("%d of %d healthy cores were left at a share of failures of %g", left, c.runs, c.failing)
		}
	}
}

// answersUntilLeft watches a core, looking after every few answers.
func answersUntilLeft(r *rand.Rand, failing float64, few, most int) int {
	rules, e := Rules{}.withDefaults(), evidence{}
	now := time.Unix(0, 0)
	for n := few; n <= most; n += few {
		e.take(draw(r, few, failing), rules, now)
		if e.against(rules.Leave) {
			return n
		}
	}
	return most + 1
}

func TestAFailingCoreIsLeftAfterFewAnswers(t *testing.T) {
	for _, c := range []struct {
		failing float64
		most    int // answers, in 95 of 100 runs
	}{{1, 6}, {0.5, 25}, {0.25, 90}} {
		r := rand.New(rand.NewPCG(4, 8))
		var took []int
		for range 5000 {
			took = append(took, answersUntilLeft(r, c.failing, 1, 10_000))
		}
		slices.Sort(took)
		t.Logf("a core of which %g fails is left after %d answers (median), %d (95 %%)", c.failing, took[2500], took[4750])
		if took[4750] > c.most {
			t.Errorf("a core of which %g fails is left after %d answers in 95 of 100 runs, not %d", c.failing, took[4750], c.most)
		}
	}
}

// Builds that are as good as the old one are compared with it for 60 seconds
// each. One comparison may be wrong α of the time, a rollout has 85 with a part
// of α each.
func TestABuildAsGoodIsNotDrained(t *testing.T) {
	const runs, alpha = 50_000, 5e-4
	r, drained := rand.New(rand.NewPCG(19, 2)), 0
	for range runs {
		var c comparison
		for range 30 {
			c.take(draw(r, 24, 0.02), draw(r, 2, 0.02))
			if c.against(alpha) {
				drained++
				break
			}
		}
	}
	t.Logf("%d of %d builds as good as the old one were found worse, at most %g may be", drained, runs, runs*alpha)
	if drained > 25+15 { // three standard deviations above
		t.Errorf("%d of %d builds as good as the old one were found worse", drained, runs)
	}
}

// A fault that begins while a build is rolled out, and that both meet, is not its fault.
func TestAFaultOfBothIsNotHeldAgainstTheNewBuild(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 3))
	alpha, drained := newRollout(Rules{}.withDefaults()).fullAlpha(), 0
	for range 2000 {
		var c comparison
		for second := range 60 {
			failing := 0.01
			if second >= 20 {
				failing = 0.6
			}
			c.take(draw(r, 30, failing), draw(r, 1, failing))
			if c.against(alpha) {
				drained++
				break
			}
		}
	}
	if drained > 0 {
		t.Errorf("%d of 2,000 builds were drained for a fault that the old one had too", drained)
	}
}

func (o *rollout) fullAlpha() float64 { o.compare(time.Unix(0, 0)); return o.alpha() }

func TestABadBuildIsDrainedAfterFewExposures(t *testing.T) {
	for _, c := range []struct {
		failing float64
		most    int
	}{{1, 5}, {0.5, 25}} {
		r := rand.New(rand.NewPCG(19, 5))
		alpha := newRollout(Rules{}.withDefaults()).fullAlpha()
		var took []int
		for range 2000 {
			took = append(took, exposuresUntilDrained(r, c.failing, alpha))
		}
		slices.Sort(took)
		t.Logf("a build of which %g fails is drained after %d exposures (median), %d (95 %%)", c.failing, took[1000], took[1900])
		if took[1900] > c.most {
			t.Errorf("a build of which %g fails is drained after %d exposures in 95 of 100 runs, not %d", c.failing, took[1900], c.most)
		}
	}
}

// exposuresUntilDrained compares a bad build that has 1 % of the members with a healthy one.
func exposuresUntilDrained(r *rand.Rand, failing, alpha float64) int {
	var c comparison
	for n := 1; n < 1000; n++ {
		c.take(draw(r, 99, 0.005), draw(r, 1, failing))
		if c.against(alpha) {
			return n
		}
	}
	return 1000
}

func TestABadBuildNeverGetsBeyondItsFirstShare(t *testing.T) {
	w := newWorld(t, Build{Name: "a", URL: "https://a"}, Build{Name: "b", URL: "https://b", Share: All})
	w.fresh.failing = map[journey.Name]float64{journey.Pay: 0.5}
	w.live(60*time.Second, 500, errands())
	c := w.cells[0]
	if !c.rollout.drained || c.rollout.share != 0 {
		t.Fatalf("it has %d after a minute", c.rollout.share)
	}
	for _, d := range w.told {
		if d.Share > 100 {
			t.Errorf("it had %d", d.Share)
		}
	}
	w.pass(time.Hour)
	if c.rollout.share != 0 {
		t.Error("it came back by itself")
	}
	if n := w.atStandin(both(journey.Pay)); n != 0 {
		t.Errorf("%d of 1,000 were sent to the stand-in for the new build's fault", n)
	}
}

func TestAHealthyBuildGetsEverybodyAndNobodyGoesBack(t *testing.T) {
	w := newWorld(t, Build{Name: "a", URL: "https://a"}, Build{Name: "b", URL: "https://b", Share: All})
	had := map[int]bool{}
	for range 8 {
		w.live(time.Minute, 20, errands())
		for i := range 2000 {
			member := "member " + string(rune('a'+i%26)) + time.Duration(i).String()
			t2, _ := w.Pick("us", both(journey.Pay), member)
			w.Report(t2, both(journey.Pay), Answer{Left: true})
			if had[i] && t2.Build != "b" {
				t.Fatalf("member %d went back", i)
			}
			had[i] = t2.Build == "b"
		}
	}
	if w.cells[0].rollout.share != All {
		t.Errorf("it has %d", w.cells[0].rollout.share)
	}
}
