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
	bank     string   // US account number of a verified bank account; its end steers the simulated rail
}

// holding is a demo account with its history. Amounts are minor units in the
// cell's currency, in the account's own sign.
type holding struct {
	spec    account.Spec
	balance int64 // today; the history before the lines below makes up the rest
	lines   []line
}

type line struct {
	daysAgo     int
	minor       int64
	kind        string
	description string
}

// demoRouting is a US routing number with a right check digit that the Federal
// Reserve keeps for itself, so no demo payment can name a bank.
const demoRouting = "011000015"

func demoMembers() []DemoMember {
	var list []DemoMember
	for _, p := range demoPeople(time.Time{}, "USD") {
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
	for _, p := range demoPeople(today, c.Cell.Currency) {
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
	if p.bank == "" {
		return nil
	}
	_, _, err = r.Instruments.ImportVerified(ctx, tx, m.ID, instrument.Request{Kind: instrument.KindBankAccount, Country: "US",
		RoutingNumber: demoRouting, AccountNumber: p.bank, HolderName: p.member.DisplayName})
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
	lines := append([]line{{120, opening, "opening", "Balance brought forward"}}, h.lines...)
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

func demoPeople(today time.Time, cur string) []person {
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	amount := func(minor int64) *money.Amount { a := money.New(minor, cur); return &a }
	rate := func(bp int64) *int64 { return &bp }
	card := func(ref, name, last4 string, limit, statement, minimum int64, due int) account.Spec {
		return account.Spec{Ref: ref, Name: name, Last4: last4, Kind: account.Card, Currency: cur, CreditLimit: amount(limit),
			StatementBalance: amount(statement), MinimumDue: amount(minimum), DueOn: day(due), OpenedOn: day(-900), ExpiresOn: day(700)}
	}
	savings := func(ref, name, last4 string, bp int64) account.Spec {
		return account.Spec{Ref: ref, Name: name, Last4: last4, Kind: account.Savings, Currency: cur, RateBP: rate(bp), OpenedOn: day(-600)}
	}
	who := func(name, display, locale, phone string) member.Spec {
		return member.Spec{Ref: "demo-" + name, Username: name, DisplayName: display, Email: name + "@example.com", Phone: phone, Locale: locale, Region: "us"}
	}
	robin := who("robin", "Robin Vale", "en-US", "+12025550126") // enrols by hand, see docs/development.md
	robin.BirthDate = "1979-05-16"
	robinsCard := card("demo-card-6402", "Everyday Card", "6402", 300000, 18420, 2500, 11)
	robinsCard.ExpiresOn = "2031-08-31"
	probe := who("probe", "Journey Probe", "en-US", "")
	probe.Synthetic = true
	return []person{
		{who("alex", "Alex Morgan", "en-US", "+12025550134"), "harbor-lantern-42", []holding{
			{card("demo-card-3007", "Everyday Card", "3007", 800000, 96215, 4000, 13), -128460, everydayCard},
			{savings("demo-savings-8841", "High Yield Savings", "8841", 370), 1842007, highYield},
			{savings("demo-savings-2216", "Household Savings", "2216", 310), 421550, household},
		}, nil, "000123456789"},
		{who("jamie", "Jamie Morgan", "en-US", "+12025550171"), "meadow-copper-17", []holding{
			{card("demo-card-5120", "Travel Card", "5120", 1200000, 41230, 3500, 9), -57905, travelCard},
			{savings("demo-savings-7703", "Rainy Day Savings", "7703", 370), 605018, rainyDay},
		}, []string{"demo-savings-2216"}, "000987654321"},
		{who("lena", "Lena Brandt", "de-DE", "+12025550188"), "winter-orchard-88", []holding{
			{card("demo-card-9034", "Everyday Card", "9034", 500000, 23010, 2500, 18), -31275, berlinCard},
			{savings("demo-savings-4471", "High Yield Savings", "4471", 370), 980044, rainyDay},
		}, nil, "000555666777"},
		{robin, "", []holding{
			{robinsCard, -18420, berlinCard},
			{savings("demo-savings-3058", "Rainy Day Savings", "3058", 370), 211000, rainyDay},
		}, nil, ""},
		{probe, "signal-tower-probe-1", []holding{
			{card("demo-card-0001", "Everyday Card", "0001", 100000, 2500, 2500, 15), -2500, nil},
			{savings("demo-savings-0001", "High Yield Savings", "0002", 370), 10000, nil},
		}, nil, "000111222333"},
	}
}
