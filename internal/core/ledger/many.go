package ledger

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"standfast/internal/db"
	"standfast/internal/money"
)

// Interest is the Kind of entries that credit interest. It has indexes of its
// own, because every look at a savings account asks for the year's sum.
const Interest = "interest"

// Balances is Balance for many accounts in one query. Unknown accounts are left out.
func (l *Ledger) Balances(ctx context.Context, accountIDs []string) (balances map[string]Balance, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		balances, err = l.BalancesTx(ctx, tx, accountIDs)
		return err
	})
	return balances, err
}

// BalancesTx is Balances in the caller's transaction.
func (l *Ledger) BalancesTx(ctx context.Context, tx *db.Tx, accountIDs []string) (map[string]Balance, error) {
	balances := make(map[string]Balance, len(accountIDs))
	rows, err := queryMany(ctx, tx, `SELECT `+accountColumns+` FROM ledger_account a WHERE a.id IN (?)`, accountIDs)
	accounts, err := db.Collect(rows, err, func(r *sql.Rows) (*account, error) { return scanAccount(r) })
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if a.folded {
			if a, err = readAccount(ctx, tx, a.id); err != nil {
				return nil, err
			}
		}
		balances[a.id] = a.balance(tx.Now)
	}
	return balances, nil
}

// InterestSince adds up what Interest was credited to accounts from an instant
// on, less what was taken back. Accounts without any are left out.
func (l *Ledger) InterestSince(ctx context.Context, accountIDs []string, since time.Time) (earned map[string]money.Amount, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		earned = map[string]money.Amount{}
		rows, err := queryMany(ctx, tx, `SELECT id, currency, `+sumOf("amount")+` FROM (
				SELECT credit AS id, currency, amount FROM ledger_transfer WHERE credit IN (?) AND kind = 'interest' AND phase IN ('posted', 'settle', 'reverse') AND effective_at >= $2
				UNION ALL
				SELECT debit AS id, currency, -amount FROM ledger_transfer WHERE debit IN (?) AND kind = 'interest' AND phase IN ('posted', 'settle', 'reverse') AND effective_at >= $2
			) i GROUP BY id, currency`, accountIDs, db.Micros(since))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var sum money.Amount
			if err := rows.Scan(&id, &sum.Currency, &sum.Minor); err != nil {
				return err
			}
			earned[id] = sum
		}
		return rows.Err()
	})
	return earned, err
}

// queryMany runs a query whose IN (?) stands for a list of ids, which is its
// parameter $1 in each engine's own way.
func queryMany(ctx context.Context, tx *db.Tx, query string, ids []string, more ...any) (*sql.Rows, error) {
	if tx.Engine() == db.PostgreSQL {
		return tx.Query(ctx, strings.ReplaceAll(query, `IN (?)`, `= ANY($1::text[]::uuid[])`), append([]any{ids}, more...)...)
	}
	return tx.Query(ctx, strings.ReplaceAll(query, `IN (?)`, `IN (SELECT value FROM json_each($1))`), append([]any{list(ids)}, more...)...)
}
