package account_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	httpsource "standfast/internal/core/source/http"
	"standfast/internal/db"
	"standfast/internal/fault"
)

func tileOf(t *testing.T, d account.Dashboard, id string) account.Tile {
	t.Helper()
	for _, tile := range d.Tiles {
		if tile.ID == id {
			return tile
		}
	}
	t.Fatalf("no tile of %s in %+v", id, d)
	return account.Tile{}
}

func TestDashboard(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, savings("s1"), 50_000)
		c := h.open(m, member.Joint, card("c1"), -30_000)
		f := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			last := h.clock.Now().AddDate(-1, 0, 0)
			for _, at := range []time.Time{last, h.clock.Now().AddDate(0, -1, 0), h.clock.Now()} {
				if err := h.fund(ctx, tx, s, 150, "interest", at); err != nil {
					return err
				}
			}
			return nil
		})
		d := h.accounts.Dashboard(t.Context(), m)
		if d.State != account.Current || d.ActivityState != account.Current || len(d.Tiles) != 3 {
			t.Fatalf("%+v", d)
		}
		if d.Tiles[0].Kind != account.Card {
			t.Error("cards come first")
		}
		if v := tileOf(t, d, s.ID); v.State != account.Current || v.Balance.Balance.Minor != 50_450 || v.InterestThisYear == nil || v.InterestThisYear.Minor != 300 {
			t.Errorf("savings: %+v, interest %v", v, v.InterestThisYear)
		}
		if v := tileOf(t, d, c.ID); v.Balance.Balance.Minor != -30_000 || v.Balance.Available.Minor != 70_000 || v.Role != member.Joint {
			t.Errorf("card: %+v", v)
		}
		if v := tileOf(t, d, f.ID); v.State != account.Current || !v.Balance.Balance.Positive() {
			t.Errorf("elsewhere: %+v", v)
		}
		if len(d.Activity) != 10 {
			t.Errorf("%d items of activity", len(d.Activity))
		}
		for i := 1; i < len(d.Activity); i++ {
			if d.Activity[i].PostedAt.After(d.Activity[i-1].PostedAt) {
				t.Error("activity is not newest first")
			}
		}
	})
}

// A member without accounts, and one who does not exist, see an empty dashboard.
func TestDashboardOfNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, id := range []string{h.member(), db.NewID(), "x"} {
			if d := h.accounts.Dashboard(t.Context(), id); len(d.Tiles) != 0 || d.State != account.Current || d.ActivityState != account.Current {
				t.Errorf("%q: %+v", id, d)
			}
		}
	})
}

// Whatever one source does, its own tile shows the last known value within the
// time allowed, and the others are current.
func TestTroubleStaysWithItsSource(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		near := h.open(m, member.Owner, savings("s1"), 50_000)
		gone := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		h.restart(h.url, hasty())
		good := tileOf(t, h.accounts.Dashboard(t.Context(), m), gone.ID)
		if good.State != account.Current {
			t.Fatalf("%+v", good)
		}
		for _, mode := range httpsource.Modes() {
			h.system.Faults().Set(httpsource.Fault{Mode: mode, Delay: time.Hour})
			begun := time.Now()
			d := h.accounts.Dashboard(t.Context(), m)
			if took := time.Since(begun); took > unbounded {
				t.Errorf("%s: took %v", mode, took)
			}
			if v := tileOf(t, d, near.ID); v.State != account.Current || v.Balance.Balance.Minor != 50_000 {
				t.Errorf("%s: the other tile: %+v", mode, v)
			}
			if v := tileOf(t, d, gone.ID); v.State != account.Stale || v.Balance == nil || v.Balance.Balance != good.Balance.Balance || v.AsOf.IsZero() {
				t.Errorf("%s: %+v", mode, v)
			}
			if d.ActivityState != account.Stale || len(d.Activity) == 0 {
				t.Errorf("%s: activity %s, %d items", mode, d.ActivityState, len(d.Activity))
			}
		}
		h.system.Faults().Set(httpsource.Fault{})
		recovers(t, func() bool { return tileOf(t, h.accounts.Dashboard(t.Context(), m), gone.ID).State == account.Current })
	})
}

// recovers waits until a breaker lets calls through again.
func recovers(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Error("did not recover")
}

// One account of a source that hangs leaves the source's other accounts alone.
func TestTroubleOfOneAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		c := h.open(m, member.Owner, far(card("far-card"), "far"), 0)
		h.restart(h.url, hasty())
		h.system.Faults().Set(httpsource.Fault{Mode: httpsource.Hang, Account: "far-savings"})
		d := h.accounts.Dashboard(t.Context(), m)
		if tileOf(t, d, s.ID).State != account.Unavailable || tileOf(t, d, c.ID).State != account.Current {
			t.Fatalf("%+v", d.Tiles)
		}
		if tileOf(t, d, s.ID).Balance != nil {
			t.Error("an unavailable tile has no balance")
		}
	})
}

