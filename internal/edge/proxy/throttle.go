package proxy

import (
	"math/rand/v2"
	"sync"
	"time"
)

// throttle says no in a target's name, for one of its addresses, to what the target
// would turn away for the load all the same. Saying no costs the target something too: at
// fifty times what it can do, more than all the rest. It lets through twice what the
// target takes, so that the target goes on deciding whom it takes, and a rise is seen.
//
// A request is refused with the chance max(0, (asked − K · taken) / (asked + 1)), over the
// last seconds, as clients of an overloaded service throttle themselves (Beyer et al.,
// Site Reliability Engineering, 2016, chapter 21). What is under way counts as taken: a
// target that is full says so at once.
type throttle struct {
	mu     sync.Mutex
	random func() float64
	slots  [throttleSlots]throttled
}

// throttled is what came in one second.
type throttled struct {
	second  int64 // since the zero of Unix time
	asked   int   // all that came
	refused int   // of them, by us
	shed    int   // of them, by the target
}

const (
	throttleSlots = 5 // seconds
	throttleK     = 2
)

// When those who are refused are to come back: spread over the time that it will take
// to serve as many.
const (
	againLeast  = 2 * time.Second
	againSpread = 3 * time.Second // at least
	againMost   = time.Minute
)

// at gives the slot of now; its lock is held.
func (t *throttle) at(now time.Time) *throttled {
	second := now.Unix()
	s := &t.slots[second%throttleSlots]
	if s.second != second {
		*s = throttled{second: second}
	}
	return s
}

// sum adds up the last seconds; its lock is held.
func (t *throttle) sum(now time.Time) (sum throttled) {
	for _, s := range t.slots {
		if age := now.Unix() - s.second; age >= 0 && age < throttleSlots {
			sum.asked, sum.refused, sum.shed = sum.asked+s.asked, sum.refused+s.refused, sum.shed+s.shed
		}
	}
	return sum
}

func (s throttled) taken() int { return max(0, s.asked-s.refused-s.shed) }

// admit tells whether a request may go on, and where not, when it may come back.
func (t *throttle) admit(now time.Time) (again time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum, s := t.sum(now), t.at(now)
	s.asked++
	if t.random()*float64(sum.asked+1) >= float64(sum.asked-throttleK*sum.taken()) {
		return 0, true
	}
	s.refused++
	backlog := againMost
	if taken := sum.taken(); taken > 0 {
		backlog = time.Duration(float64(sum.refused+sum.shed) / float64(taken) * float64(time.Second))
	}
	return againLeast + rand.N(min(againMost, max(againSpread, backlog))), false
}

// turnedAway notes that the target has refused one that was admitted.
func (t *throttle) turnedAway(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at(now).shed++
}

// throttles are a target's, by the pattern of the address: as many as the table of
// addresses has.
type throttles struct{ by sync.Map }

func (t *throttles) of(pattern string) *throttle {
	v, ok := t.by.Load(pattern)
	if !ok {
		v, _ = t.by.LoadOrStore(pattern, &throttle{random: rand.Float64})
	}
	return v.(*throttle)
}
