package staff

import (
	"context"
	"fmt"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const signIn Action = "staff.sign-in"

// BeginSignIn gives the prompt for whoever has a passkey here.
func (s *Service) BeginSignIn(c Client) (Prompt, error) { return s.passkeys.BeginLogin(c.Flow) }

// SignIn takes the answer and gives the token of a new session. A wrong answer
// counts against the owner of the passkey that it names, if there is one. Errors:
// Unauthenticated for an answer that does not hold; TooMany staff.locked and
// Forbidden staff.ended for one that does, of somebody who may not come in.
func (s *Service) SignIn(ctx context.Context, state string, answer []byte, c Client) (string, error) {
	named := "" // whose passkey the answer says it is
	v, err := s.passkeys.VerifyWith(ctx, func(ctx context.Context, credentialID []byte) (passkey.Key, error) {
		k, err := s.passkeys.Find(ctx, credentialID)
		named = k.OwnerID
		return k, err
	}, state, c.Flow, answer)
	if fault.Is(err, fault.Unauthenticated) {
		if e := s.db.WithTx(ctx, func(tx *db.Tx) error { return s.countFailed(ctx, tx, signIn, named, c, err) }); e != nil {
			return "", e
		}
	}
	if err != nil {
		return "", err
	}
	return s.accept(ctx, v, c)
}

// accept lets in whom an answer proves, if they may come in.
func (s *Service) accept(ctx context.Context, v passkey.Verified, c Client) (token string, err error) {
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		token, refusal = "", nil
		p, err := lockedPerson(ctx, tx, v.OwnerID())
		if err != nil {
			return err
		}
		if refusal = mayComeIn(p, tx); refusal != nil {
			return s.refuse(ctx, tx, actor{"staff", p.ID, c.IP}, signIn, "session", "", refusal)
		}
		a, refused, err := s.passkeys.Accept(ctx, tx, v, c.IP)
		if err != nil {
			return err
		}
		if refusal = refused; refusal != nil {
			return s.countFailed(ctx, tx, signIn, p.ID, c, refusal)
		}
		token, err = signedIn(ctx, tx, p, a, c)
		return err
	})
	if err == nil {
		err = refusal
	}
	return token, err
}

// mayComeIn says why somebody who proved who they are may not come in.
func mayComeIn(p Person, tx *db.Tx) error {
	switch p.Standing(tx.Now) {
	case Active:
		return nil
	case Locked:
		return locked(p.LockedUntil.Sub(tx.Now))
	}
	return ended()
}

func signedIn(ctx context.Context, tx *db.Tx, p Person, a passkey.Assertion, c Client) (string, error) {
	if _, err := tx.Exec(ctx, `UPDATE staff_person SET failed = 0 WHERE id = $1`, p.ID); err != nil {
		return "", err
	}
	token, err := begin(ctx, tx, p.ID)
	if err != nil {
		return "", err
	}
	t, _ := readTicket(token) // begin has made it
	return token, record(ctx, tx, actor{"staff", p.ID, c.IP}, signIn, "session", t.id, map[string]string{"passkey": a.PasskeyID})
}

// countFailed stores a wrong try. The tenth in a row locks; tries while it lasts
// are kept in the audit log and lengthen nothing, so that nobody is locked out for
// good by somebody else.
func (s *Service) countFailed(ctx context.Context, tx *db.Tx, action Action, personID string, c Client, why error) error {
	if err := s.refuse(ctx, tx, actor{"staff", personID, c.IP}, action, "session", "", why); err != nil || personID == "" {
		return err
	}
	p, err := lockedPerson(ctx, tx, personID)
	if err != nil || tx.Now.Before(p.LockedUntil) {
		return err
	}
	if p.failed+1 < MaxFailed {
		_, err = tx.Exec(ctx, `UPDATE staff_person SET failed = failed + 1 WHERE id = $1`, p.ID)
		return err
	}
	if _, err = tx.Exec(ctx, `UPDATE staff_person SET failed = 0, locked_until = $2 WHERE id = $1`, p.ID, db.Micros(tx.Now.Add(LockFor))); err != nil {
		return err
	}
	return record(ctx, tx, actor{"system", "", c.IP}, "staff.lock", "person", p.ID, map[string]string{"tries": fmt.Sprint(MaxFailed)})
}
