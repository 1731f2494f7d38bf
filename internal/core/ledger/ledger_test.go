package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/money"
)

var ctx = context.Background()

// noon is when dbtest's clocks start.
var noon = dbtest.NewClock().Now()

// bank is a ledger with a clock and a few accounts: alice and bob may not go
// below zero, card may owe 1000.00 and hold at most 500.00, world is folded.
type bank struct {
	*testing.T
	*ledger.Ledger
	d                                  *db.DB
	clock                              *dbtest.Clock
	alice, bob, card, world, euros, no string
	keys                               int
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// each runs a test on both engines.
func each(t *testing.T, test func(b *bank)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		clock.Set(noon)
		test(newBank(t, d, clock))
	})
}

func newBank(t *testing.T, d *db.DB, clock *dbtest.Clock) *bank {
	b := &bank{T: t, Ledger: ledger.New(d, ledger.Options{Log: quiet()}), d: d, clock: clock, no: db.NewID()}
	zero, owe, most := int64(0), int64(-100_000), int64(50_000)
	b.alice = b.open(ledger.AccountSpec{Floor: &zero})
	b.bob = b.open(ledger.AccountSpec{Floor: &zero})
	b.card = b.open(ledger.AccountSpec{Book: "cards", Floor: &owe, Ceiling: &most})
	b.world = b.open(ledger.AccountSpec{ID: ledger.SystemID("world", "USD"), Book: "system", Folded: true})
	b.euros = b.open(ledger.AccountSpec{Currency: "EUR"})
	return b
}

func (b *bank) open(s ledger.AccountSpec) string {
	b.Helper()
	if s.ID == "" {
		s.ID = db.NewID()
	}
	if s.Currency == "" {
		s.Currency = "USD"
	}
	if s.Book == "" {
		s.Book = "savings"
	}
	b.inTx(func(tx *db.Tx) error { return b.OpenAccount(ctx, tx, s) })
	return s.ID
}

func (b *bank) inTx(f func(tx *db.Tx) error) {
	b.Helper()
	if err := b.d.WithTx(ctx, f); err != nil {
		b.Fatal(err)
	}
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func (b *bank) entry(from, to string, minor int64) ledger.Entry {
	b.keys++
	return ledger.Entry{Key: fmt.Sprint("k", b.keys), Debit: from, Credit: to, Amount: usd(minor), Kind: "transfer"}
}

func (b *bank) post(e ledger.Entry) ledger.Transfer {
	b.Helper()
	t, err := b.Post(ctx, e)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func (b *bank) fund(account string, minor int64) {
	b.Helper()
	b.post(b.entry(b.world, account, minor))
}

// hold makes a hold through the second door.
func (b *bank) hold(from, to string, minor int64, expires time.Time) ledger.Transfer {
	b.Helper()
	e := b.entry(from, to, minor)
	e.Pending, e.ExpiresAt = true, expires
	var list []ledger.Transfer
	b.inTx(func(tx *db.Tx) (err error) { list, err = b.PostTx(ctx, tx, e); return err })
	return list[0]
}

type ender func(ctx context.Context, tx *db.Tx, key, id string, at time.Time) (ledger.Transfer, error)

func (b *bank) end(f ender, id string) (t ledger.Transfer, err error) {
	b.keys++
	return b.endKeyed(f, fmt.Sprint("k", b.keys), id)
}

func (b *bank) endKeyed(f ender, key, id string) (t ledger.Transfer, err error) {
	err = b.d.WithTx(ctx, func(tx *db.Tx) error { t, err = f(ctx, tx, key, id, time.Time{}); return err })
	return t, err
}

// has checks an account's posted balance and its open holds, before and after a fold.
func (b *bank) has(account string, posted, in, out int64) {
	b.Helper()
	got, err := b.Balance(ctx, account)
	if err != nil {
		b.Fatal(err)
	}
	if got.Posted.Minor != posted || got.PendingIn.Minor != in || got.PendingOut.Minor != out || got.Available.Minor != posted-out {
		b.Fatalf("balance is %+v, want posted %d, in %d, out %d", got, posted, in, out)
	}
}

// sound checks that Verify finds nothing.
func (b *bank) sound() {
	b.Helper()
	r, err := b.Verify(ctx)
	if err != nil || len(r.Problems) > 0 {
		b.Fatal(r.Problems, err)
	}
}

func code(err error) string {
	if err == nil {
		return ""
	}
	e := fault.As(err)
	if e.Code == "invalid" {
		return e.Fields[0].Code
	}
	return e.Code
}

func (b *bank) refused(err error, want string) {
	b.Helper()
	if code(err) != want {
		b.Fatalf("got %v, want %s", err, want)
	}
}

func TestATransferMovesMoney(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		got := b.post(b.entry(b.alice, b.bob, 300))
		if !db.ValidID(got.ID) || got.Phase != ledger.Posted || !got.EffectiveAt.Equal(noon) || !got.RecordedAt.Equal(noon) {
			b.Fatal(got)
		}
		b.has(b.alice, 700, 0, 0)
		b.has(b.bob, 300, 0, 0)
		b.has(b.world, -1000, 0, 0)
		b.sound()
	})
}

