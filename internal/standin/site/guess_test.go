package site

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"standfast/internal/fault"
	"standfast/internal/standin/entry"
)

// Guesses that come at once are no more than those that come one after the other,
// but for those whose turn it is at the same time.
func TestGuessesAtOnceAreCountedToo(t *testing.T) {
	h := newHouse(t)
	h.follow()
	var all sync.WaitGroup
	var looked atomic.Int64
	device := h.deviceToken()
	begin := make(chan struct{})
	for range 100 {
		all.Go(func() {
			<-begin
			_, err := h.desk.SignIn(context.Background(), "Ada", "wrong", entry.Client{DeviceToken: device})
			if fault.Is(err, fault.Unauthenticated) {
				looked.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	const allowed, turns = 20, 2
	if n := looked.Load(); n > allowed+turns-1 {
		t.Errorf("%d passwords were looked at", n)
	}
}
