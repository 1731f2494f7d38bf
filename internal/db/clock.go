package db

import (
	"context"
	"sync/atomic"
	"time"
)

// The processes of a cell must agree on what time it is: with five minutes of idle
// time, a session of a process whose clock is five minutes behind would be over
// before another process saw it, and its member would sign in again and again.
// What they share is the database, so where a server keeps that, its clock is the
// cell's. A clock that is nearly right is left alone.

const (
	clockNear = 2 * time.Second        // so far apart two clocks may be, and are under NTP by much less
	clockLate = 250 * time.Millisecond // an answer that took longer says too little of the time
)

// cellClock is how far the cell's clock is ahead of this process's own.
type cellClock struct {
	follows bool
	ahead   atomic.Int64 // nanoseconds
	doubt   atomic.Bool  // the latest answer said otherwise; a second one decides
}

// heard learns from what the server's clock said between two instants of ours.
func (c *cellClock) heard(server, before, after time.Time) {
	if !c.follows || after.Sub(before) > clockLate {
		return
	}
	ahead := server.Sub(before.Add(after.Sub(before) / 2))
	apart := (ahead - time.Duration(c.ahead.Load())).Abs()
	if apart <= clockNear {
		c.doubt.Store(false)
		return
	}
	if c.doubt.Swap(true) {
		c.doubt.Store(false)
		c.ahead.Store(int64(ahead))
	}
}

// askClock gives the server's time in microseconds.
const askClock = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

// setClock asks the server what time it is, before anything is done with the database.
func (d *DB) setClock(ctx context.Context) error {
	if !d.clock.follows {
		return nil
	}
	for range 2 { // see doubt
		var us int64
		before := d.now()
		if err := d.pool.QueryRow(ctx, `SELECT `+askClock).Scan(&us); err != nil {
			return unavailable(err)
		}
		d.clock.heard(time.UnixMicro(us), before, d.now())
	}
	return nil
}

// Now gives the cell's time in UTC, cut to the microseconds that are stored.
func (d *DB) Now() time.Time {
	return d.now().Add(time.Duration(d.clock.ahead.Load())).UTC().Truncate(time.Microsecond)
}