func TestEntriesThatAreRefused(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		for name, c := range map[string]struct {
			change func(e *ledger.Entry)
			want   string
		}{
			"more than there is":  {func(e *ledger.Entry) { e.Amount = usd(1001) }, "ledger.funds"},
			"over the ceiling":    {func(e *ledger.Entry) { e.Debit, e.Credit, e.Amount = b.world, b.card, usd(50_001) }, "ledger.limit"},
			"over the card limit": {func(e *ledger.Entry) { e.Debit, e.Amount = b.card, usd(100_001) }, "ledger.funds"},
			"nothing":             {func(e *ledger.Entry) { e.Amount = usd(0) }, "amount.positive"},
			"less than nothing":   {func(e *ledger.Entry) { e.Amount = usd(-1) }, "amount.positive"},
			"the largest number":  {func(e *ledger.Entry) { e.Amount = usd(math.MaxInt64) }, "amount.too-large"},
			"the smallest number": {func(e *ledger.Entry) { e.Amount = usd(math.MinInt64) }, "amount.positive"},
			"another currency":    {func(e *ledger.Entry) { e.Amount.Currency = "EUR" }, "ledger.currency"},
			"to another currency": {func(e *ledger.Entry) { e.Credit = b.euros }, "ledger.currency"},
			"to itself":           {func(e *ledger.Entry) { e.Credit = e.Debit }, "ledger.same-account"},
			"from nowhere":        {func(e *ledger.Entry) { e.Debit = b.no }, "account.not-found"},
			"to nowhere":          {func(e *ledger.Entry) { e.Credit = b.no }, "account.not-found"},
			"to no id":            {func(e *ledger.Entry) { e.Credit = "'; DROP TABLE" }, "account.not-found"},
			"no key":              {func(e *ledger.Entry) { e.Key = "" }, "ledger.missing"},
			"a long key":          {func(e *ledger.Entry) { e.Key = strings.Repeat("k", 201) }, "ledger.too-long"},
			"no kind":             {func(e *ledger.Entry) { e.Kind = "" }, "ledger.missing"},
			"a long description":  {func(e *ledger.Entry) { e.Description = strings.Repeat("k", 501) }, "ledger.too-long"},
			"broken text":         {func(e *ledger.Entry) { e.Description = "\xff" }, "ledger.text"},
			"a NUL":               {func(e *ledger.Entry) { e.Ref = "a\x00b" }, "ledger.text"},
			"a limit but no hold": {func(e *ledger.Entry) { e.ExpiresAt = noon }, "ledger.no-hold"},
		} {
			e := b.entry(b.alice, b.bob, 1000)
			c.change(&e)
			_, err := b.Post(ctx, e)
			if code(err) != c.want {
				b.Errorf("%s: %v, want %s", name, err, c.want)
			}
			results, err := b.PostAll(ctx, []ledger.Entry{e})
			if err != nil || code(results[0].Err) != c.want {
				b.Errorf("%s in bulk: %v %v", name, results, err)
			}
			err = b.d.WithTx(ctx, func(tx *db.Tx) error { _, err := b.PostTx(ctx, tx, e); return err })
			if code(err) != c.want {
				b.Errorf("%s in a transaction: %v", name, err)
			}
		}
		b.has(b.alice, 1000, 0, 0)
		b.has(b.bob, 0, 0, 0)
		b.sound()
	})
}

