package route

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"standfast/internal/journey"
)

// State is who answers what, and how well: what the console shows.
type State struct {
	At    time.Time   `json:"at"`
	Cells []CellState `json:"cells"`
}

// CellState is the state of one cell.
type CellState struct {
	Name      string         `json:"name"`
	Exercise  Share          `json:"exercise"`
	Shown     string         `json:"exercise_mark,omitempty"` // of the exercise's share; empty where there is no stand-in
	Mark      string         `json:"mark"`                    // of all journeys; see JourneyState
	Processes []ProcessState `json:"processes"`               // builds of core, then the stand-in
	Journeys  []JourneyState `json:"journeys"`
}

// ProcessState is one build of core, or the stand-in.
type ProcessState struct {
	Side     Side   `json:"side"`
	Build    string `json:"build,omitempty"`
	Says     string `json:"says,omitempty"` // the build that it says it is
	Alive    bool   `json:"alive"`
	Ready    bool   `json:"ready"`
	Share    Share  `json:"share"`  // of core's members; of the stand-in 0
	Target   Share  `json:"target"` // that the share grows to
	Drained  bool   `json:"drained"`
	InFlight int    `json:"in_flight"`
	// Mark changes with what people said of the share and with its being drained. It
	// is empty where there is no share to set.
	Mark string `json:"mark,omitempty"`
}

// JourneyState is one journey: who answers it, by whose word, and what came of it.
type JourneyState struct {
	Journey  journey.Name `json:"journey"` // empty: what is counted nowhere
	Switched bool         `json:"switched"`
	Side     Side         `json:"side"`
	AtCore   Share        `json:"at_core"`
	Since    time.Time    `json:"since,omitzero"`
	Hold     float64      `json:"hold_seconds"`
	// Mark changes with the side and with what operators have said. Who decides by
	// what they saw sends it along, and is refused when it is not the present one.
	Mark     string    `json:"mark"`
	Override *Override `json:"override,omitempty"`
	Figures  []Figures `json:"figures"` // one a process, in the order of Processes
}

// Figures are what one process did for one journey.
type Figures struct {
	Side    Side    `json:"side"`
	Build   string  `json:"build,omitempty"`
	Minute  Tally   `json:"minute"`         // the last 60 seconds
	P95     float64 `json:"p95_ms"`         // an upper bound, of the last 60 seconds
	HourP95 float64 `json:"hour_p95_ms"`    // the same of the last 60 minutes
	Hour    []Tally `json:"hour,omitempty"` // each of the last 60 minutes, the oldest first; left out where nothing came
}

// State gives the state of all cells now.
func (r *Router) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.time()
	s := State{At: now.UTC()}
	for _, c := range r.cells {
		s.Cells = append(s.Cells, r.cellState(c, now))
	}
	return s
}

func (r *Router) cellState(c *cell, now time.Time) CellState {
	s := CellState{Name: c.Name, Exercise: c.exercise, Shown: c.shareMark(""), Mark: r.mark(c, Every)}
	for i, p := range c.processes() {
		s.Processes = append(s.Processes, r.processState(c, i, p, now))
	}
	for _, n := range append([]journey.Name{""}, journey.Names()...) {
		s.Journeys = append(s.Journeys, r.journeyState(c, n, now))
	}
	return s
}

func (r *Router) processState(c *cell, i int, p *process, now time.Time) ProcessState {
	s := ProcessState{Side: p.target.Side, Build: p.target.Build, Alive: !p.dead(now, r.rules.Dead), InFlight: int(p.flight.Load())}
	p.mu.Lock()
	s.Says, s.Ready = p.build, p.ready && s.Alive
	p.mu.Unlock()
	if p.target.Side == Core {
		s.Mark = c.shareMark(p.target.Build)
	}
	switch {
	case p.target.Side == Standin:
	case i == 0:
		s.Share = All - c.rollout.share
		s.Target = All - c.rollout.target
	default:
		s.Share, s.Target, s.Drained = c.rollout.share, c.rollout.target, c.rollout.drained
	}
	return s
}

func (r *Router) journeyState(c *cell, n journey.Name, now time.Time) JourneyState {
	s := JourneyState{Journey: n, AtCore: r.plan.Load().cells[c.Name].atCore(n), Mark: r.mark(c, n)}
	if l, switched := c.lines[n]; switched && c.standin != nil {
		s.Switched, s.Since, s.Hold = true, l.since.UTC(), l.hold.Seconds()
	}
	s.Side = r.side(c, n)
	if o, pinned := c.pin(n); pinned && s.Switched {
		s.Override = &o
	}
	for _, p := range c.processes() {
		s.Figures = append(s.Figures, p.figures(n, now))
	}
	return s
}

func (p *process) figures(n journey.Name, now time.Time) Figures {
	f := Figures{Side: p.target.Side, Build: p.target.Build, Minute: p.series[n].within(now, 60)}
	f.P95 = milliseconds(f.Minute.Below(0.95))
	hour, sum := p.series[n].hour(now), Tally{}
	for _, t := range hour {
		sum.plus(t)
	}
	if sum.All()+sum.Shed > 0 {
		f.Hour, f.HourP95 = hour, milliseconds(sum.Below(0.95))
	}
	return f
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// side is the one that answers most members of a journey.
func (r *Router) side(c *cell, n journey.Name) Side {
	if r.plan.Load().cells[c.Name].atCore(n) < All/2 {
		return Standin
	}
	return Core
}

// mark is the mark of a journey or, for Every, of all that can be switched.
func (r *Router) mark(c *cell, n journey.Name) string {
	h := fnv.New64a()
	for _, name := range lines() {
		if n != Every && n != name {
			continue
		}
		fmt.Fprintf(h, "%s %s\n", name, r.side(c, name))
		if o, pinned := c.pin(name); pinned {
			fmt.Fprintf(h, "%s %s %d\n", o.Journey, o.Side, o.Until.UnixMicro())
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// Restore takes up what earlier decisions left, the oldest first, when an edge
// starts again: overrides that have not ended, shares of builds and drained ones,
// and journeys that were at the stand-in, which go back by shares. Decisions of
// cells and builds that are no longer configured are passed over.
func (r *Router) Restore(list []Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.time()
	for _, d := range list {
		if c, err := r.cell(d.Cell); err == nil {
			c.restore(d, now)
		}
	}
	r.replan()
}

func (c *cell) restore(d Decision, now time.Time) {
	switch d.Kind {
	case Switched:
		if l := c.lines[d.Journey]; l != nil && c.standin != nil && d.Side != l.side {
			l.enter(d.Side, -1, now)
		}
	case Overridden:
		delete(c.pinned, d.Journey)
		if d.Side != "" && d.Until.After(now) && c.standin != nil {
			c.pinned[d.Journey] = Override{Cell: d.Cell, Journey: d.Journey, Side: d.Side, Until: d.Until, Who: d.Who, Reason: d.Reason}
		}
	case Rolled:
		if len(c.builds) != 2 {
			return
		}
		if d.Build == c.builds[0].target.Build {
			c.turn()
		}
		if d.Build == c.builds[1].target.Build {
			c.rollout.restore(d, now)
		}
	case Exercised:
		c.exercise = d.Share
	}
}

// restore takes up the share that a decision had left. Growing goes on towards
// the share that the configuration names, unless the build was drained.
func (o *rollout) restore(d Decision, now time.Time) {
	o.enter(d.Share, now)
	if o.drained = d.Cause == CauseWorse || d.Cause == CauseDead; o.drained {
		o.target = 0
		return
	}
	if d.Target > 0 || d.Cause == CauseOperator {
		o.target = d.Target
	}
}
