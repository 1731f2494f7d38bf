package db

import (
	"testing"
	"time"
)

// What is heard of the server's clock counts when it is told twice, soon enough,
// and makes a difference.
func TestTheServersClockIsHeard(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	type answer struct{ ahead, took time.Duration }
	for name, c := range map[string]struct {
		answers []answer
		want    time.Duration
	}{
		"nearly right":              {[]answer{{clockNear, 0}, {-clockNear, 0}, {clockNear, 0}}, 0},
		"told once":                 {[]answer{{5 * time.Minute, 0}}, 0},
		"told twice":                {[]answer{{5 * time.Minute, 0}, {5 * time.Minute, 0}}, 5 * time.Minute},
		"behind":                    {[]answer{{-5 * time.Minute, 0}, {-5 * time.Minute, 0}}, -5 * time.Minute},
		"an outlier":                {[]answer{{5 * time.Minute, 0}, {0, 0}, {5 * time.Minute, 0}, {0, 0}}, 0},
		"late":                      {[]answer{{5 * time.Minute, clockLate + 1}, {5 * time.Minute, clockLate + 1}}, 0},
		"half the way":              {[]answer{{time.Minute, clockLate}, {time.Minute, clockLate}}, time.Minute},
		"set right again":           {[]answer{{time.Minute, 0}, {time.Minute, 0}, {0, 0}, {0, 0}}, 0},
		"no smaller than a quantum": {[]answer{{clockNear + 1, 0}, {clockNear + 1, 0}}, clockNear + 1},
	} {
		for _, follows := range []bool{true, false} {
			clock, want := cellClock{follows: follows}, c.want
			if !follows {
				want = 0
			}
			for _, a := range c.answers {
				clock.heard(noon.Add(a.took/2).Add(a.ahead), noon, noon.Add(a.took))
			}
			if got := time.Duration(clock.ahead.Load()); got != want {
				t.Errorf("%s, follows %v: %s, want %s", name, follows, got, want)
			}
		}
	}
}
