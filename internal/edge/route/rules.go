package route

import "time"

// Rules are the figures of all decisions. The zero value of a field means its
// default; see docs/decisions/0013-switching.md for where each comes from.
type Rules struct {
	Dead     time.Duration // no answer at all, of probes and members, for so long: dead
	Unready  time.Duration // alive, but saying that it is not ready, for so long: unready
	MinHold  time.Duration // between two switches of a journey, whatever happens
	Hold     time.Duration // at the stand-in before the first try to return
	HoldMax  time.Duration // what relapses double Hold up to
	Forget   time.Duration // so long after a return, a failure is no relapse
	Step     time.Duration // for each share of the way back, when enough members have gone it
	StepIdle time.Duration // for each share of the way back, when nobody comes
	Seen     int           // members' answers that are enough for a share of the way back

	Tolerated float64 // share of failures that is no reason to leave
	Failing   float64 // share of failures that shall be found
	Leave     float64 // how likely (per outcome, at the tolerated share) leaving is for nothing
	Relapse   float64 // the same on the way back, where little is at stake

	BuildStep   time.Duration // least time at each share of a new build
	BuildIdle   time.Duration // the same when too few members have met it to tell
	BuildSeen   int           // members' answers of the new build that are enough to tell
	BuildFalse  float64       // how likely a rollout of a build as good as the old one is drained
	BuildWindow time.Duration // after it, a comparison begins again
}

// withDefaults fills in what is not set.
func (r Rules) withDefaults() Rules {
	for field, value := range map[*time.Duration]time.Duration{
		&r.Dead: 4 * time.Second, &r.Unready: 8 * time.Second, &r.MinHold: 10 * time.Second,
		&r.Hold: 30 * time.Second, &r.HoldMax: 15 * time.Minute, &r.Forget: 30 * time.Minute,
		&r.Step: 10 * time.Second, &r.StepIdle: 20 * time.Second,
		&r.BuildStep: 60 * time.Second, &r.BuildIdle: 10 * time.Minute, &r.BuildWindow: 15 * time.Minute,
	} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*float64]float64{&r.Tolerated: 0.02, &r.Failing: 0.25, &r.Leave: 1e-6, &r.Relapse: 1e-3, &r.BuildFalse: 5e-4} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*int]int{&r.Seen: 20, &r.BuildSeen: 50} {
		if *field == 0 {
			*field = value
		}
	}
	return r
}

// stepsBack are the shares of members that core gets back one after another.
func stepsBack() []Share { return []Share{100, 500, 2500} }

// stepsNew are the shares of members that a new build gets one after another.
// The first is also the most that ever meet a build that is bad from the start.
func stepsNew() []Share { return []Share{100, 500, 2500, 5000, All} }
