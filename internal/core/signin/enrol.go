package signin

import (
	"context"

	"standfast/internal/core/member"
	"standfast/internal/db"
)

// Enrolment is how a member whom the issuer's files brought along claims the
// login: who they are, what only they should know of their accounts, a code to the
// telephone or mailbox on file, and then a username, a password and a PIN. Whoever
// shows what fits nobody, or what fits a member who has a login, is led through
// the same pages until the code, which they never get.

// BeginEnrolment makes a claim of kind Enrolment and has its code sent, after the
// commit, if what is shown fits a member without a login. A member who has one is
// told that somebody tried. Errors: Invalid for what can fit nobody; TooMany and
// Unavailable while attempts are slowed down, whomever they mean.
func (s *Service) BeginEnrolment(ctx context.Context, q Enrolling, c Client) (out Claim, err error) {
	e, err := q.read()
	if err != nil {
		return Claim{}, err
	}
	if err := s.mayEnrol(); err != nil {
		return Claim{}, err
	}
	b, err := s.arrival(ctx, false, c)
	if err == nil {
		err = s.db.Sound(ctx) // or members would be strangers to a database that has lost them
	}
	if err != nil {
		return Claim{}, err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		id, err := s.fitting(ctx, tx, e)
		if err != nil {
			return err
		}
		cl, err := s.beginClaim(ctx, tx, claimed{kind: Enrolment, memberID: id, named: e.who.Key(), shown: e.what, from: c, browser: b})
		if err == nil && cl.sends == 0 {
			err = s.claimCode(ctx, tx, &cl, "")
		}
		out = s.publicClaim(cl)
		return err
	})
	return out, err
}

// mayEnrol bounds attempts in all. It is a bound of its own, so that whoever walks
// through card numbers here keeps nobody from recovering a password.
func (s *Service) mayEnrol() error {
	if s.enrolRate.AllowN(s.now(), 1) {
		return nil
	}
	return claimsBusy()
}

// Enrolment gives the client's enrolment as it stands, for its page. Errors:
// NotFound claim.over for one that is over, or not of this client. One that was
// completed is given.
func (s *Service) Enrolment(ctx context.Context, id string, c Client) (out Claim, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.standingClaim(ctx, tx, Enrolment, id, c)
		if err != nil {
			return err
		}
		out, err = s.enrolmentOf(ctx, tx, cl)
		return err
	})
	return out, err
}

// enrolmentOf is what the client may see: the username that is on file only once
// the code was right.
func (s *Service) enrolmentOf(ctx context.Context, tx *db.Tx, cl claim) (out Claim, err error) {
	out = s.publicClaim(cl)
	if cl.state() == ClaimReady {
		m, err := s.members.ByIDTx(ctx, tx, cl.memberID)
		out.Username = m.Username
		return out, err
	}
	return out, nil
}

// SendEnrolmentCode has the code sent again, by a channel or "" for the first that
// the member has. Errors: as claimCode's, and NotFound claim.over.
func (s *Service) SendEnrolmentCode(ctx context.Context, id, channel string, c Client) (out Claim, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Enrolment, id, c)
		if err != nil {
			return err
		}
		if err := s.claimCode(ctx, tx, &cl, channel); err != nil {
			return err
		}
		out, err = s.enrolmentOf(ctx, tx, cl)
		return err
	})
	return out, err
}

// AnswerEnrolment takes the code. A right one makes the claim ready. Errors:
// Invalid for what cannot be a code (nothing is counted) and for a wrong one, with
// the tries that are left in Extra; NotFound claim.over.
func (s *Service) AnswerEnrolment(ctx context.Context, id, code string, c Client) (out Claim, err error) {
	typed, err := readCode(code)
	if err != nil {
		return Claim{}, err
	}
	b, err := s.arrival(ctx, false, c)
	if err != nil {
		return Claim{}, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Enrolment, id, c)
		if err != nil {
			return err
		}
		if refusal, err = s.tryClaim(ctx, tx, &cl, typed, b); err != nil || refusal != nil {
			return err
		}
		if cl.state() == ClaimBegun {
			if err := s.readyClaim(ctx, tx, &cl); err != nil {
				return err
			}
		}
		out, err = s.enrolmentOf(ctx, tx, cl)
		return err
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// hasLogin tells whether a member has a password.
func hasLogin(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	_, err := lockCredential(ctx, tx, memberID)
	if err == db.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

// enrolledAlready is what the job of a claim's code does for a member who has a
// login: in place of a code goes a notice, once a claim, counted as codes are. The
// request that made the claim did what it does for everybody.
func (s *Service) enrolledAlready(ctx context.Context, tx *db.Tx, m member.Member, c claim) (bool, error) {
	has, err := hasLogin(ctx, tx, m.ID)
	if err != nil || !has || c.sends > 1 {
		return has, err
	}
	limits := s.sendLimits(challenge{memberID: m.ID, purpose: c.kind.purpose(), from: c.from, device: c.device})
	if err := read(ctx, tx, limits, true); err != nil {
		return true, err
	}
	if err := blocked(limits, tx.Now); err != nil {
		return true, err
	}
	if err := count(ctx, tx, limits); err != nil {
		return true, err
	}
	return true, s.tellAll(ctx, tx, m.ID, completion{notice: "enrolled-already", from: c.from})
}
