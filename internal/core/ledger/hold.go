package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// SettleTx posts a hold. transferID is the hold's, effectiveAt when the money
// counts (zero for now). A hold is settled or voided once: another key after that
// is ledger.already-resolved, the same key gives the first answer.
func (l *Ledger) SettleTx(ctx context.Context, tx *db.Tx, key, transferID string, effectiveAt time.Time) (Transfer, error) {
	return l.endTx(ctx, tx, Settle, key, transferID, effectiveAt)
}

// VoidTx gives a hold up: what it reserved is available again.
func (l *Ledger) VoidTx(ctx context.Context, tx *db.Tx, key, transferID string, effectiveAt time.Time) (Transfer, error) {
	return l.endTx(ctx, tx, Void, key, transferID, effectiveAt)
}

// ReverseTx undoes a posted transfer, or a settled hold, named by the id of the
// hold or of its settlement, with a transfer the other way. Floors and ceilings
// do not stop it: the money has gone.
func (l *Ledger) ReverseTx(ctx context.Context, tx *db.Tx, key, transferID string, effectiveAt time.Time) (Transfer, error) {
	return l.endTx(ctx, tx, Reverse, key, transferID, effectiveAt)
}

func (l *Ledger) endTx(ctx context.Context, tx *db.Tx, p Phase, key, transferID string, effectiveAt time.Time) (Transfer, error) {
	r, err := newResolution(p, key, transferID, effectiveAt)
	if err != nil {
		return Transfer{}, err
	}
	list, err := l.applyAll(ctx, tx, []request{r})
	if err != nil {
		return Transfer{}, err
	}
	return list[0], nil
}

// expiryBatch is how many holds one commit of ExpireHolds ends.
const expiryBatch = 200

// ExpireHolds voids the holds whose time is over and tells how many it voided.
// Run calls it; several processes may at once, because a void's key follows from
// its hold.
func (l *Ledger) ExpireHolds(ctx context.Context) (voided int, err error) {
	for {
		n, err := l.expireSome(ctx)
		voided += n
		if err != nil || n < expiryBatch {
			return voided, err
		}
	}
}

func (l *Ledger) expireSome(ctx context.Context) (voided int, err error) {
	err = l.db.WithTx(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT transfer_id FROM ledger_expiry WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2`, db.Micros(tx.Now), expiryBatch)
		ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		if err != nil || len(ids) == 0 {
			return err
		}
		voided, err = l.expire(ctx, tx, ids)
		return err
	})
	return voided, err
}

func (l *Ledger) expire(ctx context.Context, tx *db.Tx, ids []string) (voided int, err error) {
	requests := make([]request, len(ids))
	for i, id := range ids {
		if requests[i], err = newResolution(Void, "expired/"+id, id, time.Time{}); err != nil {
			return 0, err
		}
	}
	verdicts, err := l.apply(ctx, tx, requests)
	for i, v := range verdicts {
		if v.err == nil {
			voided++
		} else if f, ok := errors.AsType[*fault.Error](v.err); ok {
			l.log.Warn("a hold could not be voided at its end", "transfer", ids[i], "code", f.Code)
		}
	}
	return voided, err
}
