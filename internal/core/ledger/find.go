package ledger

import (
	"context"
	"errors"

	"standfast/internal/db"
)

// ByKey gives the transfer that was recorded under an idempotency key, or
// fault.NotFound.
func (l *Ledger) ByKey(ctx context.Context, key string) (t Transfer, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		found, err := scanTransfer(tx.QueryRow(ctx, `SELECT `+transferColumns+` FROM ledger_transfer t WHERE t.key = $1`, key))
		if errors.Is(err, db.ErrNoRows) {
			return errNoTransfer()
		}
		if err == nil {
			t = *found
		}
		return err
	})
	return t, err
}
