package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

func (h *house) minor(m, id string) int64 {
	h.t.Helper()
	tile, err := h.accounts.Get(h.t.Context(), m, id)
	if err != nil || tile.State != account.Current {
		h.t.Fatal(tile, err)
	}
	return tile.Balance.Balance.Minor
}

func TestTransfer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, savings("s1"), 10_000)
		c := h.open(m, member.Owner, card("c1"), -8_000)
		r := account.TransferRequest{Key: "k1", From: s.ID, To: c.ID, Amount: money.New(2_500, "USD")}
		first, err := h.accounts.Transfer(t.Context(), m, r)
		if err != nil || first.Status != "posted" || first.ID == "" {
			t.Fatal(first, err)
		}
		again, err := h.accounts.Transfer(t.Context(), m, r)
		if err != nil || again != first {
			t.Errorf("a repeated key gives the first answer: %+v, %v", again, err)
		}
		if h.minor(m, s.ID) != 7_500 || h.minor(m, c.ID) != -5_500 {
			t.Error(h.minor(m, s.ID), h.minor(m, c.ID))
		}
		r.Amount.Minor++
		if _, err := h.accounts.Transfer(t.Context(), m, r); !fault.Is(err, fault.Conflict) || fault.As(err).Code != "idempotency-key-reused" {
			t.Errorf("same key, other contents: %v", err)
		}
		p, err := h.accounts.Transactions(t.Context(), m, c.ID, account.Query{})
		if err != nil || p.Items[0].Kind != account.KindPayment || p.Items[0].Amount.Minor != 2_500 || p.Items[0].Description != "Savings s1 ··0001 → Card c1 ··1111" {
			t.Errorf("%+v %v", p.Items, err)
		}
	})
}

// What happened to the accounts since does not make a transfer unmade.
func TestARepeatedTransferIsAnsweredWhateverBecameOfItsAccounts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s, c := h.open(m, member.Owner, savings("s1"), 10_000), h.open(m, member.Owner, card("c1"), -8_000)
		r := account.TransferRequest{Key: "k1", From: s.ID, To: c.ID, Amount: money.New(2_500, "USD")}
		first, err := h.accounts.Transfer(t.Context(), m, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []string{`UPDATE account SET name = 'Renamed', last4 = '9999' WHERE id = $1`, `UPDATE account SET status = 'frozen' WHERE id = $1`, `UPDATE account SET status = 'closed' WHERE id = $1`} {
			h.tx(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, change, s.ID); return err })
			h.clock.Advance(time.Minute) // past what is cached
			if again, err := h.accounts.Transfer(t.Context(), m, r); err != nil || again != first {
				t.Errorf("after %s: %+v, %v", change, again, err)
			}
			other := r
			other.Amount.Minor++
			if _, err := h.accounts.Transfer(t.Context(), m, other); err == nil {
				t.Errorf("after %s: other contents were taken for the same", change)
			}
			other.Key = "another: " + change
			if _, err := h.accounts.Transfer(t.Context(), m, other); strings.Contains(change, "status") && err == nil {
				t.Errorf("after %s: a new transfer was made", change)
			}
		}
	})
}

func TestTransferIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, other := h.member(), h.member()
		s := h.open(m, member.Owner, savings("s1"), 10_000)
		c := h.open(m, member.Owner, card("c1"), 0)
		shared := h.open(other, member.Owner, savings("shared"), 10_000)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			return h.members.AddHolder(ctx, tx, m, shared.ID, member.Authorized)
		})
		theirs := h.open(other, member.Owner, savings("s2"), 0)
		elsewhere := h.open(m, member.Owner, far(savings("far-savings"), "far"), 0)
		euro := h.open(m, member.Owner, account.Spec{Ref: "e", Kind: account.Savings, Currency: "EUR"}, 0)
		closed := h.open(m, member.Owner, savings("closed"), 0)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE account SET status = 'closed' WHERE id = $1`, closed.ID)
			return err
		})
		one := money.New(1, "USD")
		for _, c := range []struct {
			name     string
			key      string
			from, to string
			amount   money.Amount
			kind     fault.Kind
			code     string // of the fault, or of its first field
		}{
			{"more than there is", "a", s.ID, c.ID, money.New(10_001, "USD"), fault.Invalid, "transfer.insufficient-funds"},
			{"nothing", "a", s.ID, c.ID, money.New(0, "USD"), fault.Invalid, "amount.not-positive"},
			{"less than nothing", "a", s.ID, c.ID, money.New(-1, "USD"), fault.Invalid, "amount.not-positive"},
			{"absurd", "a", s.ID, c.ID, money.New(1<<62, "USD"), fault.Invalid, "amount.too-large"},
			{"to itself", "a", s.ID, s.ID, one, fault.Invalid, "transfer.same-account"},
			{"from a card", "a", c.ID, s.ID, one, fault.Invalid, "transfer.from-card"},
			{"other currency", "a", s.ID, c.ID, money.New(1, "EUR"), fault.Invalid, "amount.currency"},
			{"mixed currencies", "a", s.ID, euro.ID, one, fault.Invalid, "transfer.currency"},
			{"not the owner", "a", shared.ID, s.ID, one, fault.Invalid, "transfer.not-owner"},
			{"from elsewhere", "a", elsewhere.ID, s.ID, one, fault.Invalid, "transfer.elsewhere"},
			{"to elsewhere", "a", s.ID, elsewhere.ID, one, fault.Invalid, "transfer.elsewhere"},
			{"to a closed account", "a", s.ID, closed.ID, one, fault.Invalid, "transfer.to-closed"},
			{"from a closed account", "a", closed.ID, s.ID, one, fault.Invalid, "transfer.from-closed"},
			{"from another member's", "a", theirs.ID, s.ID, one, fault.NotFound, "account.not-found"},
			{"to another member's", "a", s.ID, theirs.ID, one, fault.NotFound, "account.not-found"},
			{"to nowhere", "a", s.ID, db.NewID(), one, fault.NotFound, "account.not-found"},
			{"no key", "", s.ID, c.ID, one, fault.Invalid, "idempotency-key"},
			{"long key", strings.Repeat("ü", 65), s.ID, c.ID, one, fault.Invalid, "idempotency-key"},
		} {
			_, err := h.accounts.Transfer(t.Context(), m, account.TransferRequest{Key: c.key, From: c.from, To: c.to, Amount: c.amount})
			e := fault.As(err)
			if e == nil {
				t.Errorf("%s: accepted", c.name)
				continue
			}
			code := e.Code
			if len(e.Fields) > 0 {
				code = e.Fields[0].Code
			}
			if e.Kind != c.kind || code != c.code {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if h.minor(m, s.ID) != 10_000 || h.minor(m, c.ID) != 0 {
			t.Error("something moved")
		}
	})
}

// Many at once never take more than there is, and a repeated key is one transfer.
func TestTransfersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		s := h.open(m, member.Owner, savings("s1"), 1_000)
		c := h.open(m, member.Owner, card("c1"), 0)
		var all sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]bool{}
		for i := range 60 {
			all.Go(func() {
				key := string(rune('a' + i%30)) // each key twice
				v, err := h.accounts.Transfer(context.Background(), m, account.TransferRequest{Key: key, From: s.ID, To: c.ID, Amount: money.New(50, "USD")})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					ids[v.ID] = true
				} else if !errors.As(err, new(*fault.Error)) || !fault.Is(err, fault.Invalid) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(ids) != 20 || h.minor(m, s.ID) != 0 || h.minor(m, c.ID) != 1_000 {
			t.Error(len(ids), h.minor(m, s.ID), h.minor(m, c.ID))
		}
	})
}

func TestFreeze(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, user := h.member(), h.member()
		c := h.open(m, member.Owner, card("c1"), 0)
		h.tx(func(ctx context.Context, tx *db.Tx) error {
			return h.members.AddHolder(ctx, tx, user, c.ID, member.Authorized)
		})
		s := h.open(m, member.Owner, savings("s1"), 100)
		away := h.open(m, member.Owner, far(card("far-card"), "far"), 0)
		set := func(who, id string, frozen bool) (string, error) {
			return h.accounts.Freeze(t.Context(), who, id, frozen, "192.0.2.1")
		}
		for _, who := range []string{user, user, m} {
			if status, err := set(who, c.ID, true); err != nil || status != account.Frozen {
				t.Fatal(status, err)
			}
		}
		if _, err := set(user, c.ID, false); !fault.Is(err, fault.Forbidden) {
			t.Errorf("only an owner unfreezes: %v", err)
		}
		if a, _ := h.accounts.Held(t.Context(), m, c.ID); a.Status != account.Frozen || a.Version != 2 {
			t.Errorf("seen at once, and once: %+v", a)
		}
		if _, err := h.accounts.Transfer(t.Context(), m, account.TransferRequest{Key: "k", From: s.ID, To: c.ID, Amount: money.New(1, "USD")}); err != nil {
			t.Errorf("a frozen card can be paid: %v", err)
		}
		if status, err := set(m, c.ID, false); err != nil || status != account.Active {
			t.Error(status, err)
		}
		if _, err := set(m, s.ID, true); !fault.Is(err, fault.NotFound) {
			t.Errorf("savings are no card: %v", err)
		}
		if _, err := set(m, away.ID, true); !fault.Is(err, fault.Conflict) {
			t.Errorf("a card elsewhere is not frozen by a flag of ours: %v", err)
		}
		if _, err := set(h.member(), c.ID, true); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

func TestOpenNamesEveryBrokenRule(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rate := int64(-1)
		bad := account.Spec{Ref: "", Kind: "loan", Currency: "XXX", Name: strings.Repeat("x", 101), Last4: "12", Source: "nowhere",
			CreditLimit: usd(-1), StatementBalance: usd(1), MinimumDue: usd(-1), DueOn: "2026-02-30", OpenedOn: "soon", ExpiresOn: "12/27", RateBP: &rate}
		err := h.db.WithTx(t.Context(), func(tx *db.Tx) error {
			_, err := h.accounts.Open(t.Context(), tx, bad)
			return err
		})
		if n := len(fault.As(err).Fields); n != 14 {
			t.Errorf("%d fields: %v", n, err)
		}
		m := h.member()
		h.open(m, member.Owner, savings("s1"), 0)
		err = h.db.WithTx(t.Context(), func(tx *db.Tx) error {
			_, err := h.accounts.Open(t.Context(), tx, card("s1"))
			return err
		})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("a reference is used once: %v", err)
		}
	})
}

// Each of many accounts has its own result: what is refused leaves the others.
func TestOpenMany(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		there := h.open(m, member.Owner, account.Spec{Ref: "there", Kind: account.Savings, Currency: "USD"}, 0)
		limit := money.New(500_00, "USD")
		specs := []account.Spec{
			{Ref: "one", Kind: account.Card, Currency: "USD", CreditLimit: &limit},
			{Ref: there.Ref, Kind: account.Savings, Currency: "USD"},
			{Ref: "two\x00", Kind: account.Savings, Currency: "USD"},
			{Ref: "one", Kind: account.Savings, Currency: "USD"},
			{Ref: "far-away", Kind: account.Savings, Currency: "EUR", Source: "far"},
		}
		var list []account.Opened
		h.tx(func(ctx context.Context, tx *db.Tx) (err error) {
			list, err = h.accounts.OpenAll(ctx, tx, specs)
			return err
		})
		for i, kind := range []fault.Kind{-1, fault.Conflict, fault.Invalid, fault.Conflict, -1} {
			if kind >= 0 {
				if !fault.Is(list[i].Err, kind) || list[i].Account.ID != "" {
					t.Errorf("%d: %+v", i, list[i])
				}
				continue
			}
			if got, err := h.accounts.ByRef(t.Context(), specs[i].Ref); err != nil || list[i].Err != nil || got.ID != list[i].Account.ID {
				t.Errorf("%d: %+v %+v %v", i, got, list[i], err)
			}
		}
		if _, err := h.ledger.Balance(t.Context(), list[0].Account.ID); err != nil {
			t.Error(err)
		}
		if _, err := h.ledger.Balance(t.Context(), list[4].Account.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the ledger keeps an account of another system: %v", err)
		}
	})
}
