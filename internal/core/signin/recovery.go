package signin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/core/notify"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Recovery of a forgotten password: a user name, a first proof, a second that is
// another one (see pairs), a new password. It signs nobody in. A name that
// belongs to nobody, or to somebody who never had a password, is led along the
// same way and never proves anything.

// BeginRecovery claims to be the member of a user name, and has a code sent to
// the first contact on file where that is wanted. The answer is the same for
// every name. Errors: Invalid for what is no name at all, TooMany while attempts
// are slowed down, Unavailable when the house is full or the answer is not known.
func (s *Service) BeginRecovery(ctx context.Context, username string, send bool, c Client) (out Claim, err error) {
	if err := readable(username, "-"); err != nil {
		return out, err
	}
	if err := s.mayBegin(); err != nil {
		return out, err
	}
	b, err := s.arrival(ctx, false, c)
	if err != nil {
		return out, err
	}
	m, err := s.members.ByUsername(ctx, username)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return out, err
	}
	if err := s.db.Sound(ctx); err != nil { // asked for every name, so that it takes as long
		return out, err
	}
	q := claimed{kind: Recovery, memberID: m.ID, named: strings.ToLower(norm.NFKC.String(username)), from: c, browser: b}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.beginForLogin(ctx, tx, q)
		if err != nil {
			return err
		}
		if send && cl.sends == 0 && cl.state() == ClaimOpen {
			if err := s.claimCode(ctx, tx, &cl, ""); err != nil {
				return err
			}
		}
		out, err = s.recoveryOf(ctx, tx, cl)
		return err
	})
	return out, err
}

// Recovery gives the client's recovery as it stands, for its page. Errors:
// NotFound claim.over for one that is over, or not of this client. One that was
// completed just now is given.
func (s *Service) Recovery(ctx context.Context, id string, c Client) (out Claim, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.standingClaim(ctx, tx, Recovery, id, c)
		if err != nil {
			return err
		}
		out, err = s.recoveryOf(ctx, tx, cl)
		return err
	})
	return out, err
}

// recoveryOf is what the client may see. What the member has shows only once
// something was proved.
func (s *Service) recoveryOf(ctx context.Context, tx *db.Tx, cl claim) (out Claim, err error) {
	out = s.publicClaim(cl)
	if s.conf.Passkeys != nil {
		if out.Passkey, err = s.conf.Passkeys.BeginBoundUnnamed(cl.bound()); err != nil {
			return out, err
		}
	}
	switch cl.state() {
	case ClaimReady:
		m, err := s.members.ByIDTx(ctx, tx, cl.memberID)
		out.Username = m.Username
		return out, err
	case ClaimBegun:
		return out, s.goesOn(ctx, tx, cl, &out)
	}
	return out, nil
}

// goesOn fills in how somebody who has proved something can go on.
func (s *Service) goesOn(ctx context.Context, tx *db.Tx, cl claim, out *Claim) error {
	has, err := s.has(ctx, tx, cl.memberID)
	if err != nil {
		return err
	}
	out.Left = s.recoveryRules().left(cl.proved, has)
	sent, err := s.codes(ctx, tx, cl)
	for _, ch := range sent {
		if !cl.provedContact(contact(notify.Channel(ch.channel))) {
			out.SentTo = ch.sentTo
		}
	}
	return err
}

// SendRecoveryCode sends the code again, by a channel or "" for the first that
// the member has. Errors: NotFound claim.over; TooMany; Invalid for a channel that
// leads to nothing.
func (s *Service) SendRecoveryCode(ctx context.Context, id, channel string, c Client) (out Claim, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Recovery, id, c)
		if err != nil {
			return err
		}
		if out, err = s.recoveryOf(ctx, tx, cl); err != nil {
			return err
		}
		if out.State != ClaimOpen && !slices.Contains(out.Left, channel) {
			return fault.InvalidField("body.channel", "signin.channel", "We cannot send you a code that way.")
		}
		if err := s.claimCode(ctx, tx, &cl, channel); err != nil {
			return err
		}
		out, err = s.recoveryOf(ctx, tx, cl)
		return err
	})
	return out, err
}

// AnswerRecovery takes a code that was sent, one of the member's app, or a
// recovery code. Errors: Invalid claim.code-wrong with the tries that are left,
// NotFound claim.over after the last.
func (s *Service) AnswerRecovery(ctx context.Context, id, code string, c Client) (out Claim, err error) {
	typed, err := readCode(code)
	if err != nil {
		return out, err
	}
	return s.recover(ctx, id, c, func(tx *db.Tx, cl *claim, b arrival) (refusal, err error) {
		return s.tryClaim(ctx, tx, cl, typed, b)
	})
}

// AnswerRecoveryByPasskey takes what a browser answered to Claim.Passkey.
// Another member's passkey is answered like one that nobody knows.
func (s *Service) AnswerRecoveryByPasskey(ctx context.Context, id string, answer []byte, c Client) (out Claim, err error) {
	if s.conf.Passkeys == nil {
		return out, noPasskeys()
	}
	v, refused, err := s.verifyForClaim(ctx, id, answer, c)
	if err != nil {
		return out, err
	}
	return s.recover(ctx, id, c, func(tx *db.Tx, cl *claim, b arrival) (refusal, err error) {
		same := s.claimAnswer(*cl, string(answer))
		if cl.again(same, tx.Now) {
			return nil, nil
		}
		var by passkey.Assertion
		if refused == nil {
			by, refused, err = s.accept(ctx, tx, v, c)
		}
		if err != nil {
			return nil, err
		}
		if refused != nil {
			return s.claimRefused(ctx, tx, cl)
		}
		if err := cl.signedBy(ctx, tx, by.Evidence); err != nil {
			return nil, err
		}
		return nil, s.claimProved(ctx, tx, cl, WayPasskey, same, b)
	})
}

