package account

import (
	"cmp"
	"context"
	"time"
	"unicode"
	"unicode/utf8"

	"standfast/internal/core/ledger"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Book is the ledger's book of members' accounts.
const Book = "members"

// Limits of what an account may carry.
const (
	maxRef    = 64
	maxName   = 100
	maxRateBP = 100_000 // 1,000 % a year
)

// maxMinor bounds every amount of an account: ten trillion units of two
// decimals. More is a mistake of whoever sent it.
const maxMinor = 1_000_000_000_000_000

// Opened is what became of one Spec of OpenAll.
type Opened struct {
	Account Account
	Err     error // why no account was opened
}

// Open opens an account in the caller's transaction, and its ledger account of
// the same id where our ledger keeps it. A reference in use is a fault.Conflict,
// a broken rule a fault.Invalid that names the field of Spec as an import file does.
func (s *Service) Open(ctx context.Context, tx *db.Tx, spec Spec) (Account, error) {
	list, err := s.OpenAll(ctx, tx, []Spec{spec})
	if err != nil {
		return Account{}, err
	}
	return list[0].Account, list[0].Err
}

// OpenAll is Open for many, in a few statements for all of them. Each spec has a
// result of its own, in the order of specs; one that is refused leaves the others.
func (s *Service) OpenAll(ctx context.Context, tx *db.Tx, specs []Spec) ([]Opened, error) {
	list := make([]Opened, len(specs))
	for i, spec := range specs {
		list[i].Account, list[i].Err = s.fromSpec(spec)
	}
	used, err := refsInUse(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	var opened []Account
	for i := range list {
		o := &list[i]
		if o.Err == nil && used[o.Account.Ref] {
			*o = Opened{Err: fault.New(fault.Conflict, "account.ref-taken", "There is an account with this reference already.")}
		}
		if o.Err == nil {
			used[o.Account.Ref] = true
			opened = append(opened, o.Account)
		}
	}
	return list, s.add(ctx, tx, opened)
}

// add writes new accounts, those that our ledger keeps also there, and publishes them.
func (s *Service) add(ctx context.Context, tx *db.Tx, accounts []Account) error {
	var ours []ledger.AccountSpec
	changes := make([]outbox.Change, len(accounts))
	for i, a := range accounts {
		if a.Source == LedgerSource {
			ours = append(ours, ledger.AccountSpec{ID: a.ID, Currency: a.Currency, Book: Book, Floor: floor(a)})
		}
		changes[i] = outbox.Change{Entity: "account", EntityID: a.ID, Kind: "opened", Version: a.Version, Payload: a}
	}
	if err := insert(ctx, tx, accounts); err != nil {
		return err
	}
	if err := s.ledger.OpenAccounts(ctx, tx, ours); err != nil {
		return err
	}
	return outbox.Append(ctx, tx, changes...)
}

func (s *Service) fromSpec(p Spec) (Account, error) {
	p.Source = cmp.Or(p.Source, LedgerSource)
	if bad := s.check(p); len(bad) > 0 {
		return Account{}, fault.InvalidFields(bad...)
	}
	a := Account{ID: db.NewID(), Ref: p.Ref, Kind: p.Kind, Currency: p.Currency, Name: p.Name, Last4: p.Last4, Status: Active,
		Source: p.Source, CreditLimit: p.CreditLimit, StatementBalance: p.StatementBalance, MinimumDue: p.MinimumDue,
		DueOn: p.DueOn, OpenedOn: p.OpenedOn, ExpiresOn: p.ExpiresOn, RateBP: p.RateBP, Version: 1}
	if a.Name == "" {
		a.Name = map[string]string{Card: "Card", Savings: "Savings"}[a.Kind]
	}
	return a, nil
}

// floor is how far an account may fall: a card to its credit limit, savings to nothing.
func floor(a Account) *int64 {
	var least int64
	if a.Kind == Card && a.CreditLimit != nil {
		least = -a.CreditLimit.Minor
	}
	return &least
}

func (s *Service) check(p Spec) (bad []fault.Field) {
	rule := func(ok bool, field, code, message string) {
		if !ok {
			bad = append(bad, fault.Field{Location: field, Code: code, Message: message})
		}
	}
	rule(plain(p.Ref, 1, maxRef), "account_ref", "account.ref", "A reference has 1 to 64 characters.")
	rule(p.Kind == Card || p.Kind == Savings, "kind", "account.kind", "The kind is card or savings.")
	_, err := money.Digits(p.Currency)
	rule(err == nil, "currency", "account.currency", "The currency is a code of ISO 4217, as USD.")
	rule(plain(p.Name, 0, maxName), "name", "account.name", "A name has at most 100 characters.")
	rule(p.Last4 == "" || len(p.Last4) == 4 && plain(p.Last4, 4, 4), "card_last4", "account.last4", "The last four are four characters.")
	rule(s.gates[p.Source] != nil, "source", "account.source", "The source is one of the cell's configuration.")
	rule(p.Kind == Card || p.CreditLimit == nil, "credit_limit", "account.limit-not-card", "Only a card has a credit limit.")
	rule(within(p.CreditLimit, p.Currency, 0), "credit_limit", "account.limit", "A credit limit is an amount of the account's currency and not negative.")
	rule(within(p.StatementBalance, p.Currency, -maxMinor), "statement_balance", "account.statement", "A statement balance is an amount of the account's currency.")
	rule(within(p.MinimumDue, p.Currency, 0), "minimum_due", "account.minimum-due", "A minimum due is an amount of the account's currency and not negative.")
	rule(date(p.DueOn), "due_on", "date", dateRule)
	rule(date(p.OpenedOn), "opened_on", "date", dateRule)
	rule(date(p.ExpiresOn), "card_expires", "date", dateRule)
	rule(p.RateBP == nil || *p.RateBP >= 0 && *p.RateBP <= maxRateBP, "rate_bp", "account.rate", "A rate is 0 to 100000 basis points.")
	return bad
}

const dateRule = "A date is a day of the calendar, as 2026-03-31."

func within(a *money.Amount, currency string, least int64) bool {
	return a == nil || a.Currency == currency && a.Minor >= least && a.Minor <= maxMinor
}

func date(s string) bool {
	if s == "" {
		return true
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// plain tells whether s is valid UTF-8 of least to most characters that can be
// seen. Control and formatting characters are refused, such as those that turn
// the direction of what follows; the two joiners that some scripts need are not.
func plain(s string, least, most int) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	n := 0
	for _, r := range s {
		if !unicode.IsGraphic(r) && r != nonJoiner && r != joiner {
			return false
		}
		n++
	}
	return utf8.ValidString(s) && n >= least && n <= most
}