func TestARefusalRecordsNothing(t *testing.T) {
	each(t, func(b *bank) {
		e := b.entry(b.alice, b.bob, 1000)
		_, err := b.Post(ctx, e)
		b.refused(err, "ledger.funds")
		b.fund(b.alice, 1000)
		b.post(e) // the same key may be tried again
		b.has(b.bob, 1000, 0, 0)
	})
}

func TestHistoryKnowsNoFloor(t *testing.T) {
	each(t, func(b *bank) {
		e := b.entry(b.alice, b.card, 60_000)
		e.Fact, e.EffectiveAt = true, noon.AddDate(-30, 0, 0)
		b.post(e)
		b.has(b.alice, -60_000, 0, 0)
		b.fund(b.alice, 10_000) // up is allowed from anywhere
		_, err := b.Post(ctx, b.entry(b.alice, b.bob, 1))
		b.refused(err, "ledger.funds")
		b.sound()
	})
}

func TestAKeyGivesTheFirstAnswer(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		e := b.entry(b.alice, b.bob, 1000)
		e.Description, e.Ref = "Rent <b>", "r1"
		first := b.post(e)
		b.clock.Advance(time.Hour)
		if again := b.post(e); again != first {
			b.Fatal(again, first)
		}
		for name, change := range map[string]func(*ledger.Entry){
			"amount": func(e *ledger.Entry) { e.Amount = usd(1) }, "debit": func(e *ledger.Entry) { e.Debit = b.card },
			"credit": func(e *ledger.Entry) { e.Credit = b.card }, "kind": func(e *ledger.Entry) { e.Kind = "fee" },
			"description": func(e *ledger.Entry) { e.Description = "" }, "ref": func(e *ledger.Entry) { e.Ref = "" },
			"hold": func(e *ledger.Entry) { e.Pending = true }, "time": func(e *ledger.Entry) { e.EffectiveAt = noon.Add(1000) },
			"fact": func(e *ledger.Entry) { e.Fact = true },
		} {
			other := e
			change(&other)
			if _, err := b.Post(ctx, other); code(err) != "ledger.key-reused" || !fault.Is(err, fault.Conflict) {
				b.Error(name, err)
			}
		}
		b.has(b.bob, 1000, 0, 0)
	})
}

func TestBulkGivesEachEntryItsOwnAnswer(t *testing.T) {
	each(t, func(b *bank) {
		a, twice := b.entry(b.world, b.alice, 500), b.entry(b.alice, b.bob, 500)
		other := twice
		other.Amount = usd(1)
		results, err := b.PostAll(ctx, []ledger.Entry{a, twice, twice, b.entry(b.alice, b.bob, 1), other, b.entry(b.bob, b.alice, 100)})
		if err != nil {
			b.Fatal(err)
		}
		var got []string
		for _, r := range results {
			got = append(got, fmt.Sprint(code(r.Err), r.Replayed))
		}
		want := []string{"false", "false", "true", "ledger.fundsfalse", "ledger.key-reusedfalse", "false"}
		if !slices.Equal(got, want) {
			b.Fatal(got)
		}
		b.has(b.alice, 100, 0, 0)
		b.has(b.bob, 400, 0, 0)
		b.sound()
	})
}