// verifyForClaim checks a passkey's answer before anything is locked; refused is
// that it does not hold, which counts as a try.
func (s *Service) verifyForClaim(ctx context.Context, id string, answer []byte, c Client) (v passkey.Verified, refused, err error) {
	var cl claim
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err = s.openClaim(ctx, tx, Recovery, id, c)
		return err
	})
	if err != nil {
		return v, nil, err
	}
	v, err = s.conf.Passkeys.VerifyBound(ctx, cmp.Or(cl.memberID, nobody), cl.bound(), answer)
	if fault.Is(err, fault.Unauthenticated) {
		return v, err, nil
	}
	return v, nil, err
}

// recover takes an answer to an open claim, and decides whether what is proved
// then is enough. Where only messages can finish it, the next is sent at once.
func (s *Service) recover(ctx context.Context, id string, c Client, answer func(*db.Tx, *claim, arrival) (refusal, err error)) (out Claim, err error) {
	b, err := s.arrival(ctx, false, c)
	if err != nil {
		return out, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Recovery, id, c)
		if err != nil {
			return err
		}
		if refusal, err = answer(tx, &cl, b); err != nil || refusal != nil {
			return err
		}
		if err := s.decideRecovery(ctx, tx, &cl); err != nil {
			return err
		}
		out, err = s.recoveryOf(ctx, tx, cl)
		return err
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

func (s *Service) decideRecovery(ctx context.Context, tx *db.Tx, cl *claim) error {
	has, err := s.has(ctx, tx, cl.memberID)
	if err != nil || cl.state() != ClaimBegun {
		return err
	}
	if s.recoveryRules().suffices(cl.proved, has) {
		return s.readyClaim(ctx, tx, cl)
	}
	left := s.recoveryRules().left(cl.proved, has)
	if len(left) == 0 || slices.ContainsFunc(left, func(way string) bool { return !isChannel(way) }) || cl.sends > 0 {
		return nil
	}
	return s.claimCode(ctx, tx, cl, left[0])
}

// CompleteRecovery sets the new password of a recovery that is ready, ends all
// sessions and the trust in all devices, and tells every contact on file. Done
// before, it is done. Errors: NotFound claim.over; Invalid when the password breaks
// a rule; Unavailable when the house is full.
func (s *Service) CompleteRecovery(ctx context.Context, id, password string, c Client) (done Recovered, err error) {
	leave, err := s.hashes.enter()
	if err != nil {
		return done, err
	}
	defer leave()
	cl, old, err := s.readyRecovery(ctx, id, c)
	if err != nil || cl.state() == ClaimDone {
		return done, err
	}
	m, err := s.members.ByID(ctx, cl.memberID)
	if err != nil {
		return done, err
	}
	password = normalPassword(password)
	if err := s.fit(password, m.Username, m.DisplayName, m.Email); err != nil {
		return done, err
	}
	if done.Same, err = s.hashes.matches(ctx, old, password); err != nil {
		return done, err
	}
	h, err := s.hashes.hash(ctx, password)
	if err != nil {
		return done, err
	}
	done.Cautious = s.recoveryRules().cautious(cl.proved)
	return done, s.finishRecovery(ctx, id, h, c)
}

// Recovered is what a completed recovery has to tell.
type Recovered struct {
	Same     bool // the password is the one that was thought to be forgotten
	Cautious bool // payment methods added from now on have to wait, see Caution
}

// readyRecovery gives a recovery that may be completed, or was, with the hash of
// the password until now. Whoever has not proved enough costs no hash.
func (s *Service) readyRecovery(ctx context.Context, id string, c Client) (cl claim, old verifier, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		if cl, err = s.ownClaim(ctx, tx, Recovery, id, c); err != nil {
			return err
		}
		if cl.state() == ClaimDone {
			return nil
		}
		if cl.state() != ClaimReady || !tx.Now.Before(cl.expiresAt) {
			return claimOver()
		}
		var who claimant
		who.member.ID = cl.memberID
		err := who.load(ctx, tx)
		old = who.hash
		return err
	})
	return cl, old, err
}

func (s *Service) finishRecovery(ctx context.Context, id string, h verifier, c Client) error {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.ownClaim(ctx, tx, Recovery, id, c)
		if err != nil || cl.state() == ClaimDone {
			return err
		}
		has, err := s.has(ctx, tx, cmp.Or(cl.memberID, nobody))
		if err == db.ErrNoRows || err == nil && (!tx.Now.Before(cl.expiresAt) || !s.recoveryRules().suffices(cl.proved, has)) {
			return claimOver() // meanwhile it ended, or more was set up, which would be needed now
		}
		if err != nil {
			return err
		}
		done := completion{password: h, notice: "password-recovered", forget: true, from: c}
		if s.recoveryRules().cautious(cl.proved) {
			done.caution = s.conf.CautionFor
		}
		return s.completeClaim(ctx, tx, &cl, done, nil)
	})
}