// The last known value outlives the process, also where the source hangs in
// TCP and another replica wrote the value.
func TestLastKnownOutlivesRestart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		before := tileOf(t, h.accounts.Dashboard(t.Context(), m), s.ID)
		if err := h.accounts.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.restart(silence(t), account.Config{TileWait: time.Second, CallMax: time.Hour, Recall: time.Minute})
		h.clock.Advance(2 * time.Hour)
		begun := time.Now()
		d := h.accounts.Dashboard(t.Context(), m)
		if took := time.Since(begun); took > unbounded {
			t.Errorf("took %v", took)
		}
		after := tileOf(t, d, s.ID)
		if after.State != account.Stale || after.Balance.Balance != before.Balance.Balance || !after.AsOf.Equal(before.AsOf) {
			t.Fatalf("%+v, was %+v", after, before)
		}
		if d.ActivityState != account.Stale || len(d.Activity) == 0 {
			t.Errorf("activity %s, %d items", d.ActivityState, len(d.Activity))
		}
		p, err := h.accounts.Transactions(t.Context(), m, s.ID, account.Query{})
		if err != nil || p.State != account.Stale || len(p.Items) != 20 || p.AsOf.IsZero() {
			t.Errorf("%v, %d items, %v", p.State, len(p.Items), err)
		}
		if _, err := h.accounts.Transactions(t.Context(), m, s.ID, account.Query{Text: "shop"}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a search is not answered from memory: %v", err)
		}
	})
}

// A breaker spares members the wait once a source is known to hang.
func TestBreakerSparesTheWait(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		h.open(m, member.Owner, far(card("far-card"), "far"), 0)
		const wait = 500 * time.Millisecond
		h.restart(silence(t), account.Config{TileWait: wait, CallMax: wait})
		for range 8 {
			h.accounts.Dashboard(t.Context(), m)
		}
		recovers(t, func() bool {
			begun := time.Now()
			h.accounts.Dashboard(t.Context(), m)
			return time.Since(begun) < wait/2
		})
	})
}

// A defect in an adapter is no more than one tile without an answer.
func TestPanicIsContained(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		a := h.open(m, member.Owner, far(savings("b"), "broken"), 0)
		ok := h.open(m, member.Owner, savings("s1"), 1)
		d := h.accounts.Dashboard(t.Context(), m)
		if tileOf(t, d, a.ID).State != account.Unavailable || tileOf(t, d, ok.ID).State != account.Current {
			t.Fatalf("%+v", d)
		}
	})
}

// With our own database gone a member still sees what was last known.
func TestDashboardWithoutDatabase(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, savings("s1"), 50_000)
		f := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		h.accounts.Dashboard(t.Context(), m)
		if err := h.accounts.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(5 * time.Minute)
		h.db.Close()
		d := h.accounts.Dashboard(t.Context(), m)
		if d.State != account.Stale || tileOf(t, d, s.ID).State != account.Stale || tileOf(t, d, s.ID).Balance.Balance.Minor != 50_000 {
			t.Fatalf("%+v", d)
		}
		if v := tileOf(t, d, f.ID); v.State != account.Current {
			t.Errorf("the issuer's system still answers: %+v", v)
		}
		if d.ActivityState != account.Stale || len(d.Activity) == 0 {
			t.Errorf("activity %s, %d", d.ActivityState, len(d.Activity))
		}
		if v, err := h.accounts.Get(t.Context(), m, s.ID); err != nil || v.State != account.Stale {
			t.Errorf("%+v %v", v, err)
		}
		if _, err := h.accounts.Get(t.Context(), h.someone(), s.ID); !fault.Is(err, fault.Unavailable) {
			t.Errorf("what is not known is never said to be missing: %v", err)
		}
		h.clock.Advance(20 * time.Minute)
		if d := h.accounts.Dashboard(t.Context(), m); d.State != account.Unavailable || len(d.Tiles) != 0 {
			t.Errorf("a list of accounts is trusted for 15 minutes: %+v", d)
		}
	})
}

func (h *house) someone() string { return db.NewID() }

func TestForeignAccountsDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, other := h.member(), h.member()
		mine := h.open(m, member.Owner, savings("s1"), 1)
		_ = mine
		theirs := h.open(other, member.Owner, savings("s2"), 1)
		var texts []string
		for _, id := range []string{theirs.ID, db.NewID(), "no-id", "' OR 1=1 --", ""} {
			_, err := h.accounts.Get(t.Context(), m, id)
			_, err2 := h.accounts.Transactions(t.Context(), m, id, account.Query{})
			_, err3 := h.accounts.Held(t.Context(), m, id)
			for _, e := range []error{err, err2, err3} {
				if !fault.Is(e, fault.NotFound) {
					t.Fatalf("%q: %v", id, e)
				}
				texts = append(texts, fault.As(e).Code+fault.As(e).Message)
			}
		}
		for _, s := range texts {
			if s != texts[0] {
				t.Errorf("%q is not %q", s, texts[0])
			}
		}
	})
}

// A member with many accounts gets them all, from the ledger and elsewhere.
func TestManyAccounts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		for i := range 64 {
			h.open(m, member.Owner, savings(fmt.Sprintf("s%d", i)), int64(i+1))
		}
		d := h.accounts.Dashboard(t.Context(), m)
		for _, tile := range d.Tiles {
			if tile.State != account.Current {
				t.Fatalf("%+v", tile)
			}
		}
		if len(d.Tiles) != 64 || d.ActivityState != account.Current {
			t.Fatal(len(d.Tiles), d.ActivityState)
		}
	})
}
