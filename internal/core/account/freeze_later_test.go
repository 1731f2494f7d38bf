package account_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/core/spool"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// later gives the house a spool, in a service that has seen nothing yet.
func (h *house) later() *spool.Spool {
	h.t.Helper()
	s, err := spool.Open(h.t.TempDir(), h.clock.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { s.Close() })
	c := patient()
	c.Later = s
	h.restart(h.url, c)
	return s
}

// away is a context in which the database answers nothing.
func away() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// carriedOut runs the spool until nothing waits in it.
func carriedOut(t *testing.T, s *spool.Spool) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for s.Waiting() > 0 {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("nobody carries it out")
		}
	}
	stop()
	<-ended
}

func (h *house) status(memberID, accountID string) account.Tile {
	h.t.Helper()
	t, err := h.accounts.Get(h.t.Context(), memberID, accountID)
	if err != nil {
		h.t.Fatal(err)
	}
	return t
}

// While our records do not answer, a member's card is frozen later, and the member
// is told so; asked twice it is one wish. Releasing it cannot wait.
func TestAFreezeIsTakenWhileTheDatabaseIsAway(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		who, stranger := h.member(), h.member()
		s := h.later()
		a := h.open(who, member.Owner, card("c"), -100)
		h.accounts.Dashboard(t.Context(), who)
		h.accounts.Dashboard(t.Context(), stranger)
		for range 2 {
			if status, err := h.accounts.Freeze(away(), who, a.ID, true, ""); err != nil || status != account.Requested {
				t.Fatal(status, err)
			}
		}
		if tile := h.status(who, a.ID); tile.Status != account.Active || tile.FreezeAskedAt.IsZero() || s.Waiting() != 1 {
			t.Fatal(tile.Status, tile.FreezeAskedAt, s.Waiting())
		}
		if status, err := h.accounts.Freeze(away(), stranger, a.ID, true, ""); !fault.Is(err, fault.Unavailable) {
			t.Error("somebody else's card:", status, err)
		}
		if status, err := h.accounts.Freeze(away(), who, a.ID, false, ""); !fault.Is(err, fault.Unavailable) {
			t.Error("releasing:", status, err)
		}
		carriedOut(t, s)
		if tile := h.status(who, a.ID); tile.Status != account.Frozen || !tile.FreezeAskedAt.IsZero() {
			t.Fatal(tile.Status, tile.FreezeAskedAt)
		}
	})
}

// What the member decided later than the wish that waited stands.
func TestAnOldWishToFreezeDoesNotUndoALaterDecision(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		who := h.member()
		s := h.later()
		a := h.open(who, member.Owner, card("c"), -100)
		h.accounts.Dashboard(t.Context(), who)
		if _, err := h.accounts.Freeze(away(), who, a.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Minute)
		for _, frozen := range []bool{true, false} {
			if _, err := h.accounts.Freeze(t.Context(), who, a.ID, frozen, ""); err != nil {
				t.Fatal(err)
			}
		}
		carriedOut(t, s)
		if tile := h.status(who, a.ID); tile.Status != account.Active {
			t.Fatal("frozen again:", tile.Status)
		}
	})
}

// Whoever lost the card between the wish and its being carried out freezes it no more.
func TestAWishToFreezeNeedsTheCardWhenItIsCarriedOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		who, owner := h.member(), h.member()
		s := h.later()
		a := h.open(owner, member.Owner, card("c"), -100)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			return h.members.AddHolder(ctx, tx, who, a.ID, member.Authorized)
		})
		h.accounts.Dashboard(t.Context(), who)
		if _, err := h.accounts.Freeze(away(), who, a.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		h.tx(func(ctx context.Context, tx *db.Tx) error { return h.members.RemoveHolder(ctx, tx, who, a.ID) })
		carriedOut(t, s)
		if tile := h.status(owner, a.ID); tile.Status != account.Active {
			t.Fatal(tile.Status)
		}
	})
}
