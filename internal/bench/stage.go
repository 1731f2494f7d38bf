package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"standfast/internal/app"
	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/masterkey"
	"standfast/internal/money"
)

// publicURL is what a measured core is called; nobody looks it up.
const publicURL = "http://localhost"

// currency of everything that benchmarks make up.
const currency = "USD"

// password of members that benchmarks sign in.
const password = "bench lantern harbor 42"

// quiet keeps warnings and errors, which go to standard error: a benchmark that
// logs measures its terminal.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// configure gives the configuration of a core on a database, with a master key
// in dir and the demo's mailbox as the way out for messages.
func configure(dir, database, mailbox string) (app.Config, error) {
	c := app.Defaults()
	c.Cell.PublicURL = publicURL
	c.Database = database
	c.MasterKey = filepath.Join(dir, "master.key")
	c.Demo.Mailbox = mailbox
	c.Listen = app.ListenConfig{Public: "127.0.0.1:0", Admin: "127.0.0.1:0"}
	if _, err := os.Stat(c.MasterKey); err == nil {
		return c, nil
	}
	_, err := masterkey.Create(c.MasterKey)
	return c, err
}

// stage is an opened core to set a benchmark's scene in, and to measure what is
// measured in process.
type stage struct{ *app.Rooms }

func open(ctx context.Context, c app.Config) (stage, error) {
	r, err := app.Open(ctx, c, quiet())
	return stage{r}, err
}

// Opening balances in minor units: more than a benchmark can move.
const (
	openingCard    = -900_000_000_00
	openingSavings = 10_000_000_00
)

// actor is a made-up member with accounts.
type actor struct {
	member.Member
	card    account.Account
	savings []account.Account
	method  instrument.Method
}

// join makes a member with a card that owes a lot and savings accounts that hold
// a lot, in one transaction.
func (s stage) join(ctx context.Context, n, savings int, withMethod bool) (actor, error) {
	var a actor
	err := s.DB.WithTx(ctx, func(tx *db.Tx) (err error) {
		a, err = s.cast(ctx, tx, n, savings)
		if err == nil && withMethod {
			a.method, _, err = s.Instruments.ImportVerified(ctx, tx, a.ID, instrument.Request{Kind: instrument.KindBankAccount, Country: "US",
				RoutingNumber: "011000015", AccountNumber: fmt.Sprintf("0007%08d", n), HolderName: a.DisplayName})
		}
		return err
	})
	return a, err
}

// setPassword lets an actor sign in.
func (s stage) setPassword(ctx context.Context, a actor) error {
	return s.DB.WithTx(ctx, func(tx *db.Tx) error { return s.SignIn.SetPassword(ctx, tx, a.ID, password) })
}

func (s stage) cast(ctx context.Context, tx *db.Tx, n, savings int) (a actor, err error) {
	name := fmt.Sprintf("bench%d", n)
	a.Member, err = s.Members.Create(ctx, tx, member.Spec{Ref: name, Username: name, DisplayName: "Bench " + name,
		Email: name + "@example.com", Phone: fmt.Sprintf("+1202555%04d", n%10000), Locale: "en-US", Region: "us"})
	if err != nil {
		return a, err
	}
	limit := money.New(1_000_000_000_00, currency)
	if a.card, err = s.account(ctx, tx, a.Member, account.Spec{Ref: name + "-card", Name: "Bench card", Last4: "0001", Kind: account.Card, CreditLimit: &limit}, openingCard); err != nil {
		return a, err
	}
	for i := range savings {
		held, err := s.account(ctx, tx, a.Member, account.Spec{Ref: fmt.Sprintf("%s-savings-%d", name, i), Name: "Bench savings", Last4: fmt.Sprintf("%04d", i), Kind: account.Savings}, openingSavings)
		if err != nil {
			return a, err
		}
		a.savings = append(a.savings, held)
	}
	return a, nil
}

// account opens an account of a member with an opening balance.
func (s stage) account(ctx context.Context, tx *db.Tx, m member.Member, spec account.Spec, balance int64) (account.Account, error) {
	spec.Currency, spec.OpenedOn = currency, "2020-01-02"
	a, err := s.Accounts.Open(ctx, tx, spec)
	if err != nil {
		return a, err
	}
	if err := s.Members.AddHolder(ctx, tx, m.ID, a.ID, member.Owner); err != nil {
		return a, err
	}
	world := ledger.SystemID("bench", currency)
	if err := s.Ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: world, Currency: currency, Book: "system", Folded: true}); err != nil {
		return a, err
	}
	e := ledger.Entry{Key: "bench:" + spec.Ref, Debit: world, Credit: a.ID, Amount: money.New(balance, currency).Abs(),
		Kind: "opening", Description: "Balance brought forward", EffectiveAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Fact: true}
	if balance < 0 {
		e.Debit, e.Credit = a.ID, world
	}
	_, err = s.Ledger.PostTx(ctx, tx, e)
	return a, err
}
