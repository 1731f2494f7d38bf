package route

import (
	"time"

	"standfast/internal/journey"
)

// Tick looks at everything that came since the last one and decides. It is to be
// called about every quarter of a second.
func (r *Router) Tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.time()
	for _, c := range r.cells {
		r.tickCell(c, now)
	}
	r.replan()
	r.tell()
}

// time is now, or the newest time seen when the clock went back.
func (r *Router) time() time.Time {
	if now := r.now(); now.After(r.last) {
		r.last = now
	}
	return r.last
}

func (r *Router) tickCell(c *cell, now time.Time) {
	fresh := map[*process]map[journey.Name]Tally{}
	for _, p := range c.processes() {
		fresh[p] = p.take()
	}
	r.tickBuilds(c, now, fresh)
	r.expire(c, now)
	for _, n := range lines() {
		r.tickLine(c, n, now, fresh)
	}
}

// processes lists the cell's, the stand-in last.
func (c *cell) processes() []*process {
	list := append([]*process(nil), c.builds...)
	if c.standin != nil {
		list = append(list, c.standin)
	}
	return list
}

func (p *process) take() map[journey.Name]Tally {
	fresh := map[journey.Name]Tally{}
	for n, s := range p.series {
		fresh[n] = s.take()
	}
	return fresh
}

func (r *Router) tickBuilds(c *cell, now time.Time, fresh map[*process]map[journey.Name]Tally) {
	if len(c.builds) < 2 {
		return
	}
	old, new := c.builds[0], c.builds[1]
	dead := new.gone(now, r.rules) && old.well() // and not both, one a little earlier
	cause, j := c.rollout.step(now, dead, fresh[old], fresh[new])
	if cause == "" {
		return
	}
	d := Decision{At: now, Cell: c.Name, Kind: Rolled, Journey: j, Build: new.target.Build, Share: c.rollout.share, Target: c.rollout.target, Cause: cause}
	if j == "" {
		d.Journey = Every
	}
	if cmp := c.rollout.by[j]; cause == CauseWorse {
		d.Core, d.Other = cmp.sums()
	}
	r.told = append(r.told, d)
}

// tickLine looks at one journey, unless somebody has decided on it.
func (r *Router) tickLine(c *cell, n journey.Name, now time.Time, fresh map[*process]map[journey.Name]Tally) {
	l := c.lines[n]
	if _, pinned := c.pin(n); pinned || c.standin == nil {
		return
	}
	s := sight{now: now, coreDead: c.coreDead(now, r.rules.Dead), unready: c.unready(now, r.rules.Unready), mute: c.mute(now, r.rules.Dead),
		standinOK: c.standin.good(now, r.rules.Dead), standinUp: c.standin.answering(),
		standin: fresh[c.standin][n], spareNow: c.standin.series[n].within(now, 30)}
	for _, p := range c.judged() {
		s.core.plus(fresh[p][n])
		s.coreNow.plus(p.series[n].within(now, 30))
	}
	if cause := l.step(s); cause != "" {
		r.told = append(r.told, Decision{At: now, Cell: c.Name, Kind: Switched, Journey: n, Side: l.side, Share: l.share(),
			Cause: cause, Core: s.coreNow, Other: s.spareNow})
	}
}

// judged are the builds by which core as a whole is judged: while a new one is
// tried, the old one alone, for the new one is judged beside it.
func (c *cell) judged() []*process {
	switch {
	case len(c.builds) < 2:
		return c.builds
	case c.rollout.share == All:
		return c.builds[1:]
	}
	return c.builds[:1]
}

// coreDead tells whether no build that takes members lives.
func (c *cell) coreDead(now time.Time, after time.Duration) bool {
	for i, b := range c.builds {
		if (i == 0 || c.rollout.share > 0) && !b.dead(now, after) {
			return false
		}
	}
	return true
}

// unready tells whether every build that lives and takes members says that it is not ready.
func (c *cell) unready(now time.Time, after time.Duration) bool {
	for i, b := range c.builds {
		if (i == 0 || c.rollout.share > 0) && !b.dead(now, after) && !b.notReady(now, after) {
			return false
		}
	}
	return true
}

// mute tells whether every build that lives and takes members answers none of them.
func (c *cell) mute(now time.Time, after time.Duration) bool {
	for i, b := range c.builds {
		if (i == 0 || c.rollout.share > 0) && !b.dead(now, after) && !b.mute(now, after) {
			return false
		}
	}
	return true
}

// tell hands on what was decided.
func (r *Router) tell() {
	for _, d := range r.told {
		r.decided(d)
	}
	r.told = nil
}

// replan makes the plan anew.
func (r *Router) replan() {
	now := r.time()
	p := &plan{cells: map[string]*cellPlan{}}
	for _, c := range r.cells {
		p.cells[c.Name] = c.plan(now, r.rules)
	}
	r.plan.Store(p)
}

func (c *cell) plan(now time.Time, rules Rules) *cellPlan {
	p := &cellPlan{coreDead: c.coreDead(now, rules.Dead), back: map[journey.Name]Share{}, exercise: c.exercise}
	for i, b := range c.builds {
		share := All
		if i > 0 {
			share = c.rollout.share
		}
		p.builds = append(p.builds, buildPlan{b.target, share, b.dead(now, rules.Dead), b.leaving()})
	}
	if p.nobody = p.coreDead; c.standin == nil {
		return p
	}
	p.nobody = p.coreDead && c.standin.dead(now, rules.Dead)
	p.standin, p.standinBad = &c.standin.target, !c.standin.good(now, rules.Dead)
	for n, l := range c.lines {
		p.back[n] = c.share(n, l, p)
	}
	return p
}

// share is the part of a journey's members whom core answers: somebody's word
// holds, except on a side that is dead while the other lives.
func (c *cell) share(n journey.Name, l *line, p *cellPlan) Share {
	o, pinned := c.pin(n)
	switch {
	case !pinned:
		return l.share()
	case o.Side == Core && p.coreDead && !p.standinBad:
		return 0
	case o.Side == Standin && p.standinBad && !p.coreDead:
		return All
	case o.Side == Standin:
		return 0
	}
	return All
}

// pin gives the override that holds for a journey: its own before that of all.
func (c *cell) pin(n journey.Name) (Override, bool) {
	if o, own := c.pinned[n]; own {
		return o, true
	}
	o, all := c.pinned[Every]
	return o, all
}
