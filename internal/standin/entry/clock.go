package entry

import (
	"context"
	"sync"
	"time"
)

// clockSkew is how far our clock and those of core's processes may differ.
const clockSkew = 5 * time.Minute

// clock notices that time goes back. How old our knowledge is, is told by the
// clock; one that was put back would make it young again.
type clock struct {
	mu   sync.Mutex
	seen time.Time // the latest that was told, ever (Own keeps it)
	core time.Time // what core's clock said last; zero before it has said anything
}

// sound takes a look at the clock. It is false while the clock is behind what it
// has said before, behind what core's has said, or behind what our knowledge is complete to.
func (c *clock) sound(now, complete time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.seen) {
		c.seen = now
	}
	return !now.Before(c.seen.Add(-clockSkew)) && !now.Before(c.core.Add(-clockSkew)) && !now.Before(complete.Add(-clockSkew))
}

// told takes over what core's clock has just said. Where ours says the same, it is
// right: one that was put right after it had gone ahead is believed again.
func (c *clock) told(now, core time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core = core
	if now.Sub(core).Abs() <= clockSkew {
		c.seen = now
	}
}

func (c *clock) latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// Tick keeps how far the clock has gone, for the next start. It is called now and then.
func (d *Desk) Tick(ctx context.Context) error {
	d.clock.sound(d.Now(), d.AsOf())
	return d.Own.KeepClock(ctx, d.clock.latest())
}

// young tells whether what is known is complete to within an age, by a clock that
// can be believed.
func (d *Desk) young(age time.Duration) bool {
	now, asOf := d.Now(), d.AsOf()
	return d.clock.sound(now, asOf) && !asOf.IsZero() && now.Sub(asOf) <= age
}

// MayLook tells whether what is known is young enough to look at.
func (d *Desk) MayLook() bool { return d.young(d.Ages.Look) }

// MayPay tells whether what is known is young enough to pay by.
func (d *Desk) MayPay() bool { return d.young(d.Ages.Pay) }
