package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"standfast/internal/db"
)

// foldBatch bounds the deltas that one commit takes up.
const foldBatch = 2000

// Fold adds what was appended for folded accounts to their rows and tells how
// many deltas it took up. Run calls it; several processes may at once.
func (l *Ledger) Fold(ctx context.Context) (int, error) {
	var ids []string
	err := l.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT account_id FROM ledger_delta ORDER BY account_id`)
		ids, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		return err
	})
	folded := 0
	for _, id := range ids {
		n, more := foldBatch, error(nil)
		for n == foldBatch && more == nil {
			n, more = l.foldAccount(ctx, id)
			folded += n
		}
		err = errors.Join(err, more)
	}
	return folded, err
}

// foldAccount takes up some of one account's deltas. Rows that another process
// deletes at the same time are not returned here, so none is added twice.
func (l *Ledger) foldAccount(ctx context.Context, id string) (n int, err error) {
	err = l.db.WithTx(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM ledger_delta WHERE account_id = $1 AND batch_id IN
			(SELECT batch_id FROM ledger_delta WHERE account_id = $1 ORDER BY batch_id LIMIT $2)
			RETURNING posted, pending_in, pending_out, count`, id, foldBatch)
		deltas, err := db.Collect(rows, err, func(r *sql.Rows) (d sums, err error) { return d, r.Scan(&d.posted, &d.in, &d.out, &d.count) })
		if err != nil {
			return err
		}
		var total sums
		for _, d := range deltas {
			total = total.plus(d)
		}
		n = len(deltas)
		_, err = tx.Exec(ctx, `UPDATE ledger_account SET posted = posted + $2, pending_in = pending_in + $3, pending_out = pending_out + $4, count = count + $5
			WHERE id = $1`, id, total.posted, total.in, total.out, total.count)
		return err
	})
	return n, err
}

// lease names the background work of Run.
const lease = "ledger.background"

// Run folds and ends holds every second, in one process at a time, until ctx
// ends. It then waits for entries that are under way. It gives no error.
func (l *Ledger) Run(ctx context.Context) error {
	defer l.queue.Drain()
	holder := db.NewID()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := l.background(ctx, holder); err != nil && ctx.Err() == nil {
				l.log.Error("ledger background work failed", "error", err)
			}
		}
	}
}

func (l *Ledger) background(ctx context.Context, holder string) error {
	held, err := l.db.Lease(ctx, lease, holder, 10*time.Second)
	if err != nil || !held {
		return err
	}
	_, err = l.Fold(ctx)
	_, expiry := l.ExpireHolds(ctx)
	return errors.Join(err, expiry)
}
