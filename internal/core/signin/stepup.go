package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// text is everything in an action that must not change (RTS Art 5), in the one
// form that is hashed and kept as evidence. Each part is quoted on a line of its
// own, so that none can flow into the next.
func (a Action) text() string {
	var b strings.Builder
	for _, part := range append([]string{a.Kind}, a.Parts...) {
		b.WriteString(strconv.Quote(part))
		b.WriteByte('\n')
	}
	return b.String()
}

func (a Action) hash() []byte {
	h := sha256.Sum256([]byte(a.text()))
	return h[:]
}

// StepUp sends a code for exactly one action of a session. The same action
// asked for again gets the challenge that is open. See Refusal for how to
// answer a request that needs it.
func (s *Service) StepUp(ctx context.Context, sess Session, a Action, c Client) (out Challenge, err error) {
	hash := a.hash()
	template := a.Template
	if template == "" {
		template = "step-up-code"
	}
	scope := s.key.Fingerprint("signin.scope/step-up", append([]byte(sess.ID), hash...))
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := lockCredential(ctx, tx, sess.MemberID); err != nil && err != db.ErrNoRows {
			return err
		}
		m, err := s.memberIn(ctx, tx, sess.MemberID)
		if err != nil {
			return err
		}
		asked, err := s.ask(ctx, tx, m, challenge{
			purpose: stepUp, sessionID: sess.ID, action: a.Kind, actionHash: hash, template: template, data: a.Data,
			flow: s.flowHash(c), scope: scope, from: c, device: sess.DeviceID,
		})
		if err != nil {
			return err
		}
		if err := agreeTo(ctx, tx, asked, a); err != nil {
			return err
		}
		offered, err := s.offer(ctx, tx, asked)
		if err == nil {
			out = *offered
		}
		return err
	})
	return out, s.stranded(ctx, err, challenge{purpose: stepUp, memberID: sess.MemberID, scope: scope, from: c})
}

// Prove takes the code of a step-up and gives the proof of its action. The same
// code again within two minutes gives the same proof. Errors: Forbidden for a
// wrong code, with the tries that are left in Extra, or for one that is over.
func (s *Service) Prove(ctx context.Context, sess Session, challengeID, code string) (proof string, err error) {
	typed, err := readCode(code)
	if err != nil {
		return "", err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		proof, refusal = "", nil
		ch, err := s.stepUpOf(ctx, tx, sess, challengeID)
		if err != nil {
			return err
		}
		if refusal, err = s.tryStepUp(ctx, tx, &ch, typed); err != nil {
			return err
		}
		if refusal != nil {
			return s.recordProof(ctx, tx, ch, "signin.prove", audit.Refused)
		}
		proof = s.proof(ch)
		if !ch.usedAt.IsZero() {
			return nil
		}
		if err := s.prove(ctx, tx, sess, ch); err != nil {
			return err
		}
		return s.recordProof(ctx, tx, ch, "signin.prove", audit.OK)
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return "", err
	}
	return proof, nil
}

// stepUpOf locks and gives a challenge of the session.
func (s *Service) stepUpOf(ctx context.Context, tx *db.Tx, sess Session, id string) (challenge, error) {
	if !db.ValidID(id) {
		return challenge{}, codeOver(stepUp)
	}
	if _, err := lockCredential(ctx, tx, sess.MemberID); err != nil && err != db.ErrNoRows {
		return challenge{}, err
	}
	ch, err := readChallenge(ctx, tx, `id = $1 AND session_id = $2 AND purpose = 'step-up'`, id, sess.ID)
	if err == db.ErrNoRows {
		return challenge{}, codeOver(stepUp)
	}
	return ch, err
}

func (s *Service) tryStepUp(ctx context.Context, tx *db.Tx, ch *challenge, typed string) (refusal, err error) {
	if _, ok := ch.provable(tx.Now); !ok {
		return codeOver(stepUp), nil
	}
	return s.try(ctx, tx, ch, typed, Client{})
}

// provable tells whether a step-up can be answered, and whether as a repetition.
func (c challenge) provable(now time.Time) (repeated, ok bool) {
	if !c.usedAt.IsZero() {
		return true, now.Sub(c.usedAt) <= replayWindow && c.redeemedAt.IsZero()
	}
	return false, c.closedAt.IsZero() && now.Before(c.expiresAt)
}

// prove notes that the session's member has just given a right answer.
func (s *Service) prove(ctx context.Context, tx *db.Tx, sess Session, ch challenge) error {
	if err := s.use(ctx, tx, ch, ""); err != nil {
		return err
	}
	if err := ch.agreed(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE session SET proved_at = $2, stepped_up_at = $2 WHERE id = $1 AND ended_at = 0`, sess.ID, db.Micros(tx.Now))
	tx.AfterCommit(func() {
		s.recent.proved(map[string]time.Time{sess.ID: tx.Now})
		s.recent.forget(sess.ID)
	})
	return err
}

// proof follows from the challenge and the master key, like its code.
func (s *Service) proof(ch challenge) string {
	mac := s.key.Fingerprint("signin.proof", append([]byte(ch.id), ch.nonce...))
	return ch.id + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// Redeem uses up a proof for the action, in the transaction that performs it, and
// keeps what shows the member's agreement with what the action made (a.Object).
// Errors: Forbidden when the proof is of another action or session, too old, or
// was used.
func (s *Service) Redeem(ctx context.Context, tx *db.Tx, sess Session, proof string, a Action) error {
	id, _, _ := strings.Cut(proof, ".")
	ch, err := s.stepUpOf(ctx, tx, sess, id)
	if fault.Is(err, fault.Forbidden) {
		return proofRefused()
	}
	if err != nil {
		return err
	}
	if !s.redeemable(ch, proof, a, tx.Now) {
		return proofRefused()
	}
	if _, err := tx.Exec(ctx, `UPDATE challenge SET redeemed_at = $2 WHERE id = $1`, ch.id, db.Micros(tx.Now)); err != nil {
		return err
	}
	if err := usedFor(ctx, tx, ch, a.Object); err != nil {
		return err
	}
	return s.recordProof(ctx, tx, ch, "signin.redeem", audit.OK)
}

func (s *Service) redeemable(ch challenge, proof string, a Action, now time.Time) bool {
	genuine := subtle.ConstantTimeCompare([]byte(s.proof(ch)), []byte(proof))
	same := subtle.ConstantTimeCompare(ch.actionHash, a.hash())
	return genuine&same == 1 && !ch.usedAt.IsZero() && ch.redeemedAt.IsZero() && now.Sub(ch.usedAt) <= s.conf.ProofTTL
}

func (s *Service) recordProof(ctx context.Context, tx *db.Tx, ch challenge, action, outcome string) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: ch.memberID, Action: action, Object: "challenge", ObjectID: ch.id, Outcome: outcome,
		Details: map[string]string{"kind": ch.action, "action": base64.RawURLEncoding.EncodeToString(ch.actionHash), "session": ch.sessionID},
	})
}
