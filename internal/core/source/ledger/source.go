// Package ledgersource is the Source of the accounts that our own ledger keeps.
package ledgersource

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// parallel bounds the queries of one question.
const parallel = 4

// Source answers from a ledger. It implements account.Batch and account.InterestSource.
type Source struct{ ledger *ledger.Ledger }

var (
	_ account.Batch          = (*Source)(nil)
	_ account.InterestSource = (*Source)(nil)
)

// New makes a Source.
func New(l *ledger.Ledger) *Source { return &Source{l} }

// Balance gives an account's balance.
func (s *Source) Balance(ctx context.Context, a account.Account) (account.Balance, error) {
	b, err := s.ledger.Balance(ctx, a.ID)
	return shown(a, b), err
}

// Balances gives the balances of many accounts in one query.
func (s *Source) Balances(ctx context.Context, accounts []account.Account) (map[string]account.Balance, error) {
	found, err := s.ledger.Balances(ctx, ids(accounts))
	if err != nil {
		return nil, err
	}
	balances := make(map[string]account.Balance, len(found))
	for _, a := range accounts {
		if b, ok := found[a.ID]; ok {
			balances[a.ID] = shown(a, b)
		}
	}
	return balances, nil
}

func ids(accounts []account.Account) []string {
	list := make([]string, len(accounts))
	for i, a := range accounts {
		list[i] = a.ID
	}
	return list
}

// shown gives a balance as a member reads it. A card can spend what its limit
// leaves; history, interest and fees may go beyond it, and then nothing is left.
func shown(a account.Account, b ledger.Balance) account.Balance {
	available := b.Available.Minor
	if a.Kind == account.Card && a.CreditLimit != nil {
		available += a.CreditLimit.Minor
	}
	return account.Balance{Balance: b.Posted, Available: money.New(max(0, available), a.Currency),
		PendingOut: b.PendingOut, PendingIn: b.PendingIn, AsOf: b.AsOf}
}

// Transactions lists an account's postings.
func (s *Source) Transactions(ctx context.Context, a account.Account, q account.Query) (account.Page, error) {
	list, next, err := s.ledger.Postings(ctx, a.ID, ledger.PostingQuery{Cursor: q.Cursor, Limit: q.Limit, From: q.From, Until: q.Until, Text: q.Text, Kinds: q.Kinds})
	if fault.Is(err, fault.Invalid) {
		return account.Page{}, fault.InvalidField("query.cursor", "query.cursor", "The cursor is the next_cursor of an earlier answer.")
	}
	if err != nil {
		return account.Page{}, err
	}
	p := account.Page{Items: make([]account.Transaction, len(list)), Next: next}
	for i, posting := range list {
		p.Items[i] = transaction(a.ID, posting)
	}
	return p, nil
}

// Shown gives a ledger's balance as a member of the account reads it.
func Shown(a account.Account, b ledger.Balance) account.Balance { return shown(a, b) }

// Transaction gives a posting as a member of the account reads it.
func Transaction(accountID string, p ledger.Posting) account.Transaction {
	return transaction(accountID, p)
}

func transaction(accountID string, p ledger.Posting) account.Transaction {
	t := account.Transaction{ID: p.ID, AccountID: accountID, PostedAt: p.EffectiveAt, Amount: p.Amount, Kind: p.Kind,
		Description: p.Description, Status: string(p.Status)}
	if p.Status == ledger.StatusPosted {
		after := p.BalanceAfter
		t.BalanceAfter = &after
	}
	return t
}

// Recent gives the newest transactions over accounts.
func (s *Source) Recent(ctx context.Context, accounts []account.Account, limit int) ([]account.Transaction, error) {
	pages := make([]account.Page, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, a := range accounts {
		group.Go(func() (err error) {
			pages[i], err = s.Transactions(ctx, a, account.Query{Limit: limit})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []account.Transaction
	for _, p := range pages {
		all = append(all, p.Items...)
	}
	slices.SortStableFunc(all, func(a, b account.Transaction) int {
		return cmp.Or(b.PostedAt.Compare(a.PostedAt), cmp.Compare(b.ID, a.ID))
	})
	return all[:min(len(all), limit)], nil
}

// InterestSince gives what accounts earned since an instant, nothing included.
func (s *Source) InterestSince(ctx context.Context, accounts []account.Account, since time.Time) (map[string]money.Amount, error) {
	earned, err := s.ledger.InterestSince(ctx, ids(accounts), since)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if _, ok := earned[a.ID]; !ok {
			earned[a.ID] = money.New(0, a.Currency)
		}
	}
	return earned, nil
}
