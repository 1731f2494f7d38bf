package importer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

type accountRow struct {
	reference
	member string
	spec   account.Spec
}

var accountLayout = layout{
	required: []string{"account_ref", "member_ref", "kind", "currency", "opened_on", "credit_limit"},
	optional: []string{"card_last4", "card_expires", "statement_balance", "minimum_due", "due_on", "name", "source", "rate_bp"},
}

func (r *run) accounts(ctx context.Context, path string) (FileSummary, error) {
	return load(ctx, r, path, stage[accountRow]{layout: accountLayout, batch: peopleBatch, decode: decodeAccount, apply: r.addAccounts})
}

func decodeAccount(w row) (accountRow, error) {
	p := account.Spec{Ref: w.get("account_ref"), Kind: w.get("kind"), Currency: w.get("currency"), OpenedOn: w.get("opened_on"),
		Last4: w.get("card_last4"), DueOn: w.get("due_on"), Name: w.get("name"), Source: w.get("source")}
	a := accountRow{member: w.get("member_ref")}
	contents := []string{a.member}
	for _, column := range slices.Concat(accountLayout.required, accountLayout.optional) {
		contents = append(contents, w.get(column))
	}
	var errs [5]error
	p.CreditLimit, errs[0] = optionalAmount(w, "credit_limit", p.Currency)
	p.StatementBalance, errs[1] = optionalAmount(w, "statement_balance", p.Currency)
	p.MinimumDue, errs[2] = optionalAmount(w, "minimum_due", p.Currency)
	p.ExpiresOn, errs[3] = expiry(w.get("card_expires"))
	p.RateBP, errs[4] = optionalNumber(w, "rate_bp")
	if p.Ref == "" {
		return a, invalid("account_ref", "A reference has 1 to 64 characters.")
	}
	a.spec, a.reference = p, newReference(p.Ref, contents...)
	return a, cmp.Or(errs[0], errs[1], errs[2], errs[3], errs[4])
}

func invalid(column, message string) error {
	return fault.InvalidField(column, "import."+column, message)
}

func optionalAmount(w row, column, currency string) (*money.Amount, error) {
	text := w.get(column)
	if text == "" {
		return nil, nil
	}
	a, err := money.Parse(text, currency)
	if err != nil {
		return nil, invalid(column, amountRule(err))
	}
	return &a, nil
}

// amountRule makes a sentence of one of money's errors.
func amountRule(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func optionalNumber(w row, column string) (*int64, error) {
	text := w.get(column)
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, invalid(column, "This is a whole number.")
	}
	return &n, nil
}

// expiry reads the last day of a card: a date, or a month as cards show it
// (08/27) or as ISO 8601 writes it (2027-08), which is good to its last day.
func expiry(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return s, nil
	}
	for _, form := range []string{"01/06", "01/2006", "2006-01"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.AddDate(0, 1, -1).Format(time.DateOnly), nil
		}
	}
	return "", invalid("card_expires", "The expiry is a month, as 08/27, or a date, as 2027-08-31.")
}

func (r *run) addAccounts(ctx context.Context, batch []*item[accountRow]) error {
	members := make([]string, len(batch))
	for i, it := range batch {
		members[i] = it.value.member
	}
	owners, err := r.Members.IDsByRefs(ctx, distinct(members))
	if err != nil {
		return err
	}
	return once(ctx, r.DB, "account", batch, func(a accountRow) reference { return a.reference },
		func(tx *db.Tx, rows []accountRow) ([]outcome, error) { return r.openAccounts(ctx, tx, rows, owners) })
}

// openAccounts opens the accounts of rows, with their owners.
func (r *run) openAccounts(ctx context.Context, tx *db.Tx, rows []accountRow, owners map[string]string) ([]outcome, error) {
	outcomes := make([]outcome, len(rows))
	var specs []account.Spec
	var of []int
	for i, a := range rows {
		if _, ok := owners[a.member]; !ok {
			outcomes[i].err = unknown("member_ref", "member", a.member)
			continue
		}
		specs, of = append(specs, a.spec), append(of, i)
	}
	opened, err := r.Accounts.OpenAll(ctx, tx, specs)
	if err != nil {
		return nil, err
	}
	var shares []member.Share
	for i, o := range opened {
		if outcomes[of[i]] = (outcome{o.Account.ID, o.Err}); o.Err == nil {
			shares = append(shares, member.Share{MemberID: owners[rows[of[i]].member], AccountID: o.Account.ID, Role: member.Owner})
		}
	}
	refusals, err := r.Members.AddHolders(ctx, tx, shares)
	return outcomes, errors.Join(append(refusals, err)...)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
