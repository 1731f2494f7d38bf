package signin

import (
	"context"

	"standfast/internal/core/audit"
	"standfast/internal/db"
)

// What the link of a notice can still do.
const (
	StopOpen = "open" // nothing was set yet: it stops
	StopUndo = "undo" // the new password was set within the caution: it ends what was let in
	StopOver = "over" // too late, or nothing is under way
	StopDone = "done" // it was used
)

// AssistedByLink tells what a notice's link can still do. Errors: NotFound for a
// token that is none of ours.
func (s *Service) AssistedByLink(ctx context.Context, token string) (can string, err error) {
	id, ok := s.readAssistedToken(token)
	if !ok {
		return "", noStop()
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, _, can, err = s.stoppable(ctx, tx, id)
		return err
	})
	return can, err
}

// stoppable locks a claim and tells what its link can do.
func (s *Service) stoppable(ctx context.Context, tx *db.Tx, id string) (cl claim, a assistance, can string, err error) {
	if cl, err = lockClaim(ctx, tx, id); err == nil {
		a, err = readAssistance(ctx, tx, id)
	}
	if err == db.ErrNoRows {
		if err := s.db.Sound(ctx); err != nil { // a link is not refused by a database that has lost its rows
			return cl, a, "", err
		}
		return cl, a, "", noStop()
	}
	switch {
	case err != nil:
	case !a.stoppedAt.IsZero():
		can = StopDone
	case cl.endedAt.IsZero() && tx.Now.Before(cl.expiresAt):
		can = StopOpen
	case cl.outcome == claimDone && tx.Now.Before(cl.endedAt.Add(s.conf.CautionFor)):
		can = StopUndo
	default:
		can = StopOver
	}
	return cl, a, can, err
}

// StopAssisted stops what a notice's link is about, and gives what it could do: the
// same link again changes nothing. Before the new password was set nothing comes of
// the claim. Afterwards, for the time of the caution, whoever was let in is put out:
// no password opens the account, sessions, devices and factors that were made since
// end, and the contacts are again what they were. Errors: NotFound.
func (s *Service) StopAssisted(ctx context.Context, token string, c Client) (did string, err error) {
	id, ok := s.readAssistedToken(token)
	if !ok {
		return "", noStop()
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, a, can, err := s.stoppable(ctx, tx, id)
		did = can
		if err != nil || can != StopOpen && can != StopUndo {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE assistance SET stopped_at = $2 WHERE claim_id = $1`, id, db.Micros(tx.Now)); err != nil {
			return err
		}
		if can == StopOpen {
			err = cl.end(ctx, tx, claimStopped)
		} else {
			err = s.putOut(ctx, tx, cl, a, c)
		}
		if err != nil {
			return err
		}
		if err := s.tellAssisted(ctx, tx, cl, "assisted-stopped", []Contacts{a.old}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", Action: "signin.assisted-stopped", Object: "claim", ObjectID: id, Outcome: audit.OK, From: c.IP,
			Details: map[string]string{"when": can}})
	})
	return did, err
}

// putOut ends all that a completed claim has let in.
func (s *Service) putOut(ctx context.Context, tx *db.Tx, cl claim, a assistance, c Client) error {
	if err := s.store(ctx, tx, cl.memberID, nobodysHash(s.conf.Hash), "member"); err != nil {
		return err
	}
	if err := s.revokeAll(ctx, tx, cl.memberID, "assisted-stopped", true, c); err != nil {
		return err
	}
	if err := s.endLost(ctx, tx, cl.memberID, Lost(), cl.endedAt, c); err != nil {
		return err
	}
	if a.New == (Contacts{}) {
		return nil
	}
	return s.reachBy(ctx, tx, cl.memberID, a.old, c)
}
