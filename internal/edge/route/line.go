package route

import (
	"time"

	"standfast/internal/journey"
)

// line is the state of one journey in one cell: who answers it, and where on
// the way back it is.
//
//	core ──failure──▶ stand-in ──hold──▶ 1 % ─▶ 5 % ─▶ 25 % ─▶ core
//	  ▲                  ▲                │ relapse: the hold doubles
//	  └── stand-in bad ──┴────────────────┘
type line struct {
	rules    Rules
	side     Side      // who answers most members
	back     int       // which share of the way back core has; -1: none
	since    time.Time // of this state
	switched time.Time // when side last changed
	returned time.Time // when side last became core after a failure
	hold     time.Duration
	barred   time.Time // until when failures of core alone are no reason to leave it: the stand-in was no better
	well     time.Time // since when core looks well from outside; zero: it does not
	seen     int       // answers of core since the state began

	core    evidence // against core
	standin evidence // against the stand-in
}

func newLine(r Rules) line { return line{rules: r, side: Core, back: -1, hold: r.Hold} }

// sight is what a line looks at in one tick.
type sight struct {
	now       time.Time
	coreDead  bool
	unready   bool
	mute      bool  // core answers probes, and no member
	standinOK bool  // it exists, answers and says that it is ready
	standinUp bool  // it answered what it was last asked
	core      Tally // of core since the last tick
	standin   Tally // of the stand-in since the last tick
	coreNow   Tally // of core in the last half minute
	spareNow  Tally // of the stand-in in the last half minute
}

// Causes of decisions, as the record and the console name them.
const (
	CauseDead     = "core-dead"        // it does not answer at all
	CauseMute     = "core-mute"        // it lives, and no member gets an answer
	CauseUnready  = "core-unready"     // it says so, and nobody was served well lately
	CauseFailures = "failures"         // too many of its answers were failures
	CauseStandin  = "standin-bad"      // the stand-in is no better or gone
	CauseHeld     = "held"             // core looked well for the whole hold
	CauseStep     = "step"             // the last share went well
	CauseRelapse  = "relapse"          // core failed again on the way back
	CauseOperator = "operator"         // somebody decided
	CauseExpired  = "override-expired" // what somebody had decided ended
	CauseWorse    = "worse"            // a new build does worse than the old one
)

// step looks at what came and gives the cause of the change that it made, or "".
func (l *line) step(s sight) string {
	l.core.take(s.core, l.rules, s.now)
	l.standin.take(s.standin, l.rules, s.now)
	l.seen += s.core.All()
	switch bad := s.coreDead || s.unready || s.mute; {
	case bad:
		l.well = time.Time{}
	case l.well.IsZero():
		l.well = s.now
	}
	switch {
	case l.side == Core:
		return l.leave(s)
	case !l.spare(s):
		return l.flee(s)
	case l.back >= 0:
		return l.onward(s)
	}
	return l.tryBack(s)
}

// spare tells whether the stand-in is there and does not fail at this journey itself.
func (l *line) spare(s sight) bool {
	return s.standinOK && !l.standin.against(l.rules.Leave)
}

// worth tells whether the stand-in would do better than core, as far as it was
// asked at all: a fault that both have is not left by switching.
func worth(s sight) bool {
	if s.spareNow.All() < 5 || s.coreNow.All() == 0 {
		return true
	}
	return failing(s.spareNow)*2 < failing(s.coreNow)
}

func failing(t Tally) float64 { return float64(t.Failed) / float64(t.All()) }

// leave goes to the stand-in when core does not serve this journey. One that may be dying
// of the same cause, a little later, is waited for: it answers or is dead in a moment.
func (l *line) leave(s sight) string {
	cause := l.reason(s)
	if cause == "" || !s.standinOK || !s.standinUp || s.now.Sub(l.switched) < l.rules.MinHold {
		return ""
	}
	if cause != CauseDead && (!l.spare(s) || !worth(s) || s.now.Before(l.barred)) {
		return ""
	}
	l.relapsed(s.now)
	l.enter(Standin, -1, s.now)
	return cause
}

// relapsed doubles the hold when core had come back not long ago.
func (l *line) relapsed(now time.Time) {
	if l.returned.IsZero() || now.Sub(l.returned) >= l.rules.Forget {
		l.hold = l.rules.Hold
		return
	}
	l.hold = min(2*l.hold, l.rules.HoldMax)
}

// reason says why core should be left, or "". Members who are served well are
// better evidence than a core that says it is not ready.
func (l *line) reason(s sight) string {
	switch {
	case s.coreDead:
		return CauseDead
	case s.mute:
		return CauseMute
	case s.unready && s.coreNow.Done <= 4*s.coreNow.Failed:
		return CauseUnready
	case l.core.against(l.rules.Leave):
		return CauseFailures
	}
	return ""
}

// flee goes back to core at once when the stand-in serves nobody, unless core does not either.
func (l *line) flee(s sight) string {
	if s.coreDead || s.now.Sub(l.switched) < l.rules.MinHold {
		return ""
	}
	l.returned, l.barred = s.now, s.now.Add(l.hold)
	l.enter(Core, -1, s.now)
	return CauseStandin
}

// tryBack gives core the first share after it has looked well for the whole hold.
func (l *line) tryBack(s sight) string {
	if l.well.IsZero() || s.now.Sub(l.since) < l.hold || s.now.Sub(l.well) < min(l.hold, l.rules.Hold) {
		return ""
	}
	l.enter(Standin, 0, s.now)
	return CauseHeld
}

// onward gives core the next share, or takes back what it has.
func (l *line) onward(s sight) string {
	if s.coreDead || s.unready || s.mute || l.core.against(l.rules.Relapse) {
		l.hold = min(2*l.hold, l.rules.HoldMax)
		l.enter(Standin, -1, s.now)
		return CauseRelapse
	}
	spent := s.now.Sub(l.since)
	if spent < l.rules.Step || spent < l.rules.StepIdle && l.seen < l.rules.Seen || s.now.Sub(l.switched) < l.rules.MinHold {
		return ""
	}
	if l.back+1 < len(stepsBack()) {
		l.enter(Standin, l.back+1, s.now)
		return CauseStep
	}
	l.returned = s.now
	l.enter(Core, -1, s.now)
	return CauseStep
}

// enter begins a state, with no evidence against core from the one before.
func (l *line) enter(side Side, back int, now time.Time) {
	if side != l.side {
		l.switched = now
	}
	l.side, l.back, l.since, l.seen, l.core = side, back, now, 0, evidence{}
}

// share is the part of members whom core answers.
func (l *line) share() Share {
	switch {
	case l.side == Core:
		return All
	case l.back >= 0:
		return stepsBack()[l.back]
	}
	return 0
}

// lines are the journeys that are switched: those that the stand-in can do at
// least in part, and what is counted nowhere.
func lines() []journey.Name {
	list := []journey.Name{""}
	has := map[journey.Name]bool{}
	for _, g := range groups() {
		if g.Standin && g.With != "" {
			has[g.With] = true
		}
	}
	for _, n := range journey.Names() {
		if has[n] {
			list = append(list, n)
		}
	}
	return list
}
