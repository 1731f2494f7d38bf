package staff

import (
	"context"
	"time"

	"standfast/internal/db"
)

// Passkeys lists those of who is signed in.
func (s *Service) Passkeys(ctx context.Context, sess Session) ([]Passkey, error) {
	return s.passkeys.List(ctx, sess.Person.ID)
}

// MayChangePasskeys tells whether who is signed in has proved it a moment ago.
// Else whoever sits down at a desk that somebody left could make a way in of
// their own: see BeginProve.
func (s Session) MayChangePasskeys(now time.Time) bool { return now.Sub(s.Proved) < proofFor }

// changingPasskeys is the text of the act that BeginProve asks for.
const changingPasskeys = "change own passkeys"

// BeginProve asks who is signed in for a passkey, before they change their own.
func (s *Service) BeginProve(ctx context.Context, sess Session) (Prompt, error) {
	return s.prompt(ctx, sess, changingPasskeys)
}

// Prove takes the answer; for five minutes passkeys may be changed. Errors: those
// of a sign-in.
func (s *Service) Prove(ctx context.Context, sess Session, p Proof, c Client) error {
	a, err := s.prove(ctx, sess, c, changingPasskeys, p)
	if err != nil {
		return err
	}
	return s.act(ctx, sess, c, OwnPasskeys, sess.Person.ID, func(d doing) error {
		_, err := d.tx.Exec(ctx, `UPDATE staff_session SET proved_at = $2 WHERE id = $1`, sess.ID, db.Micros(d.tx.Now))
		if err != nil {
			return err
		}
		return record(ctx, d.tx, actor{"staff", d.who.ID, d.from}, proving, "session", sess.ID, map[string]string{"passkey": a.PasskeyID})
	})
}

// BeginAddPasskey gives the prompt for one more of who is signed in. Errors:
// Forbidden staff.proof-needed; Conflict when there are as many as can be kept.
func (s *Service) BeginAddPasskey(ctx context.Context, sess Session, c Client) (Prompt, error) {
	if !sess.MayChangePasskeys(s.db.Now()) {
		return Prompt{}, proofNeeded()
	}
	return s.passkeys.BeginRegistration(ctx, s.owner(sess.Person), c.Flow)
}

// AddPasskey takes the answer. Errors: those of the ceremony; Forbidden
// staff.proof-needed; Unauthenticated when the session ended meanwhile.
func (s *Service) AddPasskey(ctx context.Context, sess Session, name, state string, answer []byte, c Client) error {
	made, err := s.passkeys.VerifyRegistration(ctx, sess.Person.ID, name, state, c.Flow, answer)
	if err != nil {
		return err
	}
	return s.changePasskeys(ctx, sess, c, sess.Person.ID, func(d doing) error {
		_, err := s.passkeys.Add(ctx, d.tx, made, c.IP)
		return err
	})
}

// RemovePasskey takes one away, never the last. Errors: NotFound; Conflict;
// Forbidden staff.proof-needed.
func (s *Service) RemovePasskey(ctx context.Context, sess Session, id string, c Client) error {
	return s.changePasskeys(ctx, sess, c, id, func(d doing) error {
		_, err := s.passkeys.Remove(ctx, d.tx, d.who.ID, id, false, c.IP)
		return err
	})
}

// changePasskeys changes those of somebody who has just proved who they are. The
// session is read again: what the page saw may be old.
func (s *Service) changePasskeys(ctx context.Context, sess Session, c Client, objectID string, do func(d doing) error) error {
	return s.act(ctx, sess, c, OwnPasskeys, objectID, func(d doing) error {
		now, _, err := read(ctx, d.tx, sess.token)
		if err != nil {
			return err
		}
		if !now.MayChangePasskeys(d.tx.Now) {
			return proofNeeded()
		}
		return do(d)
	})
}