func TestPostTxIsAllOrNothing(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		b.inTx(func(tx *db.Tx) error {
			_, err := b.PostTx(ctx, tx, b.entry(b.alice, b.bob, 400), b.entry(b.alice, b.bob, 700))
			b.refused(err, "ledger.funds")
			return nil // the caller goes on all the same
		})
		b.has(b.bob, 0, 0, 0)
		mine := errors.New("mine")
		if err := b.d.WithTx(ctx, func(tx *db.Tx) error {
			_, err := b.PostTx(ctx, tx, b.entry(b.alice, b.bob, 400))
			return errors.Join(mine, err)
		}); !errors.Is(err, mine) {
			b.Fatal(err)
		}
		b.has(b.bob, 0, 0, 0)
		b.inTx(func(tx *db.Tx) error { // twice in one transaction: the second sees the first
			if _, err := b.PostTx(ctx, tx, b.entry(b.alice, b.bob, 1000)); err != nil {
				return err
			}
			_, err := b.PostTx(ctx, tx, b.entry(b.alice, b.bob, 1))
			b.refused(err, "ledger.funds")
			return nil
		})
		b.has(b.bob, 1000, 0, 0)
		b.sound()
	})
}

func TestAHoldReservesUntilItIsSettled(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		h := b.hold(b.alice, b.bob, 800, time.Time{})
		b.has(b.alice, 1000, 0, 800)
		b.has(b.bob, 0, 800, 0)
		_, err := b.Post(ctx, b.entry(b.alice, b.bob, 201))
		b.refused(err, "ledger.funds")
		_, err = b.Post(ctx, b.entry(b.bob, b.alice, 1)) // expected money is not there yet
		b.refused(err, "ledger.funds")
		s, err := b.endKeyed(b.SettleTx, "settle", h.ID)
		if err != nil || s.Resolves != h.ID || s.Amount != h.Amount {
			b.Fatal(s, err)
		}
		b.has(b.alice, 200, 0, 0)
		b.has(b.bob, 800, 0, 0)
		again, err := b.endKeyed(b.SettleTx, "settle", h.ID)
		if err != nil || again != s {
			b.Fatal(again, err)
		}
		for _, f := range []ender{b.SettleTx, b.VoidTx} {
			_, err = b.end(f, h.ID)
			b.refused(err, "ledger.already-resolved")
			_, err = b.end(f, s.ID)
			b.refused(err, "ledger.phase")
		}
		_, err = b.endKeyed(b.VoidTx, "settle", h.ID)
		b.refused(err, "ledger.key-reused")
		b.sound()
	})
}

func TestAVoidGivesBack(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		h := b.hold(b.alice, b.bob, 800, time.Time{})
		if _, err := b.end(b.VoidTx, h.ID); err != nil {
			b.Fatal(err)
		}
		b.has(b.alice, 1000, 0, 0)
		b.has(b.bob, 0, 0, 0)
		_, err := b.end(b.SettleTx, h.ID)
		b.refused(err, "ledger.already-resolved")
		_, err = b.end(b.ReverseTx, h.ID)
		b.refused(err, "ledger.already-resolved")
		b.sound()
	})
}

func TestAReversalGoesBelowTheFloor(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		p := b.post(b.entry(b.alice, b.bob, 1000))
		b.post(b.entry(b.bob, b.card, 600))
		r, err := b.end(b.ReverseTx, p.ID)
		if err != nil || r.Debit != b.bob || r.Credit != b.alice {
			b.Fatal(r, err)
		}
		b.has(b.bob, -600, 0, 0)
		_, err = b.end(b.ReverseTx, p.ID)
		b.refused(err, "ledger.already-resolved")
		_, err = b.end(b.ReverseTx, r.ID)
		b.refused(err, "ledger.phase")
		_, err = b.end(b.ReverseTx, b.no)
		b.refused(err, "ledger.transfer-not-found")
		b.sound()
	})
}

// A payment keeps the id of its hold only, and that is enough for its return.
func TestAReversalByTheHoldsID(t *testing.T) {
	each(t, func(b *bank) {
		h := b.hold(b.world, b.card, 700, time.Time{})
		_, err := b.end(b.ReverseTx, h.ID)
		b.refused(err, "ledger.phase")
		s, err := b.end(b.SettleTx, h.ID)
		if err != nil {
			b.Fatal(err)
		}
		r, err := b.endKeyed(b.ReverseTx, "return", h.ID)
		if err != nil || r.Resolves != s.ID {
			b.Fatal(r, err)
		}
		again, err := b.endKeyed(b.ReverseTx, "return", h.ID)
		if err != nil || again != r {
			b.Fatal(again, err)
		}
		_, err = b.end(b.ReverseTx, h.ID)
		b.refused(err, "ledger.already-resolved")
		_, err = b.end(b.ReverseTx, s.ID)
		b.refused(err, "ledger.already-resolved")
		b.has(b.card, 0, 0, 0)
		b.has(b.world, 0, 0, 0)
		b.sound()
	})
}

