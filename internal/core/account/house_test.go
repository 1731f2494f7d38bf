package account_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	httpsource "standfast/internal/core/source/http"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/money"
)

// house is a cell with members, our ledger and an issuer's system "core" beside it.
type house struct {
	t        testing.TB
	db       *db.DB
	clock    *dbtest.Clock
	ledger   *ledger.Ledger
	members  *member.Store
	accounts *account.Service
	system   *httpsource.Server // the issuer's
	url      string             // where it is
	people   int
}

const token = "a-token-of-the-issuer"

// patient waits so long that a busy machine never makes a healthy source late.
func patient() account.Config {
	return account.Config{TileWait: time.Minute, CallMax: time.Minute, Recall: time.Minute}
}

// hasty waits for a source that hangs no longer than a test may, and is still
// patient enough for all that is healthy beside it.
func hasty() account.Config {
	return account.Config{TileWait: 2 * time.Second, CallMax: 3 * time.Second, Recall: time.Minute}
}

// unbounded is a time that only somebody takes who has no deadline.
const unbounded = 45 * time.Second

// each runs a test on both engines in a patient house.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	h := &house{t: t, db: d, clock: clock, ledger: ledger.New(d, ledger.Options{}), members: member.New(d)}
	h.system = httpsource.NewServer(httpsource.ServerConfig{Token: token, Seed: 7, Now: clock.Now,
		Accounts: []httpsource.Holding{{Ref: "far-savings", Currency: "USD"}, {Ref: "far-card", Currency: "USD", CreditLimit: 500_000}}})
	web := httptest.NewServer(h.system)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	h.url = web.URL
	h.restart(h.url, patient())
	return h
}

// restart makes the account service anew, with nothing in memory.
func (h *house) restart(systemURL string, c account.Config) {
	far, err := httpsource.New(httpsource.Config{URL: systemURL, Token: token, Timeout: time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
	c.Log = slog.New(slog.DiscardHandler)
	h.accounts = account.New(h.db, h.ledger, h.members,
		map[string]account.Source{account.LedgerSource: ledgersource.New(h.ledger), "far": far, "broken": panicking{}},
		c)
}

// panicking is an adapter with a defect.
type panicking struct{}

func (panicking) Balance(context.Context, account.Account) (account.Balance, error) { panic("defect") }
func (panicking) Transactions(context.Context, account.Account, account.Query) (account.Page, error) {
	panic("defect")
}

func (h *house) tx(fn func(ctx context.Context, tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.WithTx(h.t.Context(), func(tx *db.Tx) error { return fn(h.t.Context(), tx) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) member() string {
	h.people++
	var m member.Member
	h.tx(func(ctx context.Context, tx *db.Tx) (err error) {
		m, err = h.members.Create(ctx, tx, member.Spec{Ref: fmt.Sprintf("m%d", h.people), Username: fmt.Sprintf("member%d", h.people), DisplayName: "A Member", Locale: "en-US", Region: "us"})
		return err
	})
	return m.ID
}

// open opens an account of a member, with money in it.
func (h *house) open(memberID, role string, spec account.Spec, minor int64) account.Account {
	h.t.Helper()
	var a account.Account
	h.tx(func(ctx context.Context, tx *db.Tx) (err error) {
		if a, err = h.accounts.Open(ctx, tx, spec); err != nil {
			return err
		}
		if err := h.members.AddHolder(ctx, tx, memberID, a.ID, role); err != nil || minor == 0 {
			return err
		}
		return h.fund(ctx, tx, a, minor, "deposit", time.Time{})
	})
	return a
}

// fund records a fact.
func (h *house) fund(ctx context.Context, tx *db.Tx, a account.Account, minor int64, kind string, at time.Time) error {
	bank := ledger.SystemID("test", a.Currency)
	if err := h.ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: bank, Currency: a.Currency, Book: "system", Folded: true}); err != nil {
		return err
	}
	e := ledger.Entry{Key: db.NewID(), Debit: bank, Credit: a.ID, Amount: money.New(minor, a.Currency).Abs(), Kind: kind, Description: "Funds", EffectiveAt: at, Fact: true}
	if minor < 0 {
		e.Debit, e.Credit = a.ID, bank
	}
	_, err := h.ledger.PostTx(ctx, tx, e)
	return err
}

func usd(minor int64) *money.Amount {
	a := money.New(minor, "USD")
	return &a
}

func savings(ref string) account.Spec {
	return account.Spec{Ref: ref, Kind: account.Savings, Currency: "USD", Name: "Savings " + ref, Last4: "0001"}
}

func card(ref string) account.Spec {
	return account.Spec{Ref: ref, Kind: account.Card, Currency: "USD", Name: "Card " + ref, Last4: "1111", CreditLimit: usd(100_000)}
}

func far(spec account.Spec, source string) account.Spec {
	spec.Source = source
	return spec
}

// silence is a TCP server that takes connections and never says a word.
func silence(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return "http://" + l.Addr().String()
}
