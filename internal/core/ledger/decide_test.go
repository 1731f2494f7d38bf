package ledger

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

var testNow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// stateWith makes a state with one account for each given balance, named by its
// place, without floors.
func stateWith(balances ...sums) *state {
	s := newState(testNow)
	for i, b := range balances {
		id := string(rune('a' + i))
		s.accounts[id] = &account{id: id, currency: "USD", was: b, is: b}
	}
	return s
}

func ask(key, debit, credit string, amount int64) request {
	return request{phase: Posted, Entry: Entry{Key: key, Debit: debit, Credit: credit, Amount: money.New(amount, "USD"), Kind: "test"}}
}

func codes(list []verdict) (got []string) {
	for _, v := range list {
		c := "ok"
		if v.replayed {
			c = "again"
		}
		if v.err != nil {
			c = fault.As(v.err).Code
		}
		got = append(got, c)
	}
	return got
}

func decides(t *testing.T, s *state, requests []request, want ...string) {
	t.Helper()
	if got := codes(decide(s, requests)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each request is decided on what those before it in the same batch have left.
func TestDecideGoesInOrder(t *testing.T) {
	s := stateWith(sums{}, sums{}, sums{posted: 10})
	zero := int64(0)
	s.accounts["a"].floor, s.accounts["b"].floor = &zero, &zero
	decides(t, s, []request{ask("1", "a", "b", 10), ask("2", "c", "a", 10), ask("3", "a", "b", 10), ask("4", "a", "b", 1), ask("3", "a", "b", 10), ask("3", "b", "a", 10)},
		"ledger.funds", "ok", "ok", "ledger.funds", "again", "ledger.key-reused")
	if len(s.made) != 2 || s.accounts["b"].is.posted != 10 || s.accounts["a"].is != (sums{count: 2}) {
		t.Error(s.made, *s.accounts["a"], *s.accounts["b"])
	}
}

// Two ends of one hold in one batch: the first counts.
func TestDecideEndsOnce(t *testing.T) {
	s := stateWith(sums{out: 5}, sums{in: 5})
	s.know(&Transfer{ID: "hold", Key: "h", Debit: "a", Credit: "b", Amount: money.New(5, "USD"), Phase: Pending})
	end := func(key string, p Phase) request { return request{phase: p, resolves: "hold", Entry: Entry{Key: key}} }
	decides(t, s, []request{end("1", Reverse), end("2", Settle), end("3", Void), end("2", Settle), end("4", Reverse), end("5", Reverse)},
		"ledger.phase", "ok", "ledger.already-resolved", "again", "ok", "ledger.already-resolved")
	if s.accounts["a"].is != (sums{count: 2}) || s.accounts["b"].is != (sums{count: 2}) {
		t.Error(*s.accounts["a"], *s.accounts["b"])
	}
}

func TestBalancesNeverOverflow(t *testing.T) {
	for name, c := range map[string]struct {
		from, to sums
		phase    Phase
	}{
		"the debit":       {sums{posted: -maxBalance}, sums{}, Posted},
		"the credit":      {sums{}, sums{posted: maxBalance}, Posted},
		"the debit hold":  {sums{out: maxBalance}, sums{}, Pending},
		"the credit hold": {sums{}, sums{in: maxBalance}, Pending},
	} {
		r := ask("1", "a", "b", 1)
		r.phase, r.Fact = c.phase, true
		s := stateWith(c.from, c.to)
		decides(t, s, []request{r}, "ledger.limit")
		if s.accounts["a"].is != c.from || s.accounts["b"].is != c.to {
			t.Error(name, "left a trace")
		}
	}
	widest := sums{posted: -maxBalance, out: maxBalance}
	if w := widest.plus(sums{posted: -MaxAmount, out: MaxAmount}); w.worst() > 0 || w.worst() < math.MinInt64/2*2 || w.representable() {
		t.Error(w.worst())
	}
}

// Money is neither made nor lost, no floor or ceiling is broken by what is
// accepted, and what is refused leaves no trace.
func TestDecideKeepsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stateWith(make([]sums, 4)...)
		for _, a := range s.accounts {
			if rapid.Bool().Draw(t, "bounded") {
				floor, ceiling := rapid.Int64Range(-300, 0).Draw(t, "floor"), rapid.Int64Range(0, 300).Draw(t, "ceiling")
				a.floor, a.ceiling = &floor, &ceiling
			}
		}
		requests := make([]request, rapid.IntRange(1, 60).Draw(t, "requests"))
		for i := range requests {
			n := rapid.IntRange(0, 3).Draw(t, "debit")
			r := ask(rapid.StringOfN(rapid.RuneFrom([]rune("abcdef")), 2, 2, -1).Draw(t, "key"), string(rune('a'+n)), string(rune('a'+(n+rapid.IntRange(1, 3).Draw(t, "credit"))%4)), rapid.Int64Range(1, 200).Draw(t, "amount"))
			if rapid.Bool().Draw(t, "hold") {
				r.phase = Pending
			}
			requests[i] = r
		}
		verdicts := decide(s, requests)
		holds(t, s, verdicts)
	})
}

