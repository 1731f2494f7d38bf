package ledger

import (
	"context"
	"errors"
	"time"

	"standfast/internal/db"
	"standfast/internal/money"
)

// Balance gives an account's figures as of now: all that is recorded, also what
// counts only from a later time.
func (l *Ledger) Balance(ctx context.Context, accountID string) (b Balance, err error) {
	err = l.db.View(ctx, func(tx *db.Tx) error {
		a, err := readAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		b = a.balance(tx.Now)
		return nil
	})
	return b, err
}

// BalanceAt gives an account's figures as they were at an instant by the
// transfers' EffectiveAt, as far as they are known today. It costs in proportion
// to the movements since.
func (l *Ledger) BalanceAt(ctx context.Context, accountID string, at time.Time) (b Balance, err error) {
	err = l.db.View(ctx, func(tx *db.Tx) error {
		a, err := readAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		later, err := effectsFrom(ctx, tx, accountID, db.Micros(at)+1)
		if err != nil {
			return err
		}
		a.is = a.is.minus(later)
		b = a.balance(at)
		return nil
	})
	return b, err
}

func (a *account) balance(asOf time.Time) Balance {
	m := func(minor int64) money.Amount { return money.New(minor, a.currency) }
	return Balance{Posted: m(a.is.posted), PendingIn: m(a.is.in), PendingOut: m(a.is.out), Available: m(a.is.worst()), Count: a.is.count, AsOf: asOf}
}

// readAccount reads an account with what is not yet folded into it, in one
// statement: between two a fold could move a delta past the reader.
func readAccount(ctx context.Context, tx *db.Tx, id string) (*account, error) {
	if !db.ValidID(id) {
		return nil, errNoAccount()
	}
	var d sums
	a, err := scanAccount(tx.QueryRow(ctx, `SELECT `+accountColumns+`, d.* FROM ledger_account a
		LEFT JOIN (SELECT `+sumOf("posted")+`, `+sumOf("pending_in")+`, `+sumOf("pending_out")+`, `+sumOf("count")+`
			FROM ledger_delta WHERE account_id = $1) d ON TRUE
		WHERE a.id = $1`, id), &d.posted, &d.in, &d.out, &d.count)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errNoAccount()
	}
	a.is = a.was.plus(d)
	return a, err
}

// sumOf gives the SQL for an exact sum that is 0 when there are no rows.
// PostgreSQL would make it a numeric.
func sumOf(column string) string { return `CAST(COALESCE(SUM(` + column + `), 0) AS BIGINT)` }

// effectsFrom adds up what the transfers that count from an instant on did to an account.
func effectsFrom(ctx context.Context, tx *db.Tx, accountID string, from int64) (sums, error) {
	var total sums
	rows, err := tx.Query(ctx, `SELECT 0, phase, `+sumOf("amount")+`, COUNT(*) FROM ledger_transfer WHERE debit = $1 AND effective_at >= $2 GROUP BY phase
		UNION ALL SELECT 1, phase, `+sumOf("amount")+`, COUNT(*) FROM ledger_transfer WHERE credit = $1 AND effective_at >= $2 GROUP BY phase`, accountID, from)
	if err != nil {
		return total, err
	}
	defer rows.Close()
	for rows.Next() {
		var side int
		var phase Phase
		var amount, n int64
		if err := rows.Scan(&side, &phase, &amount, &n); err != nil {
			return total, err
		}
		total = total.plus(effectOnSide(side, phase, amount, n))
	}
	return total, rows.Err()
}

// effectOnSide gives what n transfers of one phase with the given total did to
// the account on their debit (0) or credit (1) side.
func effectOnSide(side int, p Phase, total, n int64) sums {
	e, credit := effects(p, total)
	if side == 1 {
		e = credit
	}
	e.count *= n
	return e
}
