package route

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/journey"
)

// Whatever core and the stand-in do: a journey is never switched twice within the
// least hold, a dead core is left within 15 seconds when the stand-in lives, and
// an hour of trouble has few switches.
func TestSwitchingHoldsUnderAnyTrouble(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		begun := w.now
		dead, spareWell := time.Duration(0), time.Duration(0)
		for range rapid.IntRange(2, 5).Draw(rt, "phases") {
			w.core = peer{dead: rapid.Bool().Draw(rt, "dead"), unready: rapid.Bool().Draw(rt, "unready"),
				failing: map[journey.Name]float64{journey.Pay: rapid.SampledFrom([]float64{0, 0, 0.01, 0.3, 1}).Draw(rt, "failing")}}
			w.spare = peer{dead: rapid.IntRange(0, 4).Draw(rt, "spare") == 0,
				failing: map[journey.Name]float64{journey.Pay: rapid.SampledFrom([]float64{0, 0, 0, 0.5}).Draw(rt, "failing there")}}
			perQuarter := rapid.SampledFrom([]int{0, 1, 4}).Draw(rt, "members")
			for range rapid.IntRange(1, 40).Draw(rt, "seconds") {
				w.live(time.Second, perQuarter, []Errand{both(journey.Pay)})
				dead, spareWell = longer(dead, w.core.dead), longer(spareWell, !w.spare.dead)
				if dead >= 15*time.Second && spareWell >= 15*time.Second && w.plan.Load().cells["us"].atCore(journey.Pay) > 0 {
					rt.Fatalf("core is dead for %v and has members", dead)
				}
			}
		}
		list, hold := w.switches(journey.Pay), w.rules.MinHold
		for i := 1; i < len(list); i++ {
			if d := list[i].At.Sub(list[i-1].At); d < hold {
				rt.Fatalf("switched twice within %v: %s, %s", d, list[i-1].Cause, list[i].Cause)
			}
		}
		if most := 4 + int(w.now.Sub(begun)/(30*time.Second)); len(list) > most {
			rt.Fatalf("%d switches in %v", len(list), w.now.Sub(begun))
		}
	})
}

func longer(d time.Duration, still bool) time.Duration {
	if !still {
		return 0
	}
	return d + time.Second
}

// A core that dies a minute after each return is tried less and less often.
func TestRelapsesAreTriedLessAndLessOften(t *testing.T) {
	w := newWorld(t)
	for range 60 * 4 { // an hour
		w.core.dead = w.plan.Load().cells["us"].atCore(journey.Pay) == All
		w.pass(15 * time.Second)
	}
	if n := len(w.switches(journey.Pay)); n > 16 || n < 4 {
		t.Errorf("%d switches in an hour", n)
	}
}