func holds(t *rapid.T, s *state, verdicts []verdict) {
	made := 0
	for _, v := range verdicts {
		if v.err == nil && !v.replayed {
			made++
		}
	}
	if made != len(s.made) {
		t.Fatalf("%d were accepted, %d made", made, len(s.made))
	}
	var total sums
	for _, a := range s.accounts {
		total = total.plus(a.is)
		if a.floor != nil && (a.is.worst() < *a.floor || a.is.best() > *a.ceiling) {
			t.Fatalf("%+v is out of %d..%d", a.is, *a.floor, *a.ceiling)
		}
	}
	if total.posted != 0 || total.in != total.out {
		t.Fatalf("the sum is %+v", total)
	}
}

// No two different transfers have the same canonical form: moving a byte from one
// field to its neighbour shows.
func TestDigestsTellTransfersApart(t *testing.T) {
	base := Transfer{ID: "i", Key: "k", Debit: "d", Credit: "c", Amount: money.New(1, "USD"), Phase: Posted, Kind: "ki", Description: "de", Ref: "re", EffectiveAt: testNow, RecordedAt: testNow}
	seen := map[string]string{string(base.digest()): "base"}
	for name, change := range map[string]func(*Transfer){
		"id": func(t *Transfer) { t.ID = "j" }, "key": func(t *Transfer) { t.Key = "" }, "debit": func(t *Transfer) { t.Debit = "c" },
		"credit": func(t *Transfer) { t.Credit = "d" }, "amount": func(t *Transfer) { t.Amount.Minor = 256 }, "currency": func(t *Transfer) { t.Amount.Currency = "EUR" },
		"phase": func(t *Transfer) { t.Phase = Pending }, "resolves": func(t *Transfer) { t.Resolves = "x" }, "kind": func(t *Transfer) { t.Kind, t.Description = "kid", "e" },
		"description": func(t *Transfer) { t.Description, t.Ref = "der", "e" }, "ref": func(t *Transfer) { t.Ref = "" }, "fact": func(t *Transfer) { t.Fact = true },
		"effective": func(t *Transfer) { t.EffectiveAt = testNow.Add(time.Microsecond) }, "recorded": func(t *Transfer) { t.RecordedAt = testNow.Add(time.Microsecond) },
		"expires": func(t *Transfer) { t.ExpiresAt = testNow },
	} {
		other := base
		change(&other)
		d := string(other.digest())
		if seen[d] != "" {
			t.Errorf("%s has the digest of %s", name, seen[d])
		}
		seen[d] = name
	}
}

func TestIDsOfABatch(t *testing.T) {
	batch := newBatchID()
	before := batch
	for _, n := range []int{1, 2, 9, 10, 15, 16, 255, 256, maxBatchRows} {
		id := transferID(batch, n)
		if !db.ValidID(id) || id <= before || batchOf(id) != batch {
			t.Error(n, id)
		}
		before = id
	}
	if next := newBatchID(); next == batch || !db.ValidID(next) {
		t.Error(next, batch)
	}
	if a, b := SystemID("rail", "USD"), SystemID("rail", "EUR"); a == b || !db.ValidID(a) || a != SystemID("rail", "USD") {
		t.Error(a, b)
	}
}
