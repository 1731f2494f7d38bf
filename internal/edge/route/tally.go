package route

import (
	"sync"
	"time"

	"standfast/internal/journey"
)

// Tally counts how requests ended.
type Tally struct {
	Done    int `json:"done"`
	Partial int `json:"partial"`
	Refused int `json:"refused"`
	Failed  int `json:"failed"` // with those that got no answer
	Lost    int `json:"lost"`   // of Failed: no answer at all
	Shed    int `json:"shed"`   // turned away because of load; in no other figure

	Took [10]int `json:"-"` // answers by how long they took; see tookLimits
}

// tookLimits are the upper bounds of the classes of Tally.Took; the last has none.
func tookLimits() [9]time.Duration {
	const ms = time.Millisecond
	return [9]time.Duration{10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, 1000 * ms, 2500 * ms, 5000 * ms}
}

// All counts every judged request.
func (t Tally) All() int { return t.Done + t.Partial + t.Refused + t.Failed }

// Worse counts what a member would say was not as it should be.
func (t Tally) Worse() int { return t.Partial + t.Failed }

// Below gives the time within which the given part of the answers came, as an
// upper bound: the limit of its class; 0 when there are none, and the last limit
// for all that took longer.
func (t Tally) Below(part float64) time.Duration {
	limits, all := tookLimits(), 0
	for _, n := range t.Took {
		all += n
	}
	if all == 0 {
		return 0
	}
	seen := 0
	for i, n := range t.Took {
		if seen += n; float64(seen) >= part*float64(all) && i < len(limits) {
			return limits[i]
		}
	}
	return limits[len(limits)-1]
}

// add counts one answer.
func (t *Tally) add(a Answer) {
	switch {
	case a.Left:
		return
	case a.Shed:
		t.Shed++
		return
	case a.Lost:
		t.Failed++
		t.Lost++
		return
	}
	switch a.Outcome {
	case journey.Partial:
		t.Partial++
	case journey.Refused:
		t.Refused++
	case journey.Failed:
		t.Failed++
	case journey.Done:
		t.Done++
	}
	t.Took[class(a.Took)]++
}

func class(d time.Duration) int {
	limits := tookLimits()
	for i, l := range limits {
		if d <= l {
			return i
		}
	}
	return len(limits)
}

// plus adds another tally's counts.
func (t *Tally) plus(o Tally) {
	t.Done, t.Partial, t.Refused = t.Done+o.Done, t.Partial+o.Partial, t.Refused+o.Refused
	t.Failed, t.Lost, t.Shed = t.Failed+o.Failed, t.Lost+o.Lost, t.Shed+o.Shed
	for i, n := range o.Took {
		t.Took[i] += n
	}
}

// ring keeps the tallies of the last equal spans of time.
type ring struct {
	span  time.Duration
	slots []slot
}

type slot struct {
	n int64 // number of the span since the zero time
	Tally
}

func newRing(span time.Duration, slots int) ring { return ring{span, make([]slot, slots)} }

// at gives the tally of the span that now is in, emptied when an older one stood there.
func (r *ring) at(now time.Time) *Tally {
	n := now.UnixNano() / int64(r.span)
	s := &r.slots[n%int64(len(r.slots))]
	if s.n != n {
		*s = slot{n: n}
	}
	return &s.Tally
}

// last gives the sum over the last spans, the running one included.
func (r *ring) last(now time.Time, spans int) Tally {
	var sum Tally
	n := now.UnixNano() / int64(r.span)
	for _, s := range r.slots {
		if s.n <= n && s.n > n-int64(spans) {
			sum.plus(s.Tally)
		}
	}
	return sum
}

// series is what one target did for one journey.
type series struct {
	mu      sync.Mutex
	seconds ring
	minutes ring
	fresh   Tally // since the last tick took it
}

func newSeries() *series {
	return &series{seconds: newRing(time.Second, 60), minutes: newRing(time.Minute, 60)}
}

func (s *series) add(a Answer, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seconds.at(now).add(a)
	s.minutes.at(now).add(a)
	s.fresh.add(a)
}

// take gives what came since it was last called.
func (s *series) take() Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.fresh
	s.fresh = Tally{}
	return t
}

// within gives what came in the last seconds, at most 60.
func (s *series) within(now time.Time, seconds int) Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seconds.last(now, seconds)
}

// hour gives the tallies of the last 60 minutes, the oldest first.
func (s *series) hour(now time.Time) []Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Tally, 0, 60)
	for back := 59; back >= 0; back-- {
		n := now.UnixNano()/int64(time.Minute) - int64(back)
		var t Tally
		if s := s.minutes.slots[n%60]; s.n == n {
			t = s.Tally
		}
		list = append(list, t)
	}
	return list
}
