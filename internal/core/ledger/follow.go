package ledger

import (
	"context"
	"database/sql"
	"time"

	"standfast/internal/db"
)

// Numbered is a numbered batch with what its transfers touched.
type Numbered struct {
	Seq   int64
	At    time.Time
	Count int64 // transfers
	Legs  []Leg
}

// Leg is one side of a transfer, or of the hold that it ended.
type Leg struct {
	AccountID, TransferID string
	Dated                 bool // the transfer counts from another time than it was recorded: balances after others have changed with it
}

// NumberedTx gives batches from just behind a number: at least one while there is
// one, and no more than hold about limit transfers.
func (l *Ledger) NumberedTx(ctx context.Context, tx *db.Tx, after int64, limit int) ([]Numbered, error) {
	type batch struct {
		Numbered
		id string
	}
	rows, err := tx.Query(ctx, `SELECT seq, id, recorded_at, count FROM ledger_batch WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (b batch, err error) {
		var at int64
		err = r.Scan(&b.Seq, &b.id, &at, &b.Count)
		b.At = db.FromMicros(at)
		return b, err
	})
	if err != nil {
		return nil, err
	}
	var all []Numbered
	var n int64
	for _, b := range list {
		if n += b.Count; len(all) > 0 && n > int64(limit) {
			break
		}
		if b.Legs, err = legs(ctx, tx, b.id, b.Count); err != nil {
			return nil, err
		}
		all = append(all, b.Numbered)
	}
	return all, nil
}

// legs reads what a batch touched, in its order. A transfer that ends a hold
// touches the hold too.
func legs(ctx context.Context, tx *db.Tx, batch string, count int64) ([]Leg, error) {
	rows, err := tx.Query(ctx, `SELECT id, debit, credit, COALESCE(CAST(resolves AS TEXT), ''), effective_at <> recorded_at FROM ledger_transfer WHERE id >= $1 AND id <= $2 ORDER BY id`,
		transferID(batch, 1), transferID(batch, int(count)))
	var all []Leg
	_, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) {
		var debit, credit, resolves string
		var dated bool
		err = r.Scan(&id, &debit, &credit, &resolves, &dated)
		all = append(all, Leg{debit, id, dated}, Leg{credit, id, dated})
		if resolves != "" {
			all = append(all, Leg{debit, resolves, false}, Leg{credit, resolves, false})
		}
		return id, err
	})
	return all, err
}
