package route

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/journey"
)

// Options are what a router is made of. Zero fields have defaults.
type Options struct {
	Cells   []Cell
	Rules   Rules
	Now     func() time.Time
	Random  func() uint64
	Decided func(Decision) // called for each decision, in order, by whoever caused it; it must not call the router
}

// Router decides for all cells. Its methods may be called at the same time;
// Pick and Report are meant for every request.
type Router struct {
	rules     Rules
	now       func() time.Time
	random    func() uint64
	decided   func(Decision)
	processes map[Target]*process // never changed
	plan      atomic.Pointer[plan]

	mu    sync.Mutex // of what follows; held by ticks and operators, never by requests
	cells []*cell
	last  time.Time // newest time seen: a clock that goes back does not undo holds
	told  []Decision
}

// cell is the state of one cell.
type cell struct {
	Cell
	builds   []*process
	standin  *process // nil: none
	rollout  *rollout // of the second build
	lines    map[journey.Name]*line
	pinned   map[journey.Name]Override
	exercise Share
}

// New makes a router that believes every process well until it learns otherwise,
// except a stand-in, which must have said that it is ready before it gets members.
func New(o Options) (*Router, error) {
	r := &Router{rules: o.Rules.withDefaults(), now: o.Now, random: o.Random, decided: o.Decided, processes: map[Target]*process{}}
	if r.now == nil {
		r.now = time.Now
	}
	if r.random == nil {
		r.random = rand.Uint64
	}
	if r.decided == nil {
		r.decided = func(Decision) {}
	}
	names := map[string]bool{}
	for _, c := range o.Cells {
		if err := c.check(); err != nil {
			return nil, err
		}
		if names[c.Name] {
			return nil, fmt.Errorf("two cells are called %s", c.Name)
		}
		names[c.Name] = true
		r.cells = append(r.cells, r.newCell(c))
	}
	r.replan()
	return r, nil
}

func (r *Router) newCell(c Cell) *cell {
	s := &cell{Cell: c, lines: map[journey.Name]*line{}, pinned: map[journey.Name]Override{}, exercise: c.Exercise, rollout: newRollout(r.rules)}
	for _, b := range c.Builds {
		s.builds = append(s.builds, r.process(Target{Cell: c.Name, Side: Core, Build: b.Name, URL: b.URL}))
	}
	if c.Standin != "" {
		s.standin = r.process(Target{Cell: c.Name, Side: Standin, URL: c.Standin})
	}
	if len(c.Builds) > 1 {
		s.rollout.begin(c.Builds[1].Share, r.now())
	}
	for _, n := range lines() {
		l := newLine(r.rules)
		s.lines[n] = &l
	}
	return s
}

func (r *Router) process(t Target) *process {
	p := newProcess(t)
	r.processes[t] = p
	return p
}

// Pick decides who answers a request. The same member (sticky: the member's id,
// or before sign-in whatever stays the same through it) gets the same answer
// while no share changes. False: there is no such cell, or nothing of it answers, as
// probes say each second: whoever asks is told so at once and not after a long wait.
// Whoever picks reports once, also when the request was never sent.
func (r *Router) Pick(cell string, e Errand, sticky string) (Target, bool) {
	c, known := r.plan.Load().cells[cell]
	if !known || c.nobody {
		return Target{}, false
	}
	t := c.build(sticky, r.random)
	if c.side(e, sticky, r.random) == Standin {
		t = *c.standin
	}
	r.processes[t].flight.Add(1)
	return t, true
}

// Again gives another target for a request that t did not answer, or answered with 404 where
// the errand says Either: another build that lives, else the other side if it can do it. It is
// reported as Pick's is. Whether a request may be sent twice is the caller's to know.
func (r *Router) Again(t Target, e Errand) (Target, bool) {
	c, known := r.plan.Load().cells[t.Cell]
	if !known {
		return Target{}, false
	}
	other, found := c.other(t, e)
	if found {
		r.processes[other].flight.Add(1)
	}
	return other, found
}

// Left tells whether a member for whom t was picked is sent elsewhere by now, because t
// is dead or the stand-in has the journey. A build that loses members to another one
// still answers those whom it has, and so does a stand-in that core takes over from.
func (r *Router) Left(t Target, e Errand, sticky string) bool {
	c, known := r.plan.Load().cells[t.Cell]
	if !known || c.nobody || sticky == "" || t.Side != Core {
		return false
	}
	return c.side(e, sticky, r.random) == Standin || c.dead(t)
}

// Exercise tells whether the stand-in shall be shown a copy of a request that core answers, and
// where. The member gets core's answer: nobody meets older data for the sake of an exercise. The
// copy's answer is reported like any other.
func (r *Router) Exercise(cell string, e Errand, sticky string) (Target, bool) {
	c, known := r.plan.Load().cells[cell]
	if !known || !e.Look || c.standin == nil || c.standinBad || sticky == "" {
		return Target{}, false
	}
	if c.atCore(e.With) == 0 || bucket("exercise "+string(e.Journey), sticky, r.random) >= c.exercise {
		return Target{}, false
	}
	r.processes[*c.standin].flight.Add(1)
	return *c.standin, true
}

// Report takes how a request ended at a target.
func (r *Router) Report(t Target, e Errand, a Answer) {
	p, known := r.processes[t]
	if !known {
		return
	}
	p.flight.Add(-1)
	if a.Left {
		return
	}
	now := r.now()
	switch {
	case a.Full:
	case a.Lost:
		p.failed(now, false)
		if !a.Late {
			p.silent(now, a)
		}
	default:
		p.answers(now)
		p.heard(now)
	}
	if !a.Late {
		p.count(e, a, now)
	}
}

// Overdue takes that a request is still waiting for its answer after as long as a page
// would be waited for. It counts as failed from now on, whatever becomes of it: where
// every request hangs there would be no answers to judge by. It is reported all the same.
func (r *Router) Overdue(t Target, e Errand, a Answer) {
	p, known := r.processes[t]
	if !known {
		return
	}
	now := r.now()
	a.Lost = true
	p.silent(now, a)
	p.count(e, a, now)
}

// Probed takes what a probe of a target found.
func (r *Router) Probed(t Target, found Probe) {
	p, known := r.processes[t]
	switch now := r.now(); {
	case !known:
	case !found.Answered:
		p.failed(now, true)
	default:
		p.says(now, found)
	}
}

// Targets lists every process that is to be probed, each second or so.
func (r *Router) Targets() []Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Target
	for _, c := range r.cells {
		for _, b := range c.builds {
			list = append(list, b.target)
		}
		if c.standin != nil {
			list = append(list, c.standin.target)
		}
	}
	return list
}

// InFlight counts requests that were picked for a target and not yet reported:
// a build whose share is 0 may be stopped when it has none.
func (r *Router) InFlight(t Target) int {
	if p, known := r.processes[t]; known {
		return int(p.flight.Load())
	}
	return 0
}
