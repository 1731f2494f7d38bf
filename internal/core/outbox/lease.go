package outbox

import (
	"context"
	"time"

	"standfast/internal/db"
)

// lease keeps other sequencers quiet while this one has work.
type lease struct {
	db     *db.DB
	name   string
	holder string
	until  time.Time // as far as we know
}

// hold tells whether the lease is ours, renewing it in its last half.
func (l *lease) hold(ctx context.Context) (bool, error) {
	now := l.db.Now()
	if l.until.Sub(now) > leaseFor/2 {
		return true, nil
	}
	held, err := l.db.Lease(ctx, l.name, l.holder, leaseFor)
	if held {
		l.until = now.Add(leaseFor)
	}
	return held, err
}

// release lets another sequencer begin at once.
func (l *lease) release(ctx context.Context) {
	if l.until.Before(l.db.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, _ = l.db.Lease(ctx, l.name, l.holder, -time.Second) // on failure it runs out by itself
}
