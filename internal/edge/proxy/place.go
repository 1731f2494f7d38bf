package proxy

import (
	"context"
	"time"
)

// place is one of a target's, from before a request is sent until its answer is read.
type place struct {
	up    *upstream
	empty bool
}

// leave gives the place back; what comes after the first time does nothing.
func (p *place) leave() {
	if !p.empty {
		p.empty = true
		<-p.up.places
	}
}

// enter takes a place, waiting in the queue where there is room.
func (u *upstream) enter(ctx context.Context) (*place, error) {
	select {
	case u.places <- struct{}{}:
		return &place{up: u}, nil
	default:
	}
	if u.waiting.Add(1) > u.queue {
		u.waiting.Add(-1)
		return nil, errBusy
	}
	defer u.waiting.Add(-1)
	late := time.NewTimer(u.wait)
	defer late.Stop()
	select {
	case u.places <- struct{}{}:
		return &place{up: u}, nil
	case <-late.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
