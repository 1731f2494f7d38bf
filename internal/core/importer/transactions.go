package importer

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Limits of a transaction's fields, in characters, and of what is held in memory.
const (
	transactionBatch = 4_000
	maxTransaction   = 100 // of transaction_ref; the ledger's key has room for it
	maxKind          = 40
	maxDescription   = 120 // also as bytes within the ledger's 500
	maxKnown         = 500_000
	maxDays          = 100_000
)

// HistoryBook is the ledger's book of the other side of imported transactions,
// one folded account a currency.
const HistoryBook = "history"

var transactionLayout = layout{
	required: []string{"account_ref", "transaction_ref", "posted_on", "amount", "kind", "description"},
}

type transactionRow struct {
	account, ref, amount, kind, description string
	at                                      time.Time // posted_on, as its day begins
	decimals                                int
}

// target is an account that transactions go to.
type target struct {
	id, currency, history string // history is the other side
	decimals              int    // most that were seen in this run
	elsewhere             bool   // another system keeps its history
}

func (r *run) transactions(ctx context.Context, path string) (FileSummary, error) {
	return load(ctx, r, path, stage[transactionRow]{layout: transactionLayout, batch: transactionBatch, decode: r.decodeTransaction, apply: r.post})
}

func (r *run) decodeTransaction(w row) (t transactionRow, err error) {
	t = transactionRow{account: w.get("account_ref"), ref: w.get("transaction_ref"), amount: w.get("amount"), kind: w.get("kind"),
		description: oneLine(w.get("description"))}
	switch {
	case !plain(t.ref, 1, maxTransaction):
		return t, invalid("transaction_ref", "A reference has 1 to 100 characters.")
	case !plain(t.kind, 1, maxKind):
		return t, invalid("kind", "A kind has 1 to 40 characters.")
	case !plain(t.description, 0, maxDescription):
		return t, invalid("description", "A description has at most 120 characters, none of them invisible.")
	}
	if _, frac, ok := strings.Cut(t.amount, "."); ok {
		t.decimals = len(frac)
	}
	t.at, err = r.day(w.get("posted_on"))
	return t, err
}

// day gives the instant at which a business date begins in the cell's zone. It
// is only called by the one goroutine that decodes.
func (r *run) day(s string) (time.Time, error) {
	if at, ok := r.days[s]; ok {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, r.Zone)
	if err != nil || at.Year() < 1900 {
		return at, invalid("posted_on", "A date is a day of the calendar since 1900, as 2026-03-31.")
	}
	if at.After(r.DB.Now()) {
		return at, invalid("posted_on", "The day has not come yet.")
	}
	if len(r.days) >= maxDays {
		clear(r.days)
	}
	r.days[s] = at
	return at, nil
}

// oneLine makes one line of a text that has several.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\r' || c == '\t' {
			return ' '
		}
		return c
	}, s)
}

// plain tells whether s has between least and most characters, all of which can be seen.
func plain(s string, least, most int) bool {
	n := 0
	for _, c := range s {
		if !unicode.IsGraphic(c) {
			return false
		}
		n++
	}
	return n >= least && n <= most && utf8.ValidString(s)
}

// post records a batch in one transaction. What happened is a fact: no floor or
// limit refuses it. The key is the reference, so that the ledger itself knows
// what was imported before.
func (r *run) post(ctx context.Context, batch []*item[transactionRow]) error {
	if err := r.learn(ctx, batch); err != nil {
		return err
	}
	entries, of := make([]ledger.Entry, 0, len(batch)), make([]*item[transactionRow], 0, len(batch))
	finer := map[string]int{}
	currencies := map[string]bool{}
	for _, it := range batch {
		e, err := r.entry(it.value)
		if it.err = err; err != nil {
			continue
		}
		entries, of = append(entries, e), append(of, it)
		currencies[e.Amount.Currency] = true
		if a := r.known[it.value.account]; it.value.decimals > a.decimals {
			a.decimals = it.value.decimals
			r.known[it.value.account], finer[it.value.account] = a, a.decimals
		}
	}
	var results []ledger.Result
	err := r.DB.WithTx(ctx, func(tx *db.Tx) (err error) {
		if err := r.prepare(ctx, tx, currencies, finer); err != nil {
			return err
		}
		results, err = r.Ledger.PostAllTx(ctx, tx, entries)
		return err
	})
	if err != nil {
		return err
	}
	for i, result := range results {
		of[i].err, of[i].added = result.Err, result.Err == nil && !result.Replayed
		if result.Err != nil && fault.As(result.Err).Code == "ledger.key-reused" {
			of[i].err = errOtherContents
		}
		if result.Err != nil && !refused(result.Err) {
			return result.Err
		}
	}
	return nil
}

// prepare opens the other side of each currency and remembers how finely
// amounts were written.
func (r *run) prepare(ctx context.Context, tx *db.Tx, currencies map[string]bool, finer map[string]int) error {
	for currency := range currencies {
		spec := ledger.AccountSpec{ID: historyID(currency), Currency: currency, Book: HistoryBook, Folded: true}
		if err := r.Ledger.OpenAccount(ctx, tx, spec); err != nil {
			return err
		}
	}
	byDecimals := map[int][]string{}
	for ref, decimals := range finer {
		byDecimals[decimals] = append(byDecimals[decimals], ref)
	}
	for decimals, refs := range byDecimals {
		where, list := tx.In("ref", "text", 2, refs)
		if _, err := tx.Exec(ctx, `UPDATE import_row SET decimals = $1 WHERE kind = 'account' AND decimals < $1 AND `+where, decimals, list); err != nil {
			return err
		}
	}
	return nil
}

func historyID(currency string) string { return ledger.SystemID("history", currency) }

// learn looks up the accounts of a batch that are not known yet.
func (r *run) learn(ctx context.Context, batch []*item[transactionRow]) error {
	if len(r.known) > maxKnown {
		clear(r.known)
	}
	var refs []string
	for _, it := range batch {
		if _, ok := r.known[it.value.account]; !ok {
			refs = append(refs, it.value.account)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := r.Accounts.ByRefs(ctx, distinct(refs))
	for ref, a := range found {
		r.known[ref] = target{id: a.ID, currency: a.Currency, history: historyID(a.Currency), elsewhere: a.Source != account.LedgerSource}
	}
	return err
}

func (r *run) entry(t transactionRow) (ledger.Entry, error) {
	a, ok := r.known[t.account]
	if !ok {
		return ledger.Entry{}, unknown("account_ref", "account", t.account)
	}
	if a.elsewhere {
		return ledger.Entry{}, invalid("account_ref", fmt.Sprintf("The history of account %q is kept by another system.", t.account))
	}
	amount, err := money.Parse(t.amount, a.currency)
	if err != nil {
		return ledger.Entry{}, invalid("amount", amountRule(err))
	}
	e := ledger.Entry{Key: "import:" + t.ref, Debit: a.history, Credit: a.id, Amount: amount, Kind: t.kind, Description: t.description,
		Ref: t.ref, EffectiveAt: t.at, Fact: true}
	if amount.Negative() {
		e.Debit, e.Credit, e.Amount = a.id, a.history, amount.Neg()
	}
	return e, nil
}
