package account

import (
	"context"
	"time"

	"standfast/internal/db"
)

// MayFreeze tells whether a member may freeze a card here, with the refusals of Freeze.
func (s *Service) MayFreeze(ctx context.Context, memberID, accountID string) error {
	h, err := s.one(ctx, memberID, accountID)
	if err != nil {
		return err
	}
	return mayFreeze(h, true)
}

// FreezeSinceTx carries out, in the caller's transaction, a freeze that was asked
// for elsewhere at an instant, unless the card was frozen or released since. It
// gives the status that stands.
func (s *Service) FreezeSinceTx(ctx context.Context, tx *db.Tx, memberID, accountID string, asked time.Time) (string, error) {
	tx.AfterCommit(func() { s.facts.evict(accountID) })
	changed, err := changedSince(ctx, tx, accountID, asked)
	if err != nil {
		return "", err
	}
	if !changed {
		return s.freezeTx(ctx, tx, memberID, accountID, true, "")
	}
	var status string
	err = tx.QueryRow(ctx, `SELECT status FROM account WHERE id = $1`, accountID).Scan(&status)
	return status, err
}
