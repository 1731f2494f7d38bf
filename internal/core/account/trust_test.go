package account

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/money"
)

var (
	asked = Account{ID: "a", Currency: "USD", Source: "far"}
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

func goodBalance() Balance {
	return Balance{Balance: money.New(-5, "USD"), Available: money.New(5, "USD"), PendingOut: money.New(0, "USD"), PendingIn: money.New(1, "USD"), AsOf: noon}
}

func TestBalancesThatAreNotBelieved(t *testing.T) {
	if err := checkBalance(asked, goodBalance(), noon); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Balance){
		"other currency":      func(b *Balance) { b.Balance.Currency = "EUR" },
		"no currency":         func(b *Balance) { b.PendingIn = money.Amount{} },
		"absurd":              func(b *Balance) { b.Balance.Minor = maxMinor + 1 },
		"absurdly low":        func(b *Balance) { b.Balance.Minor = -maxMinor - 1 },
		"negative available":  func(b *Balance) { b.Available.Minor = -1 },
		"negative pending":    func(b *Balance) { b.PendingOut.Minor = -1 },
		"no time":             func(b *Balance) { b.AsOf = time.Time{} },
		"a time that is lost": func(b *Balance) { b.AsOf = noon.Add(clockSkew + 1) },
	} {
		b := goodBalance()
		if spoil(&b); checkBalance(asked, b, noon) == nil {
			t.Errorf("%s was believed", name)
		}
	}
}

func TestPagesThatAreNotBelieved(t *testing.T) {
	item := func(id string, at time.Time) Transaction {
		return Transaction{ID: id, AccountID: "a", PostedAt: at, Amount: money.New(1, "USD"), Kind: "deposit", Status: "posted"}
	}
	good := func() (Query, Page) {
		return Query{Limit: 3, Cursor: "1"}, Page{Items: []Transaction{item("3", noon), item("2", noon), item("1", noon.Add(-1))}, Next: "2"}
	}
	if q, p := good(); checkPage(asked, q, p, noon) != nil {
		t.Fatal(checkPage(asked, q, p, noon))
	}
	if err := checkPage(asked, Query{Limit: 3, Text: "rare"}, Page{Next: "2"}, noon); err != nil {
		t.Errorf("a search that found nothing yet: %v", err)
	}
	for name, spoil := range map[string]func(*Query, *Page){
		"more than asked for": func(q *Query, _ *Page) { q.Limit = 2 },
		"a circle":            func(_ *Query, p *Page) { p.Next = "1" },
		"nothing and more":    func(_ *Query, p *Page) { p.Items = nil },
		"a long cursor":       func(_ *Query, p *Page) { p.Next = string(make([]byte, maxCursor+1)) },
		"oldest first":        func(_ *Query, p *Page) { p.Items[2].PostedAt = noon.Add(1) },
		"another account":     func(_ *Query, p *Page) { p.Items[0].AccountID = "b" },
		"no id":               func(_ *Query, p *Page) { p.Items[0].ID = "" },
		"no kind":             func(_ *Query, p *Page) { p.Items[0].Kind = "" },
		"an unknown status":   func(_ *Query, p *Page) { p.Items[0].Status = "maybe" },
		"control characters":  func(_ *Query, p *Page) { p.Items[0].Description = "a\x1b[2J" },
		"turned text":         func(_ *Query, p *Page) { p.Items[0].Description = "\u202etxt" },
		"broken text":         func(_ *Query, p *Page) { p.Items[0].Description = "\xff" },
		"other currency":      func(_ *Query, p *Page) { p.Items[0].Amount.Currency = "EUR" },
		"other balance":       func(_ *Query, p *Page) { b := money.New(1, "EUR"); p.Items[0].BalanceAfter = &b },
		"the future":          func(_ *Query, p *Page) { p.Items[0].PostedAt = noon.AddDate(0, 0, 1) },
	} {
		q, p := good()
		if spoil(&q, &p); checkPage(asked, q, p, noon) == nil {
			t.Errorf("%s was believed", name)
		}
	}
}

// A last known value that came later in time wins, part by part, in whichever
// order two replicas' answers are met.
func TestMergeTakesTheNewer(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) known {
		var k known
		if n := rapid.IntRange(0, 5).Draw(t, "balance"); n > 0 {
			k.Balance = &Balance{Balance: money.New(int64(n), "USD"), AsOf: noon.Add(time.Duration(n))}
		}
		if n := rapid.IntRange(0, 5).Draw(t, "items"); n > 0 {
			k.Items, k.ItemsAt = make([]Transaction, n), noon.Add(time.Duration(n))
		}
		return k
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		ab, ba := a, b
		ab.merge(b)
		ba.merge(a)
		if !ab.ItemsAt.Equal(ba.ItemsAt) || len(ab.Items) != len(ba.Items) || (ab.Balance == nil) != (ba.Balance == nil) {
			t.Fatal(ab, ba)
		}
		if ab.Balance != nil && *ab.Balance != *ba.Balance {
			t.Fatal(*ab.Balance, *ba.Balance)
		}
	})
}
