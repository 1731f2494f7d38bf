package signin

import (
	"cmp"
	"context"
	"encoding/base64"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// The PIN is how a member is known on the telephone, where no password can be
// typed. It opens nothing else.

// perPIN bounds wrong PINs: after five in a row nothing more is tried until the
// member sets a new one (RTS Art 4(3)(b); a PIN is one of a million, and the
// telephone tells nothing about the caller that a count apart could rest on).
func perPIN() limit { return limit{name: "pin", total: 5} }

// PINInfo is how a member stands with the PIN.
type PINInfo struct {
	SetAt   time.Time // zero: there is none
	Blocked bool      // too many wrong ones; a new one ends that
}

// PIN tells how the session's member stands with the PIN.
func (s *Service) PIN(ctx context.Context, sess Session) (info PINInfo, err error) {
	wrong := []gauge{s.pinGauge(sess.MemberID)}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		p, err := readPINRow(ctx, tx, sess.MemberID)
		if err != nil {
			return err
		}
		info.SetAt = p.setAt
		return read(ctx, tx, wrong, false)
	})
	info.Blocked = wrong[0].wait(s.now()) > 0
	return info, err
}

// VerifyPIN tells whether the digits are a member's PIN; it is for the telephone.
// Errors: Unauthenticated for a wrong one, for a member without one and for no
// member at all, all alike; Forbidden once there were too many; Unavailable when
// the answer is not known or the house is full.
func (s *Service) VerifyPIN(ctx context.Context, memberID, digits, from string) error {
	if !db.ValidID(memberID) {
		return pinRefused()
	}
	leave, err := s.hashes.enter()
	if err != nil {
		return err
	}
	defer leave()
	p, err := s.triedPIN(ctx, memberID)
	if err != nil {
		return err
	}
	pin, err := readPIN(digits)
	if err != nil {
		pin = "" // nobody's, and hashed all the same
	}
	right, err := s.hashes.matches(ctx, p.hash, s.peppered(memberID, pin))
	leave()
	if err != nil {
		return err
	}
	return s.decidePIN(ctx, p, right && pin != "", from)
}

// triedPIN gives the row that a PIN is held to, unless no more may be tried.
func (s *Service) triedPIN(ctx context.Context, memberID string) (p pinRow, err error) {
	wrong := []gauge{s.pinGauge(memberID)}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if p, err = readPINRow(ctx, tx, memberID); err != nil {
			return err
		}
		return read(ctx, tx, wrong, false)
	})
	switch {
	case err != nil:
		return p, err
	case wrong[0].wait(s.now()) > 0:
		return p, pinBlocked()
	case p.hash == nil:
		err = s.db.Sound(ctx) // or the PIN of somebody whom we know well would be refused
	}
	return p, err
}

// decidePIN counts, with the count locked: of PINs that are tried at once no more
// count than of PINs one after the other, and none is right once they were too many.
func (s *Service) decidePIN(ctx context.Context, p pinRow, right bool, from string) (err error) {
	var refusal error
	wrong := []gauge{s.pinGauge(p.memberID)}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		refusal = nil
		if err := wrong[0].prepare(ctx, tx); err != nil {
			return err
		}
		if err := read(ctx, tx, wrong, true); err != nil {
			return err
		}
		now, err := readPINRow(ctx, tx, p.memberID)
		if err != nil {
			return err
		}
		switch {
		case wrong[0].wait(tx.Now) > 0:
			refusal = pinBlocked()
			return nil
		case !right || now.version != p.version:
			refusal = pinRefused()
			return cmp.Or(count(ctx, tx, wrong), p.record(ctx, tx, audit.Refused, from))
		}
		return cmp.Or(forgive(ctx, tx, wrong), p.record(ctx, tx, audit.OK, from))
	})
	return cmp.Or(err, refusal)
}

func pinRefused() error {
	return fault.New(fault.Unauthenticated, "pin.refused", "This PIN is not right.")
}

func pinBlocked() error {
	return fault.New(fault.Forbidden, "pin.blocked", "There were too many wrong PINs. Please set a new one on our site.")
}

