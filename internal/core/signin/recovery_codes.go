package signin

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
)

// Recovery codes are for the day when telephone, app and passkey are all gone:
// each counts once in place of a code (look-up secrets, SP 800-63B-4 §3.1.2).
// They are digits, so that they can be read out and typed anywhere.

const (
	recoveryDigits = 12 // 40 bits; five tries a challenge and the throttle keep guessing hopeless
	recoveryCodes  = 10
)

// RecoveryInfo is how a member stands with recovery codes.
type RecoveryInfo struct {
	Left   int
	MadeAt time.Time // zero: never made
}

// MakeRecoveryCodes gives the member new codes in groups of four digits, shown
// this once, and makes those before worthless.
func (s *Service) MakeRecoveryCodes(ctx context.Context, q ChangeRequest) (codes []string, err error) {
	a := Action{Kind: "recovery-codes", Parts: []string{q.Session.MemberID}}
	err = s.change(ctx, q, a, func(tx *db.Tx) error {
		memberID := q.Session.MemberID
		if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE member_id = $1`, memberID); err != nil {
			return err
		}
		codes = nil
		for range recoveryCodes {
			code := randomDigits(recoveryDigits)
			if err := s.storeRecoveryCode(ctx, tx, memberID, code); err != nil {
				return err
			}
			codes = append(codes, InFours(code))
		}
		return s.altered(ctx, tx, q, "recovery-codes", memberID, "made")
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func (s *Service) storeRecoveryCode(ctx context.Context, tx *db.Tx, memberID, code string) error {
	_, err := tx.Exec(ctx, `INSERT INTO recovery_code (member_id, hash, made_at, used_at) VALUES ($1, $2, $3, 0)`,
		memberID, s.recoveryHash(memberID, code), db.Micros(tx.Now))
	return err
}

// recoveryHash is how a code is kept: a hash under the master key, so that the
// database alone does not allow guessing.
func (s *Service) recoveryHash(memberID, code string) []byte {
	return s.key.Fingerprint("signin.recovery-code", []byte(memberID+code))
}

// randomDigits gives n digits, each as likely as any other.
func randomDigits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%0*d", n, v)
}

// InFours writes digits, or a key, in groups of four that are easy to copy by hand.
func InFours(digits string) string {
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// RecoveryCodes tells how many codes the member has left.
func (s *Service) RecoveryCodes(ctx context.Context, sess Session) (info RecoveryInfo, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var made int64
		err := tx.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN used_at = 0 THEN 1 ELSE 0 END), 0), COALESCE(MAX(made_at), 0) FROM recovery_code WHERE member_id = $1`,
			sess.MemberID).Scan(&info.Left, &made)
		info.MadeAt = db.FromMicros(made)
		return err
	})
	return info, err
}

// OffersRecoveryCodes tells whether the member is to be offered recovery codes
// unasked: there never were any, and the offer was not put away.
func (s *Service) OffersRecoveryCodes(ctx context.Context, sess Session) (offers bool, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM recovery_code WHERE member_id = $1) + (SELECT count(*) FROM recovery_offer WHERE member_id = $1)`,
			sess.MemberID).Scan(&n)
		offers = n == 0
		return err
	})
	return offers, err
}

// DismissRecoveryCodes puts the offer away for good; the profile still has it.
func (s *Service) DismissRecoveryCodes(ctx context.Context, sess Session) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO recovery_offer (member_id, dismissed_at) VALUES ($1, $2) ON CONFLICT (member_id) DO NOTHING`,
			sess.MemberID, db.Micros(tx.Now))
		return err
	})
}

func hasRecoveryCodes(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM recovery_code WHERE member_id = $1 AND used_at = 0`, memberID).Scan(&n)
	return n > 0, err
}

// byRecoveryCode uses up the code that was typed and tells whether it was one.
func (s *Service) byRecoveryCode(ctx context.Context, tx *db.Tx, memberID, typed string, c Client) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recovery_code SET used_at = $3 WHERE member_id = $1 AND hash = $2 AND used_at = 0`,
		memberID, s.recoveryHash(memberID, typed), db.Micros(tx.Now))
	if err != nil || n == 0 {
		return false, err
	}
	if err := s.tell(ctx, tx, memberID, "recovery-code-used", c); err != nil {
		return false, err
	}
	return true, audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: memberID, Action: "signin.recovery-code", Object: "member", ObjectID: memberID, Outcome: audit.OK, From: c.IP,
	})
}
