// Package teller answers what members come for at the stand-in: what they have
// and owe as of when it was last known, freezing a card, and paying it.
package teller

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/money"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

// Config is what the teller must know.
type Config struct {
	Known       *store.Known
	Own         *store.Own
	Desk        *entry.Desk
	Zone        *time.Location
	CutOff      time.Duration // time of day until when a payment counts as that day's
	StepUpAbove money.Amount  // more than that needs a fresh proof, which is not to be had here
	FreeTotal   int64         // minor units paid without a proof since the last payment with one; 0 sets no bound
	FreeCount   int64         // and their number
	Limits      store.Limits
	Now         func() time.Time
}

// Teller is safe for use by many goroutines.
type Teller struct{ Config }

// New makes a teller.
func New(c Config) *Teller { return &Teller{c} }

// Account is one as it was last known.
type Account struct {
	ID   string
	Role string
	feed.AccountBody
	Balance       *feed.BalanceBody // nil: not known
	FreezeAskedAt time.Time         // core is asked to freeze it; zero when it is not
}

// Card tells whether it is a card, which can be paid and frozen.
func (a Account) Card() bool { return a.Kind == "card" }

// AsOf is until when all that is shown is known to be complete.
func (t *Teller) AsOf() time.Time { return t.Known.Position().Complete }

// Member gives whom we talk to.
func (t *Teller) Member(ctx context.Context, id string) (b feed.MemberBody, err error) {
	return get[feed.MemberBody](ctx, t.Known, feed.Member, id)
}

func get[T any](ctx context.Context, k *store.Known, topic, id string) (b T, err error) {
	r, ok, err := k.Get(ctx, topic, id)
	if err != nil {
		return b, err
	}
	if !ok {
		return b, notFound()
	}
	return b, json.Unmarshal(r.Body, &b)
}

func notFound() error {
	return fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
}

// Accounts gives the accounts that a member holds: cards first.
func (t *Teller) Accounts(ctx context.Context, memberID string) (list []Account, err error) {
	holders, err := t.Known.Of(ctx, feed.Holder, memberID, "", 100)
	if err != nil {
		return nil, err
	}
	var others []Account
	for i := len(holders) - 1; i >= 0; i-- {
		a, err := t.account(ctx, holders[i])
		if fault.Is(err, fault.NotFound) {
			continue // its holder came before it
		}
		if err != nil {
			return nil, err
		}
		if a.Card() {
			list = append(list, a)
		} else {
			others = append(others, a)
		}
	}
	return append(list, others...), nil
}

// Open gives the accounts that a member holds and that are not closed.
func (t *Teller) Open(ctx context.Context, memberID string) ([]Account, error) {
	list, err := t.Accounts(ctx, memberID)
	return slices.DeleteFunc(list, func(a Account) bool { return a.Status == "closed" }), err
}

// Figures gives the posted balances of those accounts that core's own ledger
// keeps, as core does of its own answers; nil where one of them is not known.
func Figures(list []Account) journey.Figures {
	f := journey.Figures{}
	for _, a := range list {
		if !a.Local {
			continue
		}
		if a.Balance == nil || a.Balance.Posted == nil {
			return nil
		}
		f[a.ID] = a.Balance.Posted.Minor
	}
	return f
}

// Account gives one that the member holds; any other is not found.
func (t *Teller) Account(ctx context.Context, memberID, id string) (Account, error) {
	holders, err := t.Known.ByKey(ctx, feed.Holder, id)
	if err != nil {
		return Account{}, err
	}
	for _, h := range holders {
		if h.Owner == memberID {
			return t.account(ctx, h)
		}
	}
	return Account{}, notFound()
}

func (t *Teller) account(ctx context.Context, holder store.Record) (a Account, err error) {
	var h feed.HolderBody
	if err := json.Unmarshal(holder.Body, &h); err != nil {
		return a, err
	}
	a.ID, a.Role = h.AccountID, h.Role
	if a.AccountBody, err = get[feed.AccountBody](ctx, t.Known, feed.Account, h.AccountID); err != nil {
		return a, err
	}
	b, err := get[feed.BalanceBody](ctx, t.Known, feed.Balance, h.AccountID)
	switch {
	case err == nil:
		if complete := t.AsOf(); a.Local && complete.After(b.AsOf) { // nothing has moved since, or we would know
			b.AsOf = complete
		}
		a.Balance = &b
	case !fault.Is(err, fault.NotFound):
		return a, err
	}
	a.FreezeAskedAt, err = t.Own.FreezeAsked(ctx, a.ID)
	return a, err
}

// Transaction is one movement with its id.
type Transaction struct {
	ID string
	feed.TransactionBody
}

// Transactions gives an account's latest movements, the newest first.
func (t *Teller) Transactions(ctx context.Context, memberID, accountID string) (list []Transaction, err error) {
	if _, err := t.Account(ctx, memberID, accountID); err != nil {
		return nil, err
	}
	records, err := t.Known.Of(ctx, feed.Transaction, accountID, "", feed.KeepTransactions)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		v := Transaction{ID: r.ID}
		var id struct{ ID string }
		if err := json.Unmarshal(r.Body, &v.TransactionBody); err != nil {
			return nil, err
		}
		if json.Unmarshal(r.Body, &id) == nil && id.ID != "" {
			v.ID = id.ID // as core's API shows it
		}
		list = append(list, v)
	}
	return list, nil
}

// activityItems is how many movements a dashboard shows.
const activityItems = 10

// Activity merges the newest movements of accounts that the member holds.
func (t *Teller) Activity(ctx context.Context, memberID string, accounts []Account) (all []Transaction, err error) {
	for _, a := range accounts {
		list, err := t.Transactions(ctx, memberID, a.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, list[:min(len(list), activityItems)]...)
	}
	slices.SortStableFunc(all, func(a, b Transaction) int {
		return cmp.Or(b.PostedAt.Compare(a.PostedAt), cmp.Compare(b.ID, a.ID))
	})
	return all[:min(len(all), activityItems)], nil
}

// Freeze asks for a card to be frozen.
func (t *Teller) Freeze(ctx context.Context, memberID, accountID string) (status string, err error) {
	a, err := t.Account(ctx, memberID, accountID)
	if err != nil {
		return "", err
	}
	switch {
	case !a.Card():
		return "", notFound()
	case a.Status == "frozen":
		return "frozen", nil
	case a.Status != "active":
		return "", fault.New(fault.Conflict, "account.closed", "This card is closed.")
	}
	return "requested", t.Own.Freeze(ctx, accountID, memberID, t.Now())
}

// Method is a way to pay with its id.
type Method struct {
	ID string
	feed.PaymentMethodBody
}

// Ready tells whether it can pay now.
func (m Method) Ready(now time.Time) bool {
	return m.Status == "verified" && (m.UsableFrom == nil || !now.Before(*m.UsableFrom))
}

// Methods gives the ways in which a member can pay.
func (t *Teller) Methods(ctx context.Context, memberID string) (list []Method, err error) {
	records, err := t.Known.Of(ctx, feed.PaymentMethod, memberID, "", 100)
	for _, r := range records {
		m := Method{ID: r.ID}
		if err := json.Unmarshal(r.Body, &m.PaymentMethodBody); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, err
}
