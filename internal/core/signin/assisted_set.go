package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// SendAssistedCode sends the code to the new telephone number again. Errors:
// NotFound claim.over; TooMany.
func (s *Service) SendAssistedCode(ctx context.Context, id string, c Client) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Assisted, id, c)
		if err != nil {
			return err
		}
		if cl.state() != ClaimBegun {
			return claimOver()
		}
		return s.claimCode(ctx, tx, &cl, "")
	})
}

// AnswerAssisted takes the code that went to the new telephone number. Errors as
// of AnswerRecovery.
func (s *Service) AnswerAssisted(ctx context.Context, id, code string, c Client) error {
	typed, err := readCode(code)
	if err != nil {
		return err
	}
	b, err := s.arrival(ctx, false, c)
	if err != nil {
		return err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.openClaim(ctx, tx, Assisted, id, c)
		if err != nil {
			return err
		}
		if cl.state() == ClaimReady && cl.again(s.claimAnswer(cl, typed), tx.Now) {
			return nil
		}
		if cl.state() != ClaimBegun {
			return claimOver() // nobody has approved it
		}
		if refusal, err = s.tryClaim(ctx, tx, &cl, typed, b); err != nil || refusal != nil {
			return err
		}
		return s.readyClaim(ctx, tx, &cl)
	})
	if err == nil {
		err = refusal
	}
	return err
}

// CompleteAssisted sets the new password of a claim that was approved. All
// sessions end, and the factors that were said to be lost; the new contacts hold;
// all old and new contacts are told; methods that are added do not pay for a day.
// Done before, it is done. Errors: NotFound claim.over; Invalid when the password
// breaks a rule; Unavailable when the house is full.
func (s *Service) CompleteAssisted(ctx context.Context, id, password string, c Client) error {
	leave, err := s.hashes.enter()
	if err != nil {
		return err
	}
	defer leave()
	out, err := s.AssistedClaim(ctx, id, c)
	if err != nil || out.State == ClaimDone {
		return err
	}
	if out.State != ClaimReady {
		return claimOver()
	}
	password = normalPassword(password)
	if err := s.allowedFor(ctx, id, password); err != nil {
		return err
	}
	h, err := s.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.ownClaim(ctx, tx, Assisted, id, c)
		if err != nil || cl.state() == ClaimDone {
			return err
		}
		if !tx.Now.Before(cl.expiresAt) {
			return claimOver()
		}
		return s.finishAssisted(ctx, tx, &cl, h, c)
	})
}

// allowedFor holds a password to the rules, with what its member is called.
func (s *Service) allowedFor(ctx context.Context, claimID, password string) error {
	var words []string
	err := s.db.View(ctx, func(tx *db.Tx) error {
		var memberID string
		err := tx.QueryRow(ctx, `SELECT COALESCE(CAST(member_id AS TEXT), '') FROM claim WHERE id = $1`, claimID).Scan(&memberID)
		if err != nil || memberID == "" {
			return err
		}
		m, err := s.memberIn(ctx, tx, memberID)
		words = append(words, m.Username, m.DisplayName, m.Email)
		return err
	})
	if err != nil {
		return err
	}
	return s.fit(password, words...)
}

func (s *Service) finishAssisted(ctx context.Context, tx *db.Tx, cl *claim, h verifier, from Client) error {
	if cl.memberID == "" {
		return claimOver()
	}
	a, err := readAssistance(ctx, tx, cl.id)
	if err != nil {
		return err
	}
	m, err := s.memberIn(ctx, tx, cl.memberID)
	if err != nil {
		return err
	}
	a.old = Contacts{Email: m.Email, Phone: m.Phone}
	done := completion{password: h, notice: "assisted-recovered", forget: slices.Contains(a.Lost, LostDevices), caution: s.conf.CautionFor, from: from, also: []Contacts{a.old}}
	return s.completeClaim(ctx, tx, cl, done, func() error {
		if _, err := tx.Exec(ctx, `UPDATE assistance SET old_phone = $2, old_email = $3 WHERE claim_id = $1`, cl.id, a.old.Phone, a.old.Email); err != nil {
			return err
		}
		if err := s.endLost(ctx, tx, cl.memberID, a.Lost, time.Time{}, from); err != nil {
			return err
		}
		if a.New == (Contacts{}) {
			return nil
		}
		return s.reachBy(ctx, tx, cl.memberID, a.or(a.old), from)
	})
}

// or gives these contacts, and others where there is none.
func (a Assistance) or(now Contacts) Contacts {
	return Contacts{Email: cmp.Or(a.New.Email, now.Email), Phone: cmp.Or(a.New.Phone, now.Phone)}
}

func (s *Service) reachBy(ctx context.Context, tx *db.Tx, memberID string, to Contacts, from Client) error {
	_, err := s.members.SetContacts(ctx, tx, memberID, to, member.By{Actor: "member", ActorID: memberID, From: from.IP})
	return err
}

// endLost ends the named factors, or of them those that were made since a time.
func (s *Service) endLost(ctx context.Context, tx *db.Tx, memberID string, lost []string, since time.Time, from Client) error {
	if slices.Contains(lost, LostApp) {
		if _, err := tx.Exec(ctx, `UPDATE authenticator SET removed_at = $2 WHERE member_id = $1 AND removed_at = 0 AND created_at >= $3`,
			memberID, db.Micros(tx.Now), db.Micros(since)); err != nil {
			return err
		}
	}
	if slices.Contains(lost, LostCodes) {
		if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE member_id = $1 AND made_at >= $2`, memberID, db.Micros(since)); err != nil {
			return err
		}
	}
	if slices.Contains(lost, LostPasskeys) && s.conf.Passkeys != nil {
		if err := endPasskeys(ctx, tx, s.conf.Passkeys, memberID, since, from); err != nil {
			return err
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: "signin.factors-ended", Object: "member", ObjectID: memberID,
		Outcome: audit.OK, From: from.IP, Details: map[string]string{"factors": strings.Join(lost, " ")}})
}

func endPasskeys(ctx context.Context, tx *db.Tx, keys *passkey.Service, memberID string, since time.Time, from Client) error {
	list, err := keys.ListIn(ctx, tx, memberID)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.CreatedAt.Before(since) {
			continue
		}
		if _, err := keys.Remove(ctx, tx, memberID, k.ID, true, from.IP); err != nil {
			return err
		}
	}
	return nil
}

// nobodysHash is a hash that no password has.
func nobodysHash(p HashParams) verifier {
	h := argon2Hash{scheme: ourScheme, params: p, salt: make([]byte, saltSize), key: make([]byte, keySize)}
	_, _ = rand.Read(h.salt) // never fails (crypto/rand)
	_, _ = rand.Read(h.key)
	return h
}

// noStop is the answer to a link that is none of ours.
func noStop() error {
	return fault.New(fault.NotFound, "assisted.no-link", "This link is not one of ours. Please check that it is complete.")
}
