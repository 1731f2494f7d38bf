package account_test

import (
	"context"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Pages of any size give every transaction once, newest first, from each source.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		near := h.open(m, member.Owner, savings("s1"), 0)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			for i := range 23 {
				if err := h.fund(ctx, tx, near, int64(i+1), "deposit", h.clock.Now().Add(-time.Duration(i/3)*time.Hour)); err != nil {
					return err
				}
			}
			return nil
		})
		for _, a := range []account.Account{near, h.open(m, member.Owner, far(card("far-card"), "far"), 0)} {
			whole, err := h.accounts.Transactions(t.Context(), m, a.ID, account.Query{Limit: account.MaxPage})
			if err != nil || len(whole.Items) < 23 {
				t.Fatal(len(whole.Items), err)
			}
			seen := map[string]bool{}
			q := account.Query{Limit: 7}
			for n := 0; n < 100; n++ {
				p, err := h.accounts.Transactions(t.Context(), m, a.ID, q)
				if err != nil || p.State != account.Current {
					t.Fatal(p.State, err)
				}
				for _, item := range p.Items {
					if seen[item.ID] {
						t.Errorf("%s twice", item.ID)
					}
					seen[item.ID] = true
				}
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			if len(seen) < len(whole.Items) {
				t.Errorf("%s: %d of %d", a.Ref, len(seen), len(whole.Items))
			}
		}
	})
}

func TestBadQueries(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		near := h.open(m, member.Owner, savings("s1"), 5)
		away := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		now := h.clock.Now()
		for name, q := range map[string]account.Query{
			"limit": {Limit: 201}, "negative": {Limit: -1}, "text": {Text: "a\x00"}, "until": {From: now, Until: now.Add(-1)},
			"cursor": {Cursor: "nonsense"}, "control": {Cursor: "\x01"}, "kinds": {Kinds: make([]string, 21)},
		} {
			for _, id := range []string{near.ID, away.ID} {
				for range 30 { // more than would open a breaker
					if _, err := h.accounts.Transactions(t.Context(), m, id, q); !fault.Is(err, fault.Invalid) {
						t.Fatalf("%s: %v", name, err)
					}
				}
			}
		}
		for _, id := range []string{near.ID, away.ID} {
			if p, err := h.accounts.Transactions(t.Context(), m, id, account.Query{}); err != nil || p.State != account.Current {
				t.Errorf("wrong questions closed the source: %+v %v", p.State, err)
			}
		}
	})
}
