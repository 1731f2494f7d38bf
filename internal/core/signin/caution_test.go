package signin

import (
	"testing"
	"time"

	"standfast/internal/db"
)

// caution puts a member under one that ends after d.
func (h *house) caution(memberID string, d time.Duration) {
	h.t.Helper()
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.CautionTx(ctx, tx, memberID, tx.Now.Add(d), "recovery") }))
}

// TestCautionHoldsToItsEnd: what was added inside it waits, at the last microsecond
// still, and no longer at its end; what stood before pays as ever.
func TestCautionHoldsToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, other := h.member("mira"), h.member("otto")
		before := h.clock.Now().Add(-time.Microsecond)
		h.caution(m.ID, 24*time.Hour)
		c, err := h.Caution(ctx, m.ID)
		must(t, err)
		added, last := h.clock.Now(), c.Until.Add(-time.Microsecond)
		if !c.Until.Equal(added.Add(24*time.Hour)) || c.Reason != "recovery" {
			t.Fatalf("the caution is %+v", c)
		}
		if from := c.PaysFrom(added, last); !from.Equal(c.Until) {
			t.Errorf("a method of the caution pays from %v", from)
		}
		if from := c.PaysFrom(added, c.Until); !from.IsZero() {
			t.Errorf("a method waits beyond the end, to %v", from)
		}
		if from := c.PaysFrom(before, last); !from.IsZero() {
			t.Errorf("a method from before waits to %v", from)
		}
		if c, err := h.Caution(ctx, other.ID); err != nil || !c.Until.IsZero() {
			t.Errorf("another member's caution: %+v %v", c, err)
		}
		h.clock.Advance(24*time.Hour - time.Microsecond)
		h.methodsPayFrom(m.ID, c.Until)
		h.clock.Advance(time.Microsecond)
		h.methodsPayFrom(m.ID, time.Time{})
	})
}

func (h *house) methodsPayFrom(memberID string, want time.Time) {
	h.t.Helper()
	must(h.t, h.db.View(ctx, func(tx *db.Tx) error {
		got, err := h.MethodsPayFrom(ctx, tx, memberID)
		if err == nil && !got.Equal(want) {
			h.t.Errorf("new methods pay from %v, want %v", got, want)
		}
		return err
	}))
}

// TestCautionNeverShrinks: a second one goes on from the first one's beginning and
// ends no sooner; after its end a new one begins anew.
func TestCautionNeverShrinks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("mira")
		h.caution(m.ID, 24*time.Hour)
		first, err := h.Caution(ctx, m.ID)
		must(t, err)
		for _, step := range []struct {
			after, lasts time.Duration
			since, until time.Time
		}{
			{time.Hour, time.Hour, first.Since, first.Until},
			{time.Hour, -time.Hour, first.Since, first.Until},
			{time.Hour, 24 * time.Hour, first.Since, first.Since.Add(27 * time.Hour)},
			{24 * time.Hour, time.Hour, first.Since.Add(27 * time.Hour), first.Since.Add(28 * time.Hour)},
		} {
			h.clock.Advance(step.after)
			h.caution(m.ID, step.lasts)
			c, err := h.Caution(ctx, m.ID)
			must(t, err)
			if !c.Since.Equal(step.since) || !c.Until.Equal(step.until) {
				t.Errorf("after %v: from %v to %v, want %v to %v", step.after, c.Since, c.Until, step.since, step.until)
			}
		}
		if n := h.number(`SELECT count(*) FROM outbox WHERE entity = 'caution'`); n != 4 {
			t.Errorf("followers hear of %d changes, want 4 (one at first, three that hold)", n)
		}
	})
}
