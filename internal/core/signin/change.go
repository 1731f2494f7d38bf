package signin

import (
	"context"
	"errors"
	"time"

	"standfast/internal/db"
)

// ChangeRequest asks to alter what a member signs in with.
type ChangeRequest struct {
	Session Session
	Client  Client
	Proof   string // of a step-up; "" for none
}

// changeAfterProof is how long after a code or passkey a session may change what
// its member signs in with, without proving it again.
const changeAfterProof = 10 * time.Minute

var errNeedsProof = errors.New("signin: this change needs a proof")

// change does fn, which alters what the member signs in with, where the session
// has proved lately who is there, or q brings a proof of exactly a. Otherwise it
// is refused with a challenge bound to a (see Refusal). fn runs with the member's
// credential locked and may run more than once.
func (s *Service) change(ctx context.Context, q ChangeRequest, a Action, fn func(tx *db.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := lockCredential(ctx, tx, q.Session.MemberID); err != nil && err != db.ErrNoRows {
			return err
		}
		if err := s.permit(ctx, tx, q, a); err != nil {
			return err
		}
		return fn(tx)
	})
	return s.orStepUp(ctx, q, a, err)
}

// orStepUp turns a refusal for want of a proof into one that carries the challenge
// that leads to it, and passes every other error on. It works after the
// transaction that was refused.
func (s *Service) orStepUp(ctx context.Context, q ChangeRequest, a Action, err error) error {
	if err != errNeedsProof {
		return err
	}
	ch, err := s.StepUp(ctx, q.Session, a, q.Client)
	if err != nil {
		return err
	}
	return Refusal(ch)
}

// MayChange tells whether the session has proved lately enough who is there for
// changes of what its member signs in with.
func (s *Service) MayChange(sess Session) bool { return s.Fresh(sess, changeAfterProof) }

// permit tells whether a change may go on; errNeedsProof when it must be proved first.
func (s *Service) permit(ctx context.Context, tx *db.Tx, q ChangeRequest, a Action) error {
	switch {
	case s.MayChange(q.Session):
		return nil
	case q.Proof == "":
		return errNeedsProof
	}
	return s.Redeem(ctx, tx, q.Session, q.Proof, a)
}
