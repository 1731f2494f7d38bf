package app

import (
	"context"
	"slices"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/feed"
	"standfast/internal/core/ledger"
	"standfast/internal/core/outbox"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
	"standfast/internal/money"
)

// recentTransactions is how many of an account's transactions readers have.
const recentTransactions = 50

func (r *Rooms) publishedAccounts(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	list, err := r.Accounts.AccountsTx(ctx, tx, ids)
	all := make(map[string]any, len(list))
	for _, a := range list {
		all[a.ID] = a.Published()
	}
	return all, err
}

// balance is an account's money as readers know it.
type balance struct {
	Posted     money.Amount `json:"posted"`
	Pending    money.Amount `json:"pending"` // in less out
	PendingIn  money.Amount `json:"pending_in"`
	PendingOut money.Amount `json:"pending_out"`
	Available  money.Amount `json:"available"`
	AsOf       string       `json:"as_of"`
}

func balanceOf(b account.Balance) balance {
	return balance{Posted: b.Balance, Pending: money.New(b.PendingIn.Minor-b.PendingOut.Minor, b.Balance.Currency),
		PendingIn: b.PendingIn, PendingOut: b.PendingOut, Available: b.Available, AsOf: feed.Instant(b.AsOf)}
}

// publishedBalances gives balances: our ledger's as they are, others as last known.
func (r *Rooms) publishedBalances(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	list, err := r.Accounts.AccountsTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	local, err := r.Ledger.BalancesTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	known, err := r.Accounts.LastKnownTx(ctx, tx, ids)
	all := make(map[string]any, len(list))
	for _, a := range list {
		if b, ours := local[a.ID]; ours && a.Source == account.LedgerSource {
			all[a.ID] = balanceOf(ledgersource.Shown(a, b))
		} else if k := known[a.ID]; k.Balance != nil {
			all[a.ID] = balanceOf(*k.Balance)
		}
	}
	return all, err
}

// transaction is one movement as readers know it.
type transaction struct {
	ID           string        `json:"id"`
	AccountID    string        `json:"account_id"`
	PostedAt     string        `json:"posted_at"`
	Amount       money.Amount  `json:"amount"`
	Kind         string        `json:"kind"`
	Description  string        `json:"description"`
	Status       string        `json:"status"`
	BalanceAfter *money.Amount `json:"balance_after"`
}

func transactionOf(t account.Transaction) transaction {
	return transaction{ID: t.ID, AccountID: t.AccountID, PostedAt: feed.Instant(t.PostedAt), Amount: t.Amount, Kind: t.Kind,
		Description: t.Description, Status: t.Status, BalanceAfter: t.BalanceAfter}
}

// publishedTransactions gives those of ids that are among their account's newest.
func (r *Rooms) publishedTransactions(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	accounts := make([]string, len(ids))
	wanted := make(map[string]bool, len(ids))
	for i, id := range ids {
		accounts[i], wanted[id] = accountOf(id), true
	}
	recent, err := r.recent(ctx, tx, accounts)
	all := map[string]any{}
	for _, t := range recent {
		if id := t.AccountID + "/" + t.ID; wanted[id] {
			all[id] = transactionOf(t)
		}
	}
	return all, err
}

// transactionIDs lists the newest transactions of accounts, from just behind an
// account; those of one account are never apart.
func (r *Rooms) transactionIDs(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	for last := accountOf(after); ; {
		accounts, err := r.Accounts.IDsTx(ctx, tx, last, max(1, limit/recentTransactions))
		if err != nil || len(accounts) == 0 {
			return nil, err
		}
		list, err := r.recent(ctx, tx, accounts)
		if err != nil || len(list) > 0 {
			return transactionNames(list), err
		}
		last = accounts[len(accounts)-1] // accounts on which nothing has moved yet
	}
}

func transactionNames(list []account.Transaction) []string {
	ids := make([]string, len(list))
	for i, t := range list {
		ids[i] = t.AccountID + "/" + t.ID
	}
	return ids
}

