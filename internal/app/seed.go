package app

import (
	"context"
	"fmt"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// person is a demo member with everything that belongs to them.
type person struct {
	member   member.Spec
	password string // "": the login is still to be claimed, as after an import
	accounts []holding
	joint    []string // refs of accounts of persons before
	// bank is a verified bank account; the end of its number steers the simulated
	// rail. Zero: none.
	bank instrument.Request
}

// holding is a demo account with its history. Amounts are minor units in the
// cell's currency, in the account's own sign.
type holding struct {
	spec    account.Spec
	balance int64 // today; the history before the lines below makes up the rest
	lines   []line
	forward string // what the history before the lines is called
}

type line struct {
	daysAgo     int
	minor       int64
	kind        string
	description string
}

func demoMembers(cell CellConfig) []DemoMember {
	var list []DemoMember
	for _, p := range demoPeople(time.Time{}, cell) {
		if !p.member.Synthetic && p.password != "" {
			list = append(list, DemoMember{p.member.Username, p.password, p.member.Region})
		}
	}
	return list
}

// SeedDemo makes the demo members that are not there yet, each in one transaction.
func SeedDemo(ctx context.Context, r *Rooms, c Config) error {
	zone, err := time.LoadLocation(c.Cell.TimeZone)
	if err != nil {
		return err
	}
	today := r.DB.Now().In(zone)
	for _, p := range demoPeople(today, c.Cell) {
		if _, err := r.Members.ByRef(ctx, p.member.Ref); err == nil {
			continue
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := r.DB.WithTx(ctx, func(tx *db.Tx) error { return r.seed(ctx, tx, p, today, c.Cell.Currency) }); err != nil {
			return fmt.Errorf("demo member %s: %w", p.member.Username, err)
		}
	}
	return nil
}

func (r *Rooms) seed(ctx context.Context, tx *db.Tx, p person, today time.Time, cur string) error {
	m, err := r.Members.Create(ctx, tx, p.member)
	if err != nil {
		return err
	}
	if p.password != "" {
		if err := r.SignIn.SetPassword(ctx, tx, m.ID, p.password); err != nil {
			return err
		}
	}
	for _, h := range p.accounts {
		a, err := r.Accounts.Open(ctx, tx, h.spec)
		if err != nil {
			return err
		}
		if err := r.Members.AddHolder(ctx, tx, m.ID, a.ID, member.Owner); err != nil {
			return err
		}
		if err := r.history(ctx, tx, a, h, today, cur); err != nil {
			return err
		}
	}
	for _, ref := range p.joint {
		a, err := r.Accounts.ByRef(ctx, ref)
		if err != nil {
			return err
		}
		if err := r.Members.AddHolder(ctx, tx, m.ID, a.ID, member.Joint); err != nil {
			return err
		}
	}
	if p.bank.Kind == "" {
		return nil
	}
	p.bank.HolderName = p.member.DisplayName
	_, _, err = r.Instruments.ImportVerified(ctx, tx, m.ID, p.bank)
	return err
}

// history posts an account's past against the demo's counterparty, as facts.
func (r *Rooms) history(ctx context.Context, tx *db.Tx, a account.Account, h holding, today time.Time, cur string) error {
	other := ledger.SystemID("demo", cur)
	if err := r.Ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: other, Currency: cur, Book: "system", Folded: true}); err != nil {
		return err
	}
	opening := h.balance
	for _, l := range h.lines {
		opening -= l.minor
	}
	lines := append([]line{{120, opening, "opening", h.forward}}, h.lines...)
	entries := make([]ledger.Entry, 0, len(lines))
	for i, l := range lines {
		if l.minor == 0 {
			continue
		}
		e := ledger.Entry{Key: fmt.Sprintf("demo:%s:%d", a.Ref, i), Debit: other, Credit: a.ID, Amount: money.New(l.minor, cur).Abs(),
			Kind: l.kind, Description: l.description, EffectiveAt: moment(today, l.daysAgo, i), Fact: true}
		if l.minor < 0 {
			e.Debit, e.Credit = a.ID, other
		}
		entries = append(entries, e)
	}
	_, err := r.Ledger.PostTx(ctx, tx, entries...)
	return err
}

// moment spreads a day's lines over the hours before now.
func moment(today time.Time, daysAgo, i int) time.Time {
	t := today.AddDate(0, 0, -daysAgo).Add(-time.Duration(i%7+1) * 47 * time.Minute)
	return t.UTC().Truncate(time.Microsecond)
}

// demoPeople gives the members of a cell's demo, as of a day.
func demoPeople(today time.Time, cell CellConfig) []person {
	c := casting{today: today, cell: cell}
	switch cell.Rules {
	case "gb":
		return c.britain()
	case "eu":
		return c.germany()
	}
	return c.america()
}

// casting makes what the members of one cell have.
type casting struct {
	today time.Time
	cell  CellConfig
}

func (c casting) day(n int) string { return c.today.AddDate(0, 0, n).Format(time.DateOnly) }

func (c casting) amount(minor int64) *money.Amount {
	a := money.New(minor, c.cell.Currency)
	return &a
}

func (c casting) card(ref, name, last4 string, limit, statement, minimum int64, due int) account.Spec {
	return account.Spec{Ref: ref, Name: name, Last4: last4, Kind: account.Card, Currency: c.cell.Currency, CreditLimit: c.amount(limit),
		StatementBalance: c.amount(statement), MinimumDue: c.amount(minimum), DueOn: c.day(due), OpenedOn: c.day(-900), ExpiresOn: c.day(700)}
}

func (c casting) savings(ref, name, last4 string, bp int64) account.Spec {
	return account.Spec{Ref: ref, Name: name, Last4: last4, Kind: account.Savings, Currency: c.cell.Currency, RateBP: &bp, OpenedOn: c.day(-600)}
}

func (c casting) who(name, display, locale, phone string) member.Spec {
	return member.Spec{Ref: "demo-" + name, Username: name, DisplayName: display, Email: name + "@example.com", Phone: phone, Locale: locale, Region: c.cell.Rules}
}

// probe is the synthetic member of the cell's journeys.
func (c casting) probe(forward string, bank instrument.Request) person {
	probe := c.who("probe", "Journey Probe", c.cell.Locales[0], "")
	probe.Synthetic = true
	return person{member: probe, password: "signal-tower-probe-1", bank: bank, accounts: []holding{
		{spec: c.card("demo-card-0001", "Everyday Card", "0001", 100000, 2500, 2500, 15), balance: -2500, forward: forward},
		{spec: c.savings("demo-savings-0001", "High Yield Savings", "0002", 370), balance: 10000, forward: forward},
	}}
}
