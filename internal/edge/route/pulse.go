package route

import (
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/journey"
)

// process is one target with what is known of it.
type process struct {
	target Target
	series map[journey.Name]*series // of every journey and of what is counted nowhere; never changed
	flight atomic.Int64             // requests that were picked for it and not yet reported
	pulse
}

func newProcess(t Target) *process {
	p := &process{target: t, series: map[journey.Name]*series{"": newSeries()}}
	for _, n := range journey.Names() {
		p.series[n] = newSeries()
	}
	return p
}

// pulse is whether a process lives, by probes and by every answer that it gives.
type pulse struct {
	mu       sync.Mutex
	answered time.Time // last, to whomever
	lost     time.Time // first of the failures since the last answer; zero: none
	probes   int       // of them, probes
	unready  time.Time // since when it says that it is not ready; zero: it says that it is
	ready    bool      // it has said that it is ready, and not otherwise since
	build    string    // that it says it is
	silence
}

// silence is how long members have had no answer from a process that may answer probes
// all the while.
type silence struct {
	spoke  time.Time // when a member last got an answer
	since  time.Time // when the first began to wait of those who got none since then
	newest time.Time // of them
	number int       // of their requests
	first  string    // member
	others bool      // there is another one among them
}

// leastSilent is how many requests of members, of at least two of them, must get no
// answer in a row before a process counts as mute: one member may have something that
// nobody can answer.
const leastSilent = 3

// lastingSilence is how long a process counts as mute when nobody asks it any more.
const lastingSilence = 10 * time.Second

// silent notes a member who got no answer.
func (p *pulse) silent(now time.Time, a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.silence
	if s.number == 0 {
		s.first = a.Member
		if s.since = now.Add(-a.Took); s.since.Before(s.spoke) {
			s.since = s.spoke
		}
	}
	s.number, s.newest, s.others = s.number+1, now, s.others || a.Member != s.first
}

// heard notes a member who got an answer.
func (p *pulse) heard(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silence = silence{spoke: now}
}

// mute tells whether no member has got an answer for so long, and several want one.
func (p *pulse) mute(now time.Time, after time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.silence
	return s.number >= leastSilent && s.others && now.Sub(s.since) >= after && now.Sub(s.newest) < lastingSilence
}

// leastProbes is how many probes in a row must get no answer before a process
// counts as dead: one alone may have met a pause of the edge itself.
const leastProbes = 3

func (p *pulse) failed(now time.Time, probe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost.IsZero() {
		p.lost = now
	}
	if probe {
		p.probes++
	}
}

func (p *pulse) answers(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered, p.lost, p.probes = now, time.Time{}, 0
}

// says notes an answered probe.
func (p *pulse) says(now time.Time, probe Probe) {
	p.answers(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.build, p.ready = probe.Build, probe.Ready
	switch {
	case probe.Ready:
		p.unready = time.Time{}
	case p.unready.IsZero():
		p.unready = now
	}
}

// dead tells whether nothing at all has come from the process for so long.
func (p *pulse) dead(now time.Time, after time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.lost.IsZero() && p.probes >= leastProbes && now.Sub(p.lost) >= after
}

// notReady tells whether the process has said so for so long.
func (p *pulse) notReady(now time.Time, after time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.unready.IsZero() && now.Sub(p.unready) >= after
}

// gone tells whether a build can be given nobody: it is dead, or has said for long
// that it is not ready.
func (p *pulse) gone(now time.Time, r Rules) bool {
	return p.dead(now, r.Dead) || p.notReady(now, r.Unready)
}

// leaving tells whether the process says that it is not ready: whoever is about to
// stop says so for a while and answers all the same.
func (p *pulse) leaving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.unready.IsZero()
}

// answering tells whether the process answered what it was last asked, whatever it said.
func (p *pulse) answering() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost.IsZero()
}

// well tells whether the process answered what it was last asked, and says that
// it is ready.
func (p *pulse) well() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost.IsZero() && p.unready.IsZero()
}

// count adds how a request ended to its journey's figures. That the stand-in cannot do
// something is no failure of the stand-in's.
func (p *process) count(e Errand, a Answer, now time.Time) {
	if e.Standin || p.target.Side == Core {
		p.series[e.Journey].add(a, now)
	}
}

// good tells whether the process said that it is ready and has neither taken it
// back nor been silent for so long.
func (p *pulse) good(now time.Time, after time.Duration) bool {
	p.mu.Lock()
	known := !p.answered.IsZero() && (p.ready || !p.unready.IsZero())
	p.mu.Unlock()
	return known && !p.dead(now, after) && !p.notReady(now, after)
}