func TestCeilingsCountExpectedMoney(t *testing.T) {
	each(t, func(b *bank) {
		h := b.hold(b.world, b.card, 30_000, time.Time{})
		_, err := b.Post(ctx, b.entry(b.world, b.card, 20_001))
		b.refused(err, "ledger.limit")
		b.post(b.entry(b.world, b.card, 20_000))
		if _, err := b.end(b.SettleTx, h.ID); err != nil {
			b.Fatal(err)
		}
		b.has(b.card, 50_000, 0, 0)
	})
}

func TestHoldsEndWithTheirTime(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		b.hold(b.alice, b.bob, 100, noon.Add(time.Hour))
		b.hold(b.alice, b.bob, 10, noon.Add(2*time.Hour))
		settled := b.hold(b.alice, b.bob, 1, noon.Add(time.Hour))
		if _, err := b.end(b.SettleTx, settled.ID); err != nil {
			b.Fatal(err)
		}
		expire := func(want int) {
			b.Helper()
			if n, err := b.ExpireHolds(ctx); err != nil || n != want {
				b.Fatal(n, err)
			}
		}
		expire(0)
		b.clock.Advance(time.Hour)
		expire(1)
		b.has(b.alice, 999, 0, 10)
		expire(0)
		b.clock.Advance(time.Hour)
		expire(1)
		b.has(b.alice, 999, 0, 0)
		b.has(b.bob, 1, 0, 0)
		b.sound()
	})
}

// A clock that is set right in the middle of everything loses nothing: batches
// are numbered as they were committed, not by their times, the chain holds, and a
// hold that a fast clock has let expire is not expired twice.
func TestAClockThatJumps(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 1000)
		for _, by := range []time.Duration{5 * time.Minute, -10 * time.Minute, 5 * time.Minute} {
			e := b.entry(b.alice, b.bob, 10)
			first := b.post(e)
			b.clock.Advance(by)
			if again := b.post(e); again != first {
				b.Fatal("one key, two answers:", first, again)
			}
			b.hold(b.alice, b.bob, 1, b.clock.Now().Add(2*time.Minute))
			if _, err := b.d.Number(ctx, ledger.Batches, 100); err != nil {
				b.Fatal(err)
			}
			b.sound()
		}
		b.has(b.alice, 970, 0, 3)
		b.clock.Advance(time.Hour)
		for _, want := range []int{3, 0} {
			if n, err := b.ExpireHolds(ctx); err != nil || n != want {
				b.Fatal(n, err)
			}
			b.clock.Advance(-2 * time.Hour)
		}
		b.has(b.alice, 970, 0, 0)
		b.has(b.bob, 30, 0, 0)
		b.sound()
	})
}

func TestFoldingChangesNoBalance(t *testing.T) {
	each(t, func(b *bank) {
		for range 3 {
			b.fund(b.alice, 100)
			b.hold(b.world, b.alice, 10, time.Time{})
			b.has(b.world, balanceOf(b, b.world).Posted.Minor, 0, balanceOf(b, b.world).PendingOut.Minor)
		}
		before := balanceOf(b, b.world)
		b.sound()
		if n, err := b.Fold(ctx); err != nil || n != 6 {
			b.Fatal(n, err)
		}
		if after := balanceOf(b, b.world); after != before || after.Posted.Minor != -300 || after.PendingOut.Minor != 30 || after.Count != 3 {
			b.Fatal(before, after)
		}
		b.sound()
		if n, err := b.Fold(ctx); err != nil || n != 0 {
			b.Fatal(n, err)
		}
	})
}

