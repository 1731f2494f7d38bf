package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// A proof is a fresh answer of the passkey of who is signed in, for exactly one
// act: the challenge is the digest of the act's text, so an answer that was given
// for one case or decision is worth nothing for another.

// proofFor is how long a prompt may be answered, and how long who proved it is
// themselves may change their own passkeys.
const proofFor = 5 * time.Minute

// proofState travels with the browser, sealed.
type proofState struct {
	Session string `json:"session"`
	Hash    []byte `json:"hash"` // of the act's text
	Nonce   []byte `json:"nonce"`
	At      int64  `json:"at"` // microseconds
}

func (p proofState) bound() passkey.Bound {
	return passkey.Bound{Hash: [sha256.Size]byte(p.Hash), Nonce: p.Nonce}
}

const (
	proofNonce    = 16   // bytes
	maxProofState = 1024 // characters
)

// proofContext keeps these states apart from all else that the key seals.
func (s *Service) proofContext() []byte { return []byte("staff.proof/" + s.conf.Origin) }

// prompt asks who is signed in for a passkey, for one act.
func (s *Service) prompt(ctx context.Context, sess Session, act string) (p Prompt, err error) {
	hash := sha256.Sum256([]byte(act))
	st := proofState{Session: sess.ID, Hash: hash[:], Nonce: make([]byte, proofNonce), At: db.Micros(s.db.Now())}
	_, _ = rand.Read(st.Nonce) // never fails (crypto/rand)
	err = s.db.View(ctx, func(tx *db.Tx) error {
		p.Options, err = s.passkeys.BeginBound(ctx, tx, sess.Person.ID, st.bound())
		return err
	})
	if err != nil {
		return p, err
	}
	plain, err := json.Marshal(st)
	if err != nil {
		return p, err
	}
	sealed, err := s.key.Seal(plain, s.proofContext())
	p.State = base64.RawURLEncoding.EncodeToString(sealed)
	return p, err
}

// openProof gives what was asked of a session for one act, while it may be answered.
func (s *Service) openProof(sess Session, act, state string) (st proofState, err error) {
	if len(state) > maxProofState {
		return st, proofOver(errors.New("the state is too long"))
	}
	raw, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return st, proofOver(err)
	}
	plain, err := s.key.Open(raw, s.proofContext())
	if err != nil {
		return st, proofOver(err)
	}
	if err := json.Unmarshal(plain, &st); err != nil {
		return st, proofOver(err)
	}
	hash := sha256.Sum256([]byte(act))
	age := s.db.Now().Sub(db.FromMicros(st.At))
	switch {
	case st.Session != sess.ID:
		return st, proofOver(errors.New("asked of another session"))
	case subtle.ConstantTimeCompare(st.Hash, hash[:]) != 1:
		return st, proofOver(errors.New("asked for another act"))
	case age > proofFor || age < -proofFor:
		return st, proofOver(errors.New("asked too long ago"))
	}
	return st, nil
}

// Proof is a browser's answer to a prompt for one act.
type Proof struct {
	State  string
	Answer []byte
}

// prove takes an answer for one act and makes it count, once, before the act is
// done: should that not work out, another answer is asked for. A wrong one counts
// as a failed try to sign in. Errors: Unauthenticated passkey.over and
// passkey.refused; TooMany staff.locked; Forbidden staff.ended.
func (s *Service) prove(ctx context.Context, sess Session, c Client, act string, p Proof) (a passkey.Assertion, err error) {
	st, err := s.openProof(sess, act, p.State)
	if err != nil {
		return a, err
	}
	v, err := s.passkeys.VerifyBound(ctx, sess.Person.ID, st.bound(), p.Answer)
	if fault.Is(err, fault.Unauthenticated) {
		if e := s.db.WithTx(ctx, func(tx *db.Tx) error { return s.countFailed(ctx, tx, proving, sess.Person.ID, c, err) }); e != nil {
			return a, e
		}
	}
	if err != nil {
		return a, err
	}
	return s.acceptProof(ctx, v, c)
}

func (s *Service) acceptProof(ctx context.Context, v passkey.Verified, c Client) (a passkey.Assertion, err error) {
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		refusal = nil
		p, err := lockedPerson(ctx, tx, v.OwnerID())
		if err != nil {
			return err
		}
		if refusal = mayComeIn(p, tx); refusal != nil {
			return s.refuse(ctx, tx, actor{"staff", p.ID, c.IP}, proving, "person", p.ID, refusal)
		}
		if a, refusal, err = s.passkeys.Accept(ctx, tx, v, c.IP); err == nil && refusal != nil {
			return s.countFailed(ctx, tx, proving, p.ID, c, refusal)
		}
		return err
	})
	if err == nil {
		err = refusal
	}
	return a, err
}

// proving is a proof's name in the audit log.
const proving Action = "staff.proof"
