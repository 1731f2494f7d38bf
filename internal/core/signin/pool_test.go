package signin

import (
	"testing"
	"time"

	"standfast/internal/fault"
)

// quickPool hashes at the least cost that there is.
func quickPool(workers, queue int) *pool {
	return newPool(HashParams{MemoryKiB: 8, Passes: 1, Parallelism: 1}, workers, queue, nil)
}

// As many are let in as can be served in time, whatever one costs; whoever comes
// then is told at once when to come back; and a seat given up is free again.
func TestSeatsFollowWhatAHashCosts(t *testing.T) {
	for name, c := range map[string]struct {
		each time.Duration
		want int
	}{
		"usual": {50 * time.Millisecond, 80}, "slow": {500 * time.Millisecond, 2 * seatLeast}, "quick": {time.Millisecond, 130},
	} {
		p := quickPool(2, 128)
		p.each = c.each
		var leave []func()
		for {
			l, err := p.enter()
			if err != nil {
				if e := fault.As(err); e.Kind != fault.Unavailable || e.Code != "signin.busy" || e.RetryAfter < againLeast || !e.Load {
					t.Fatal(name, err)
				}
				break
			}
			leave = append(leave, l)
		}
		if len(leave) != c.want {
			t.Errorf("%s: %d seats, want %d", name, len(leave), c.want)
		}
		leave[0]()
		leave[0]() // a second time it is somebody else's
		if _, err := p.enter(); err != nil {
			t.Error(name, "a free seat is not given:", err)
		}
		if _, err := p.enter(); err == nil {
			t.Error(name, "a seat given up twice counts twice")
		}
	}
}

// The more are refused, the longer they are spread over: they would come back
// together otherwise.
func TestManyWhoAreRefusedComeBackSpread(t *testing.T) {
	p := quickPool(1, 0)
	p.each = 50 * time.Millisecond
	p.seats = p.room()
	var longest time.Duration
	for range 1000 {
		_, err := p.enter()
		again := fault.As(err).RetryAfter
		if again < againLeast || again > againLeast+againMost {
			t.Fatal(again)
		}
		longest = max(longest, again)
	}
	if longest < againLeast+againSpread {
		t.Error("a thousand who were refused come back within", longest)
	}
}
