package scenario

import (
	"context"
	"fmt"
	"time"

	"standfast/internal/app"
	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/money"
)

// What every made-up member has. The money is enough for any game day.
const (
	password = "gameday lantern harbor 42"
	owed     = 900_000_00
	saved    = 500_000_00
)

// person is a made-up member.
type person struct {
	id              string
	username, email string
	currency        string
	number          string // for text messages
	card, savings   string // ids of accounts
	method          string // id of a verified bank account
	farCard         string // ids of accounts in the issuer's own systems, where there are such
	farSavings      string
}

// casting says which members are made.
type casting struct {
	members int
	far     bool   // they have accounts in the issuer's own systems too
	stands  bool   // what they pay is to stand; else they are synthetic, whose payments are undone after a minute
	dueOn   string // business date by which their cards' minimum is due; "" for none
}

// castMembers makes members with a card, savings and a verified bank account, each
// in a transaction.
func castMembers(ctx context.Context, r *app.Rooms, h home, c casting) ([]person, error) {
	list := make([]person, c.members)
	for i := range list {
		err := r.DB.WithTx(ctx, func(tx *db.Tx) (err error) {
			list[i], err = castMember(ctx, r, tx, h, i, c)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func castMember(ctx context.Context, r *app.Rooms, tx *db.Tx, h home, i int, c casting) (p person, err error) {
	name := fmt.Sprintf("gameday%d", i)
	p.username, p.email, p.number, p.currency = name, name+h.mail, fmt.Sprintf(h.number, i), h.currency
	m, err := r.Members.Create(ctx, tx, member.Spec{Ref: name, Username: name, DisplayName: "Gameday " + name, Email: p.email,
		Phone: p.number, Locale: h.locale, Region: h.cell, Synthetic: !c.stands})
	if err != nil {
		return p, err
	}
	p.id = m.ID
	if err := r.SignIn.SetPassword(ctx, tx, m.ID, password); err != nil {
		return p, err
	}
	limit := money.New(10*owed, h.currency)
	card := account.Spec{Ref: name + "-card", Name: "Everyday Card", Last4: "4242", Kind: account.Card, Currency: h.currency, CreditLimit: &limit}
	if c.dueOn != "" {
		least := money.New(oneDollar, h.currency)
		card.DueOn, card.MinimumDue = c.dueOn, &least
	}
	if p.card, err = openAccount(ctx, r, tx, m.ID, card, -owed); err != nil {
		return p, err
	}
	if p.savings, err = openAccount(ctx, r, tx, m.ID, account.Spec{Ref: name + "-savings", Name: "Savings", Last4: "1234", Kind: account.Savings, Currency: h.currency}, saved); err != nil {
		return p, err
	}
	if c.far {
		if err := p.openFar(ctx, r, tx, m.ID); err != nil {
			return p, err
		}
	}
	bank := h.bank(i)
	bank.Kind, bank.HolderName = instrument.KindBankAccount, m.DisplayName
	method, _, err := r.Instruments.ImportVerified(ctx, tx, m.ID, bank)
	p.method = method.ID
	return p, err
}

// openFar opens a card and savings that the issuer's own systems hold.
func (p *person) openFar(ctx context.Context, r *app.Rooms, tx *db.Tx, memberID string) error {
	limit := money.New(farLimit, p.currency)
	for _, o := range []struct {
		id   *string
		spec account.Spec
	}{
		{&p.farCard, account.Spec{Ref: p.username + farCards, Source: farCards, Name: "Travel Card", Last4: "4343", Kind: account.Card, CreditLimit: &limit}},
		{&p.farSavings, account.Spec{Ref: p.username + farSavings, Source: farSavings, Name: "Far Savings", Last4: "1235", Kind: account.Savings}},
	} {
		o.spec.Currency, o.spec.OpenedOn = p.currency, "2020-01-02"
		a, err := r.Accounts.Open(ctx, tx, o.spec)
		if err != nil {
			return err
		}
		if err := r.Members.AddHolder(ctx, tx, memberID, a.ID, member.Owner); err != nil {
			return err
		}
		*o.id = a.ID
	}
	return nil
}

// openAccount opens an account with an opening balance and gives its id.
func openAccount(ctx context.Context, r *app.Rooms, tx *db.Tx, memberID string, spec account.Spec, minor int64) (string, error) {
	spec.OpenedOn = "2020-01-02"
	a, err := r.Accounts.Open(ctx, tx, spec)
	if err != nil {
		return "", err
	}
	if err := r.Members.AddHolder(ctx, tx, memberID, a.ID, member.Owner); err != nil {
		return "", err
	}
	world := ledger.SystemID("gameday", spec.Currency)
	if err := r.Ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: world, Currency: spec.Currency, Book: "system", Folded: true}); err != nil {
		return "", err
	}
	e := ledger.Entry{Key: "gameday:" + spec.Ref, Debit: world, Credit: a.ID, Amount: money.New(minor, spec.Currency).Abs(),
		Kind: "opening", Description: "Balance brought forward", EffectiveAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Fact: true}
	if minor < 0 {
		e.Debit, e.Credit = a.ID, world
	}
	_, err = r.Ledger.PostTx(ctx, tx, e)
	return a.ID, err
}
