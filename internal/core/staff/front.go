package staff

import (
	"context"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Acting is an act of another room under way, of somebody who may do it at the
// time of its transaction.
type Acting struct {
	Tx  *db.Tx
	Who Person
	d   doing
}

// Done leaves in the audit log what was done to which object. Nothing of a member
// belongs into the details.
func (a Acting) Done(ctx context.Context, object, id string, details map[string]string) error {
	return a.d.done(ctx, object, id, details)
}

// Act runs an act of another room, as this room runs its own: who acts is read
// again in the act's transaction, and what a rule forbids is rolled back and kept
// in the audit log. Errors: Unauthenticated, Forbidden, and do's own.
func (s *Service) Act(ctx context.Context, sess Session, c Client, action Action, objectID string, do func(Acting) error) error {
	return s.act(ctx, sess, c, action, objectID, func(d doing) error { return do(Acting{Tx: d.tx, Who: d.who, d: d}) })
}

// AskProof asks who is signed in for a fresh passkey, for the act of this text.
func (s *Service) AskProof(ctx context.Context, sess Session, act string) (Prompt, error) {
	return s.prompt(ctx, sess, act)
}

// TakeProof takes the answer for the act of this text; it counts once, and before
// the act is done. Errors: Unauthenticated passkey.over and passkey.refused;
// TooMany staff.locked; Forbidden staff.ended.
func (s *Service) TakeProof(ctx context.Context, sess Session, c Client, act string, p Proof) (passkey.Assertion, error) {
	return s.prove(ctx, sess, c, act, p)
}

// Names gives what the people of some ids are called. Errors: those of the database.
func (s *Service) Names(ctx context.Context, tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	for _, id := range ids {
		p, err := person(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		names[id] = p.Name
	}
	return names, nil
}

// StillMay tells whether somebody's role and standing still allow an action.
// Errors: Conflict staff.has-ended when not.
func (s *Service) StillMay(ctx context.Context, tx *db.Tx, personID string, a Action) error {
	p, err := person(ctx, tx, personID)
	if err != nil {
		return err
	}
	if st := p.Standing(tx.Now); st != Active && st != Locked || !p.Role.May(a) {
		return fault.New(fault.Conflict, "staff.has-ended", "This person's access has ended for good.")
	}
	return nil
}