// SetPIN gives the session's member a PIN, in place of the one before, and ends
// the count of wrong ones. Errors: Invalid when it breaks a rule; a refusal with a
// challenge where the session has not proved lately who is there.
func (s *Service) SetPIN(ctx context.Context, q ChangeRequest, typed string) error {
	if err := s.MaySetPIN(ctx, q); err != nil {
		return err
	}
	pin, h, err := s.hashPIN(ctx, q.Session.MemberID, typed)
	if err != nil {
		return err
	}
	return s.change(ctx, q, pinAction(q), func(tx *db.Tx) error {
		m, err := s.members.ByIDTx(ctx, tx, q.Session.MemberID)
		if err != nil {
			return err
		}
		if err := s.mayHavePIN(ctx, tx, m, pin); err != nil {
			return err
		}
		if err := s.storePIN(ctx, tx, m.ID, h); err != nil {
			return err
		}
		return s.altered(ctx, tx, q, "pin", m.ID, "set")
	})
}

// MaySetPIN asks for the proof that SetPIN wants, before anything is typed.
func (s *Service) MaySetPIN(ctx context.Context, q ChangeRequest) error {
	if s.MayChange(q.Session) || q.Proof != "" {
		return nil // what a proof is for is looked at when it is used
	}
	return s.change(ctx, q, pinAction(q), func(*db.Tx) error { return nil })
}

func pinAction(q ChangeRequest) Action {
	return Action{Kind: "pin", Parts: []string{q.Session.MemberID}}
}

// hashPIN reads a new PIN and hashes it, outside any transaction.
func (s *Service) hashPIN(ctx context.Context, memberID, typed string) (pin string, h verifier, err error) {
	if pin, err = readPIN(typed); err != nil {
		return "", nil, err
	}
	h, err = s.hashes.hash(ctx, s.peppered(memberID, pin))
	return pin, h, err
}

// peppered is what is hashed of a PIN: a value under the master key, so that the
// database alone does not allow guessing, and another one for each member.
func (s *Service) peppered(memberID, pin string) string {
	return base64.RawStdEncoding.EncodeToString(s.key.Fingerprint("signin.pin", []byte(memberID+pin)))
}

// mayHavePIN holds a PIN to what is known of the member.
func (s *Service) mayHavePIN(ctx context.Context, tx *db.Tx, m member.Member, pin string) error {
	held, err := s.held(ctx, tx, []string{m.ID})
	if err != nil {
		return err
	}
	own := ownDigits{birthDate: m.BirthDate, numbers: []string{m.Phone, m.Ref}}
	for _, h := range held {
		own.numbers = append(own.numbers, h.Last4, h.Ref)
	}
	return allowedPIN(pin, own)
}

// storePIN replaces the PIN and ends the count of wrong ones.
func (s *Service) storePIN(ctx context.Context, tx *db.Tx, memberID string, h verifier) error {
	_, err := tx.Exec(ctx, `INSERT INTO pin (member_id, phc, set_at, version) VALUES ($1, $2, $3, 1)
		ON CONFLICT (member_id) DO UPDATE SET phc = excluded.phc, set_at = excluded.set_at, version = pin.version + 1`,
		memberID, h.String(), db.Micros(tx.Now))
	if err != nil {
		return err
	}
	return forgive(ctx, tx, []gauge{s.pinGauge(memberID)})
}

func (s *Service) pinGauge(memberID string) gauge {
	return s.gauge(perPIN(), memberID, memberID)
}

// pinRow is a row of the table; its hash is nil where there is none.
type pinRow struct {
	memberID string
	hash     verifier
	setAt    time.Time
	version  int64
}

func readPINRow(ctx context.Context, tx *db.Tx, memberID string) (p pinRow, err error) {
	p.memberID = memberID
	var phc string
	var set int64
	err = tx.QueryRow(ctx, `SELECT phc, set_at, version FROM pin WHERE member_id = $1`, memberID).Scan(&phc, &set, &p.version)
	if err == db.ErrNoRows {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.setAt = db.FromMicros(set)
	p.hash, err = parsePHC(phc)
	return p, err
}

func (p pinRow) record(ctx context.Context, tx *db.Tx, outcome, from string) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: p.memberID, Action: "signin.pin", Object: "member", ObjectID: p.memberID, Outcome: outcome, From: from})
}
