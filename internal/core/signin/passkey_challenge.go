package signin

import (
	"context"
	"crypto/sha256"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// A challenge that waits for a code can be answered by a passkey of its member
// instead. What the passkey signs follows from the challenge's row, so nothing
// else has to be kept: of a step-up it is the hash of the action with the
// challenge's nonce, and any other action is another hash (RTS Art 5).

// bound is what a passkey's answer to the challenge is for.
func (c challenge) bound() passkey.Bound {
	b := passkey.Bound{Nonce: c.nonce}
	if c.purpose == stepUp {
		copy(b.Hash[:], c.actionHash)
		return b
	}
	b.Hash = sha256.Sum256([]byte(string(c.purpose) + "\n" + c.id + "\n" + c.memberID))
	return b
}

// offer gives what the client may see of a challenge, with what a browser needs
// to answer it by passkey.
func (s *Service) offer(ctx context.Context, tx *db.Tx, c challenge) (*Challenge, error) {
	out := s.public(c)
	if !s.takesPasskey(c) {
		return out, nil
	}
	options, err := s.conf.Passkeys.BeginBound(ctx, tx, c.memberID, c.bound())
	out.Passkey = options
	return out, err
}

// takesPasskey tells whether the challenge can be answered by a passkey, if its
// member has one.
func (s *Service) takesPasskey(c challenge) bool {
	return s.conf.Passkeys != nil && (c.purpose == signIn || c.purpose == stepUp)
}

// orPasskey adds the passkey to a challenge's ways.
func (s *Service) orPasskey(ctx context.Context, tx *db.Tx, c challenge, list []string) ([]string, error) {
	if !s.takesPasskey(c) {
		return list, nil
	}
	has, err := s.conf.Passkeys.Has(ctx, tx, c.memberID)
	if has {
		list = append(list, WayPasskey)
	}
	return list, err
}

// SubmitPasskey answers a sign-in's challenge by passkey, as SubmitCode does by
// code: once, and the same answer again from the same flow within two minutes
// gives the same session.
func (s *Service) SubmitPasskey(ctx context.Context, challengeID string, answer []byte, trustDevice bool, c Client) (out Outcome, err error) {
	v, err := s.verifyFor(ctx, challengeID, signIn, answer)
	if err != nil {
		return Outcome{}, err
	}
	b, err := s.arrival(ctx, trustDevice, c)
	if err != nil {
		return Outcome{}, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = Outcome{}, nil
		ch, err := s.ownChallenge(ctx, tx, challengeID, c)
		if err != nil {
			return err
		}
		out, refusal, err = s.answerPasskey(ctx, tx, ch, v, answer, b)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

func (s *Service) answerPasskey(ctx context.Context, tx *db.Tx, ch challenge, v passkey.Verified, answer []byte, b arrival) (out Outcome, refusal, err error) {
	a := attempt{challenge: ch, device: b.device, issued: b.issued, trust: b.trust, client: b.client}
	again, ok := a.usable(tx.Now)
	if !ok {
		return out, codeOver(signIn), nil
	}
	if again {
		if refusal := s.tryAgain(ch, string(answer)); refusal != nil {
			return out, refusal, nil
		}
		return s.repeat(ctx, tx, a)
	}
	by, refusal, err := s.accept(ctx, tx, v, b.client)
	if err != nil || refusal != nil {
		return out, refusal, err
	}
	if out, err = s.arrive(ctx, tx, ch.memberID, append([]string{byPassword}, by.Methods...), b); err != nil {
		return out, nil, err
	}
	ch.way, ch.answered = WayPasskey, s.answeredBy(ch, string(answer))
	if err := s.use(ctx, tx, ch, out.Session.ID); err != nil {
		return out, nil, err
	}
	return out, nil, a.record(ctx, tx, audit.OK, out.Session.ID)
}

// ProvePasskey answers a step-up by passkey, as Prove does by code. Errors:
// Forbidden when the answer does not hold, or the challenge is over.
func (s *Service) ProvePasskey(ctx context.Context, sess Session, challengeID string, answer []byte, c Client) (proof string, err error) {
	v, err := s.verifyFor(ctx, challengeID, stepUp, answer)
	if err != nil {
		return "", forbidden(err)
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		proof, refusal = "", nil
		ch, err := s.stepUpOf(ctx, tx, sess, challengeID)
		if err != nil {
			return err
		}
		proof, refusal, err = s.provePasskey(ctx, tx, sess, ch, v, answer, c)
		return err
	})
	if err == nil {
		err = forbidden(refusal)
	}
	if err != nil {
		return "", err
	}
	return proof, nil
}

func (s *Service) provePasskey(ctx context.Context, tx *db.Tx, sess Session, ch challenge, v passkey.Verified, answer []byte, c Client) (proof string, refusal, err error) {
	repeated, ok := ch.provable(tx.Now)
	switch {
	case !ok:
		return "", codeOver(stepUp), nil
	case repeated:
		return s.proof(ch), s.tryAgain(ch, string(answer)), nil
	}
	by, refusal, err := s.accept(ctx, tx, v, c)
	if err != nil {
		return "", nil, err
	}
	if refusal != nil {
		return "", refusal, s.recordProof(ctx, tx, ch, "signin.prove", audit.Refused)
	}
	ch.way, ch.answered = WayPasskey, s.answeredBy(ch, string(answer))
	if err := s.prove(ctx, tx, sess, ch); err != nil {
		return "", nil, err
	}
	if err := signed(ctx, tx, ch, by.Evidence); err != nil {
		return "", nil, err
	}
	return s.proof(ch), nil, s.recordProof(ctx, tx, ch, "signin.prove", audit.OK)
}

// verifyFor checks a passkey's answer against a challenge before anything is
// locked. Whose flow or session it is, and whether it is open, is decided later;
// a challenge that does not exist is answered like one that is over.
func (s *Service) verifyFor(ctx context.Context, challengeID string, p purpose, answer []byte) (passkey.Verified, error) {
	if s.conf.Passkeys == nil {
		return passkey.Verified{}, noPasskeys()
	}
	if !db.ValidID(challengeID) {
		return passkey.Verified{}, codeOver(p)
	}
	var ch challenge
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		ch, err = scanChallenge(tx.QueryRow(ctx, `SELECT `+challengeColumns+` FROM challenge WHERE id = $1`, challengeID))
		return err
	})
	if err == db.ErrNoRows || err == nil && ch.purpose != p {
		return passkey.Verified{}, codeOver(p)
	}
	if err != nil {
		return passkey.Verified{}, err
	}
	return s.conf.Passkeys.VerifyBound(ctx, ch.memberID, ch.bound(), answer)
}

// forbidden gives a refusal the kind that it has for a member who is signed in
// and stays so.
func forbidden(err error) error {
	if !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	e := *fault.As(err)
	e.Kind = fault.Forbidden
	return &e
}
