package signin

import (
	"cmp"
	"context"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// NewLogin is what a member chooses at the end of an enrolment.
type NewLogin struct {
	Username string
	Password string
	PIN      string // for the telephone
	Trust    bool   // the browser is to be remembered
}

// CompleteEnrolment gives the member of an enrolment that is ready a login, signs
// them in (the code was the second factor) and tells every contact on file. Sent
// again within two minutes it gives the same session. Errors: NotFound claim.over;
// Invalid, naming every field that breaks a rule, a username that somebody else
// has among them; Unavailable when the house is full.
func (s *Service) CompleteEnrolment(ctx context.Context, id string, q NewLogin, c Client) (out Outcome, err error) {
	leave, err := s.hashes.enter()
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	b, err := s.arrival(ctx, q.Trust, c)
	if err != nil {
		return Outcome{}, err
	}
	q.Password = normalPassword(q.Password)
	m, out, err := s.checkLogin(ctx, id, &q, c)
	if err != nil || out.Session != nil {
		return out, err
	}
	password, err := s.hashes.hash(ctx, q.Password)
	if err != nil {
		return Outcome{}, err
	}
	_, pin, err := s.hashPIN(ctx, m.ID, q.PIN)
	if err != nil {
		return Outcome{}, err
	}
	leave()
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, err = s.enrol(ctx, tx, id, enrolling{q, password, pin, b})
		return err
	})
	return out, takenAt(err)
}

// checkLogin holds what was chosen to the rules before anything costly is done for
// it. For an enrolment that was completed just now it gives the session.
func (s *Service) checkLogin(ctx context.Context, id string, q *NewLogin, c Client) (m member.Member, out Outcome, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.ownClaim(ctx, tx, Enrolment, id, c)
		if err != nil {
			return err
		}
		switch {
		case cl.state() == ClaimDone && tx.Now.Sub(cl.endedAt) <= replayWindow:
			out, err = s.enrolledBefore(ctx, tx, cl)
			return err
		case cl.state() != ClaimReady || !tx.Now.Before(cl.expiresAt):
			return claimOver()
		}
		if m, err = s.members.ByIDTx(ctx, tx, cl.memberID); err != nil {
			return err
		}
		return s.checkChoices(ctx, tx, m, *q)
	})
	return m, out, err
}

// checkChoices gathers every rule that is broken.
func (s *Service) checkChoices(ctx context.Context, tx *db.Tx, m member.Member, q NewLogin) error {
	pin, pinErr := readPIN(q.PIN)
	if pinErr == nil {
		pinErr = s.mayHavePIN(ctx, tx, m, pin)
	}
	var bad []fault.Field
	for _, err := range []error{
		takenAt(s.members.MayCall(ctx, tx, m.ID, q.Username)),
		s.fit(q.Password, q.Username, m.DisplayName, m.Email),
		pinErr,
	} {
		if err != nil && !fault.Is(err, fault.Invalid) {
			return err
		}
		if err != nil {
			bad = append(bad, fault.As(err).Fields...)
		}
	}
	if len(bad) > 0 {
		return fault.InvalidFields(bad...)
	}
	return nil
}

// takenAt says at which field a username lies that somebody else has.
func takenAt(err error) error {
	if e := fault.As(err); err != nil && e.Kind == fault.Conflict {
		return fault.InvalidField("body.username", e.Code, e.Message)
	}
	return err
}

// enrolling is a NewLogin that was checked and hashed.
type enrolling struct {
	NewLogin
	password, pin verifier
	browser       arrival
}

// enrol gives the member the login, under the claim's lock and the member's own:
// there is no credential yet that could be locked.
func (s *Service) enrol(ctx context.Context, tx *db.Tx, id string, q enrolling) (out Outcome, err error) {
	cl, err := s.openClaim(ctx, tx, Enrolment, id, q.browser.client)
	if err != nil {
		return out, err
	}
	if err := lockMember(ctx, tx, cl.memberID); err != nil {
		return out, err
	}
	if has, err := hasLogin(ctx, tx, cl.memberID); err != nil || has {
		return out, cmp.Or(err, claimOver())
	}
	m, err := s.members.SetUsername(ctx, tx, cl.memberID, q.Username)
	if err != nil {
		return out, err
	}
	err = s.completeClaim(ctx, tx, &cl, completion{password: q.password, notice: "enrolled", forget: true, from: q.browser.client}, func() error {
		if err := s.storePIN(ctx, tx, m.ID, q.pin); err != nil {
			return err
		}
		out, _, err = s.letIn(ctx, tx, m.ID, []string{byPassword, methodOf(cl.proved[0])}, q.browser)
		if err != nil {
			return err
		}
		return s.madeBy(ctx, tx, cl, out.Session.ID)
	})
	return out, err
}

// lockMember keeps others from giving the member a login at the same time.
func lockMember(ctx context.Context, tx *db.Tx, memberID string) error {
	if memberID == "" {
		return claimOver()
	}
	return tx.QueryRow(ctx, `SELECT id FROM member WHERE id = $1`+forUpdate(tx), memberID).Scan(&memberID)
}

// madeBy notes the session that the claim's right code led to.
func (s *Service) madeBy(ctx context.Context, tx *db.Tx, c claim, session string) error {
	_, err := tx.Exec(ctx, `UPDATE challenge SET made = $3 WHERE scope IN ($1, $2) AND used_at > 0`,
		s.claimScope(c, "phone"), s.claimScope(c, "email"), session)
	return err
}

// enrolledBefore gives the session of an enrolment that was completed just now: a
// double click, a reload, a lost answer.
func (s *Service) enrolledBefore(ctx context.Context, tx *db.Tx, c claim) (out Outcome, err error) {
	var session, device string
	err = tx.QueryRow(ctx, `SELECT s.id, s.device_id FROM challenge c JOIN session s ON s.id = c.made WHERE c.scope IN ($1, $2) AND c.used_at > 0`,
		s.claimScope(c, "phone"), s.claimScope(c, "email")).Scan(&session, &device)
	if err == db.ErrNoRows {
		return out, claimOver()
	}
	if err != nil {
		return out, err
	}
	if out.Session, err = s.reissue(ctx, tx, session); err != nil {
		return Outcome{}, claimOver()
	}
	t, err := remembered(ctx, tx, c.memberID, device, tx.Now, tx.Now)
	if err == nil && t.id != "" {
		out.DeviceToken, err = s.deviceToken(device, tx.Now)
	}
	return out, err
}
