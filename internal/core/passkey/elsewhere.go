package passkey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
)

// Elsewhere is a use of a passkey that the cell's stand-in has verified, by what
// the feed had told it.
type Elsewhere struct {
	OwnerID   string
	PasskeyID string
	Count     uint32 // of the authenticator
	At        time.Time
	IP        string
}

// AcceptedElsewhereTx takes over how far the counter went in a use that the
// stand-in accepted. stands is false where its owner has no such passkey any more.
// wentBack is how often the passkey was used with a count that it had passed,
// where this is such a use: the same count was accepted here for another one, so
// two copies of the key count by themselves (WebAuthn §6.1.1); else 0.
func (s *Service) AcceptedElsewhereTx(ctx context.Context, tx *db.Tx, e Elsewhere) (stands bool, wentBack int64, err error) {
	r, err := s.usedElsewhere(ctx, tx, e)
	if err != nil || r.ID == "" {
		return false, 0, err
	}
	switch {
	case e.Count != 0 && e.Count == r.SignCount:
		return true, r.regressions + 1, s.regressElsewhere(ctx, tx, r, e)
	case e.Count < r.SignCount:
		e.Count = r.SignCount // a later use was accepted here before this one was told of
	}
	counted := e.Count != r.SignCount
	if counted {
		r.version++
	}
	r.SignCount = e.Count
	_, err = tx.Exec(ctx, `UPDATE passkey SET sign_count = $2, version = $3, last_used_at = CASE WHEN last_used_at < $4 THEN $4 ELSE last_used_at END WHERE id = $1`,
		r.ID, int64(r.SignCount), r.version, db.Micros(e.At))
	if err == nil && counted {
		err = r.changed(ctx, tx, "used")
	}
	return true, 0, err
}

// WentBackElsewhereTx stores that the stand-in refused a passkey whose counter had
// gone back, and gives how often that was so.
func (s *Service) WentBackElsewhereTx(ctx context.Context, tx *db.Tx, e Elsewhere) (times int64, err error) {
	r, err := s.usedElsewhere(ctx, tx, e)
	if err != nil || r.ID == "" {
		return 0, err
	}
	return r.regressions + 1, s.regressElsewhere(ctx, tx, r, e)
}

// usedElsewhere locks and gives the passkey of a use; a row without an id where its owner
// has no such passkey any more.
func (s *Service) usedElsewhere(ctx context.Context, tx *db.Tx, e Elsewhere) (row, error) {
	if !db.ValidID(e.PasskeyID) {
		return row{}, nil
	}
	if _, err := s.lockOwner(ctx, tx, e.OwnerID); err != nil && !errors.Is(err, db.ErrNoRows) {
		return row{}, err
	}
	r, err := s.one(ctx, tx, `p.id`, e.PasskeyID)
	if errors.Is(err, db.ErrNoRows) || err == nil && r.OwnerID != e.OwnerID {
		return row{}, nil
	}
	return r, err
}

func (s *Service) regressElsewhere(ctx context.Context, tx *db.Tx, r row, e Elsewhere) error {
	if _, err := tx.Exec(ctx, `UPDATE passkey SET regressions = regressions + 1 WHERE id = $1`, r.ID); err != nil {
		return err
	}
	return r.record(ctx, tx, "passkey.counter-back", audit.Refused, e.IP, map[string]string{
		"stored": fmt.Sprint(r.SignCount), "came": fmt.Sprint(e.Count), "by": "the stand-in", "at": e.At.UTC().Format(time.RFC3339),
	})
}
