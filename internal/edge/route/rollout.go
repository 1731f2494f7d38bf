package route

import (
	"time"

	"standfast/internal/journey"
)

// rollout is the way of a new build to its members.
//
//	1 % ─▶ 5 % ─▶ 25 % ─▶ 50 % ─▶ 100 %      each held until enough members have met it
//	  └──────┴───────┴───────┴──▶ drained    when it does worse than the old one; an operator alone begins again
type rollout struct {
	rules    Rules
	share    Share     // it has now
	target   Share     // it shall have at last
	since    time.Time // of this share
	compared time.Time // since when the comparisons run
	seen     int       // its answers since this share
	drained  bool      // taken away because it did worse or died
	by       map[journey.Name]*comparison
}

func newRollout(r Rules) *rollout { return &rollout{rules: r} }

// begin sets where the share shall go. Less is given at once, more in steps.
func (o *rollout) begin(target Share, now time.Time) {
	o.target, o.drained = target, false
	if target < o.share {
		o.enter(target, now)
	} else if o.share == 0 && target > 0 {
		o.enter(min(stepsNew()[0], target), now)
	}
}

// enter begins a share, with comparisons of its own.
func (o *rollout) enter(share Share, now time.Time) {
	o.share, o.since, o.seen = share, now, 0
	o.compare(now)
}

func (o *rollout) compare(now time.Time) {
	o.compared, o.by = now, map[journey.Name]*comparison{"": {}}
	for _, n := range journey.Names() {
		o.by[n] = &comparison{}
	}
}

// running tells whether both builds have members.
func (o *rollout) running() bool { return o.share > 0 && o.share < All }

// alpha is the level of one comparison: BuildFalse is for all journeys and shares of a rollout together.
func (o *rollout) alpha() float64 {
	return o.rules.BuildFalse / float64(len(o.by)*len(stepsNew()))
}

// step weighs what both builds did since the last tick and gives the cause of
// the change that it made, with the journey that was found to do worse.
func (o *rollout) step(now time.Time, dead bool, old, new map[journey.Name]Tally) (cause string, j journey.Name) {
	if !o.running() {
		return "", ""
	}
	if dead {
		o.drain(now)
		return CauseDead, ""
	}
	if now.Sub(o.compared) >= o.rules.BuildWindow {
		o.compare(now)
	}
	for n, c := range o.by {
		c.take(old[n], new[n])
		o.seen += new[n].All()
		if cause == "" && c.against(o.alpha()) {
			cause, j = CauseWorse, n
		}
	}
	if cause != "" {
		o.drain(now)
		return cause, j
	}
	return o.grow(now), ""
}

func (o *rollout) drain(now time.Time) {
	o.target, o.drained = 0, true
	o.share, o.since, o.seen = 0, now, 0 // the comparisons stay, for the record
}

// grow gives the next share when this one was held long enough.
func (o *rollout) grow(now time.Time) string {
	spent := now.Sub(o.since)
	if o.share >= o.target || spent < o.rules.BuildStep || spent < o.rules.BuildIdle && o.seen < o.rules.BuildSeen {
		return ""
	}
	for _, s := range stepsNew() {
		if s > o.share {
			o.enter(min(s, o.target), now)
			return CauseStep
		}
	}
	return ""
}