// recent gives the newest transactions of accounts, account by account in the order of their ids.
func (r *Rooms) recent(ctx context.Context, tx *db.Tx, ids []string) ([]account.Transaction, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	accounts, err := r.Accounts.AccountsTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(accounts, func(a, b account.Account) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	known, err := r.Accounts.LastKnownTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var all []account.Transaction
	for _, a := range accounts {
		if a.Source != account.LedgerSource {
			items := known[a.ID].Items
			all = append(all, items[:min(len(items), recentTransactions)]...)
			continue
		}
		postings, err := r.Ledger.PostingsTx(ctx, tx, a.ID, recentTransactions)
		if err != nil {
			return nil, err
		}
		for _, p := range postings {
			all = append(all, ledgersource.Transaction(a.ID, p))
		}
	}
	return all, nil
}

// touchedElsewhere: something newer is known of an account in an issuer's system.
func (r *Rooms) touchedElsewhere(ctx context.Context, at feed.Reading, row outbox.Record) ([]feed.Ref, error) {
	list, err := r.recent(ctx, at.Tx, []string{row.EntityID})
	return append([]feed.Ref{{Topic: topicBalance, ID: row.EntityID}}, refsOf(topicTransaction, transactionNames(list))...), err
}

// batches says what the ledger's batches changed of members' accounts.
func (r *Rooms) batches(ctx context.Context, at feed.Reading, after int64, limit int) ([]feed.Batch, error) {
	list, err := r.Ledger.NumberedTx(ctx, at.Tx, after, limit)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ours, err := r.membersAccounts(ctx, at.Tx, list)
	if err != nil {
		return nil, err
	}
	all := make([]feed.Batch, len(list))
	for i, b := range list {
		all[i] = feed.Batch{Seq: b.Seq, At: b.At, Count: b.Count}
		if all[i].Refs, err = r.moved(ctx, at.Tx, b.Legs, ours); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// membersAccounts tells which of the accounts in batches are members', not the house's.
func (r *Rooms) membersAccounts(ctx context.Context, tx *db.Tx, list []ledger.Numbered) (map[string]bool, error) {
	var ids []string
	for _, b := range list {
		for _, l := range b.Legs {
			ids = append(ids, l.AccountID)
		}
	}
	accounts, err := r.Accounts.AccountsTx(ctx, tx, slices.Compact(slices.Sorted(slices.Values(ids))))
	ours := make(map[string]bool, len(accounts))
	for _, a := range accounts {
		ours[a.ID] = true
	}
	return ours, err
}

// moved gives what a batch's legs changed. A transfer of another date moves the
// balances behind all that came after it, so that account's list is read anew.
func (r *Rooms) moved(ctx context.Context, tx *db.Tx, legs []ledger.Leg, ours map[string]bool) ([]feed.Ref, error) {
	var refs []feed.Ref
	var anew []string
	for _, l := range legs {
		if !ours[l.AccountID] {
			continue
		}
		refs = append(refs, feed.Ref{Topic: topicBalance, ID: l.AccountID})
		if l.Dated {
			anew = append(anew, l.AccountID)
			continue
		}
		refs = append(refs, feed.Ref{Topic: topicTransaction, ID: l.AccountID + "/" + l.TransferID})
	}
	if len(anew) == 0 {
		return refs, nil
	}
	list, err := r.recent(ctx, tx, anew)
	return append(refs, refsOf(topicTransaction, transactionNames(list))...), err
}

// publishedMethods gives payment methods, and from when on those pay that wait.
func (r *Rooms) publishedMethods(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	list, err := r.Instruments.MethodsTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	members := make([]string, len(list))
	for i, m := range list {
		members[i] = m.MemberID
	}
	cautions, err := r.SignIn.CautionsTx(ctx, tx, members)
	all := make(map[string]any, len(list))
	for _, m := range list {
		p := method{MemberID: m.MemberID, Kind: m.Kind, Display: m.Display, Status: string(m.Status)}
		if from := cautions[m.MemberID].PaysFrom(m.CreatedAt, time.Time{}); !from.IsZero() {
			at := feed.Instant(from)
			p.UsableFrom = &at
		}
		all[m.ID] = p
	}
	return all, err
}

// method is a payment method as readers know it.
type method struct {
	MemberID   string  `json:"member_id"`
	Kind       string  `json:"kind"`
	Display    string  `json:"display"`
	Status     string  `json:"status"`
	UsableFrom *string `json:"usable_from"` // null: now
}
