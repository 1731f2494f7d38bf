package proxy

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// office takes some a second, as many as fit into its queue, and turns the rest away.
type office struct {
	rate, queue, waiting float64
	asked, taken         int
}

func (o *office) pass(d time.Duration) { o.waiting = max(0, o.waiting-o.rate*d.Seconds()) }

func (o *office) ask() bool {
	o.asked++
	if o.waiting+1 > o.queue {
		return false
	}
	o.waiting++
	o.taken++
	return true
}

// storm sends some a second for a while, one after the other, and gives how many the
// office was asked for and took, and the times after which the others may come back.
func storm(t *throttle, o *office, now *time.Time, rate float64, length time.Duration) (asked, taken int, again []time.Duration) {
	asked, taken = o.asked, o.taken
	step := time.Duration(float64(time.Second) / rate)
	for until := now.Add(length); now.Before(until); *now = now.Add(step) {
		o.pass(step)
		if wait, ok := t.admit(*now); !ok {
			again = append(again, wait)
			continue
		}
		if !o.ask() {
			t.turnedAway(*now)
		}
	}
	return o.asked - asked, o.taken - taken, again
}

// In a storm the target does all that it can and hears little of the rest; before and
// after it nobody is kept away.
func TestAStormIsKeptFromTheTarget(t *testing.T) {
	th, o, now := &throttle{random: rand.New(rand.NewPCG(1, 2)).Float64}, &office{rate: 27, queue: 54}, time.Unix(1_800_000_000, 0)
	if _, taken, again := storm(th, o, &now, 20, 10*time.Second); taken < 199 || len(again) > 0 {
		t.Fatalf("quiet: %d were taken, %d kept away", taken, len(again))
	}
	asked, taken, again := storm(th, o, &now, 1350, 20*time.Second)
	if least := 27 * 20 * 99 / 100; taken < least {
		t.Errorf("of %d that could be served in the storm %d were", least, taken)
	}
	if most := 4 * 27 * 20; asked > most {
		t.Errorf("the target was asked %d times, at most %d are due", asked, most)
	}
	for _, d := range again {
		if d < againLeast || d > againLeast+againMost {
			t.Fatal("come back after", d)
		}
	}
	now = now.Add(throttleSlots * time.Second)
	o.pass(throttleSlots * time.Second)
	if _, taken, again := storm(th, o, &now, 20, 10*time.Second); taken < 199 || len(again) > 0 {
		t.Errorf("afterwards: %d were taken, %d kept away", taken, len(again))
	}
}

// Whoever turns everybody away is still asked now and then, so that it is seen when that ends.
func TestWhoTakesNobodyIsAskedNowAndThen(t *testing.T) {
	th, o, now := &throttle{random: rand.New(rand.NewPCG(3, 4)).Float64}, &office{}, time.Unix(1_800_000_000, 0)
	asked, _, _ := storm(th, o, &now, 100, time.Minute)
	if asked < 5 || asked > 100 {
		t.Errorf("asked %d times in a minute", asked)
	}
	o.rate, o.queue = 1000, 1000
	now = now.Add(throttleSlots * time.Second)
	if _, taken, _ := storm(th, o, &now, 100, 10*time.Second); taken < 900 {
		t.Errorf("%d of 1,000 were taken", taken)
	}
}

// The edge says no by itself where the target says nothing else, with a time to come
// back, and reports it as load; another address of the same target is not touched.
func TestTheEdgeSaysNoWhereTheTargetWould(t *testing.T) {
	busy := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/busy" {
			return
		}
		w.Header().Set(ShedHeader, "1")
		http.Error(w, "target", http.StatusServiceUnavailable)
	}
	s := newStand(t, Limits{}, http.HandlerFunc(busy))
	begun := time.Now()
	var later atomic.Int64
	s.proxy.Now = func() time.Time { return begun.Add(time.Duration(later.Load())) }
	own := 0
	for i := range 60 {
		later.Store(int64(i) * int64(100*time.Millisecond))
		a, text := s.do(http.MethodGet, "/busy", "")
		switch {
		case a.StatusCode != http.StatusServiceUnavailable:
			t.Fatal(a.Status)
		case text == string(Busy):
			own++
		}
		if a, _ := s.do(http.MethodGet, "/free", ""); a.StatusCode != http.StatusOK {
			t.Fatal("another address:", a.Status)
		}
	}
	if own < 5 {
		t.Errorf("the edge said no %d times of 60", own)
	}
	s.end()
	full := 0
	for _, r := range s.table.reports {
		if r.Full {
			full++
			if !r.Shed || r.Lost {
				t.Errorf("%+v", r)
			}
		}
	}
	if full != own {
		t.Errorf("%d refusals and %d reports of them", own, full)
	}
}