func balanceOf(b *bank, id string) ledger.Balance {
	b.Helper()
	got, err := b.Balance(ctx, id)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func TestBalancesAtPastInstants(t *testing.T) {
	each(t, func(b *bank) {
		day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
		fact := func(minor int64, at time.Time) {
			e := b.entry(b.world, b.alice, minor)
			e.Fact, e.EffectiveAt = true, at
			b.post(e)
		}
		fact(100, day(-10))
		fact(7, day(-5))
		fact(1000, day(-8)) // recorded later, counts earlier
		h := b.hold(b.alice, b.bob, 50, time.Time{})
		b.clock.Advance(24 * time.Hour)
		if _, err := b.end(b.SettleTx, h.ID); err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			at          time.Time
			posted, out int64
			count       int64
		}{
			{day(-11), 0, 0, 0}, {day(-10), 100, 0, 1}, {day(-8).Add(-1000), 100, 0, 1}, {day(-8), 1100, 0, 2}, {day(-5), 1107, 0, 3},
			{day(0).Add(-time.Second), 1107, 0, 3}, {day(0), 1107, 50, 3}, {day(1), 1057, 0, 4}, {day(100), 1057, 0, 4},
		} {
			got, err := b.BalanceAt(ctx, b.alice, c.at)
			if err != nil || got.Posted.Minor != c.posted || got.PendingOut.Minor != c.out || got.Count != c.count {
				b.Errorf("at %v: %+v %v, want %+v", c.at, got, err, c)
			}
		}
		_, err := b.BalanceAt(ctx, b.no, noon)
		b.refused(err, "account.not-found")
		_, err = b.Balance(ctx, "x")
		b.refused(err, "account.not-found")
	})
}

func TestEachBalance(t *testing.T) {
	each(t, func(b *bank) {
		b.fund(b.alice, 100)
		b.fund(b.card, 50)
		if _, err := b.Fold(ctx); err != nil {
			b.Fatal(err)
		}
		b.fund(b.alice, 1)
		got := map[string]string{}
		take := func(id, currency string, count, posted int64) error {
			got[id] = fmt.Sprint(currency, count, posted)
			return nil
		}
		if err := b.EachBalance(ctx, "", take); err != nil {
			b.Fatal(err)
		}
		for id, want := range map[string]string{b.alice: "USD2 101", b.card: "USD1 50", b.world: "USD3 -151", b.euros: "EUR0 0"} {
			if got[id] != want {
				b.Errorf("%q, want %q", got[id], want)
			}
		}
		clear(got)
		if err := b.EachBalance(ctx, "cards", take); err != nil || len(got) != 1 {
			b.Fatal(got, err)
		}
	})
}

func TestOpeningAnAccountAgain(t *testing.T) {
	each(t, func(b *bank) {
		s := ledger.AccountSpec{ID: db.NewID(), Currency: "USD", Book: "savings"}
		b.open(s)
		b.open(s)
		open := func(s ledger.AccountSpec) error {
			return b.d.WithTx(ctx, func(tx *db.Tx) error { return b.OpenAccount(ctx, tx, s) })
		}
		s.Currency = "EUR"
		b.refused(open(s), "ledger.account-exists")
		one := int64(1)
		b.refused(open(ledger.AccountSpec{ID: "x", Currency: "USD", Book: "b"}), "ledger.id")
		b.refused(open(ledger.AccountSpec{ID: db.NewID(), Currency: "XXX", Book: "b"}), "currency.unknown")
		b.refused(open(ledger.AccountSpec{ID: db.NewID(), Currency: "USD", Book: "b", Floor: &one, Folded: true}), "ledger.folded-limit")
	})
}

func TestAFloorCanMove(t *testing.T) {
	each(t, func(b *bank) {
		floor := int64(-500)
		b.inTx(func(tx *db.Tx) error { return b.SetFloor(ctx, tx, b.alice, &floor) })
		b.post(b.entry(b.alice, b.bob, 500))
		b.inTx(func(tx *db.Tx) error { return b.SetFloor(ctx, tx, b.alice, nil) })
		b.post(b.entry(b.alice, b.bob, 500))
		err := b.d.WithTx(ctx, func(tx *db.Tx) error { return b.SetFloor(ctx, tx, b.no, nil) })
		b.refused(err, "account.not-found")
	})
}
