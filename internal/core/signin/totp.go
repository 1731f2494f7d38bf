package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// An authenticator app shows codes that follow from a shared secret and the time
// (TOTP, RFC 6238), so they arrive where no message does.

// AuthenticatorSetUp is a secret on its way into a member's app. It counts for
// nothing until a first code of it was typed.
type AuthenticatorSetUp struct {
	ID        string
	Secret    string // in base 32, to be typed where no QR code can be read
	URI       string // otpauth://, for the QR code
	ExpiresAt time.Time
}

// AuthenticatorInfo is a member's app as listed.
type AuthenticatorInfo struct {
	ID         string
	AddedAt    time.Time
	LastUsedAt time.Time // zero: never
}

const (
	totpSecretSize = 20 // bytes, RFC 4226 §4 R6 recommends 160 bits
	totpPeriod     = 30 // seconds, ASVS 5.0 6.6.3
	totpAround     = 1  // steps to either side of the app's clock, RFC 6238 §5.2
	totpFirst      = 10 // the same at the first code, which tells how the app's clock goes (RFC 6238 §6)
	totpSetUpFor   = 15 * time.Minute
)

// SetUpAuthenticator begins to give a member an app. One that is there stays in
// use until the new one is confirmed.
func (s *Service) SetUpAuthenticator(ctx context.Context, q ChangeRequest) (out AuthenticatorSetUp, err error) {
	err = s.change(ctx, q, authenticatorAction(q, "add"), func(tx *db.Tx) error {
		m, err := s.members.ByIDTx(ctx, tx, q.Session.MemberID)
		if err != nil {
			return err
		}
		secret := make([]byte, totpSecretSize)
		_, _ = rand.Read(secret) // never fails (crypto/rand)
		if out, err = s.setUp(db.NewID(), m.Username, secret, tx.Now.Add(totpSetUpFor)); err != nil {
			return err
		}
		return s.insertTOTP(ctx, tx, out.ID, q.Session.MemberID, secret)
	})
	return out, err
}

// PendingAuthenticator gives a set-up that waits for its first code once more,
// for the page that shows it. Errors: NotFound for one that is over or in use.
func (s *Service) PendingAuthenticator(ctx context.Context, q ChangeRequest, id string) (out AuthenticatorSetUp, err error) {
	if !db.ValidID(id) {
		return out, noAuthenticator()
	}
	err = s.change(ctx, q, authenticatorAction(q, "add"), func(tx *db.Tx) error {
		a, err := readAuthenticator(ctx, tx, `id = $1 AND member_id = $2 AND confirmed_at = 0`, id, q.Session.MemberID)
		if err == db.ErrNoRows || err == nil && tx.Now.Sub(a.createdAt) > totpSetUpFor {
			return noAuthenticator()
		}
		if err != nil {
			return err
		}
		m, err := s.members.ByIDTx(ctx, tx, q.Session.MemberID)
		if err != nil {
			return err
		}
		secret, err := s.key.Open(a.sealed, totpContext(id))
		if err != nil {
			return err
		}
		out, err = s.setUp(id, m.Username, secret, a.createdAt.Add(totpSetUpFor))
		return err
	})
	return out, err
}

// setUp writes a secret as apps read it.
func (s *Service) setUp(id, username string, secret []byte, until time.Time) (AuthenticatorSetUp, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.conf.Brand, AccountName: username, Secret: secret, Period: totpPeriod})
	if err != nil {
		return AuthenticatorSetUp{}, fmt.Errorf("signin: authenticator: %w", err)
	}
	return AuthenticatorSetUp{ID: id, Secret: key.Secret(), URI: key.URL(), ExpiresAt: until}, nil
}

func authenticatorAction(q ChangeRequest, what string) Action {
	return Action{Kind: "authenticator", Parts: []string{q.Session.MemberID, what}}
}

func (s *Service) insertTOTP(ctx context.Context, tx *db.Tx, id, memberID string, secret []byte) error {
	sealed, err := s.key.Seal(secret, totpContext(id))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM authenticator WHERE member_id = $1 AND confirmed_at = 0`, memberID); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO authenticator (id, member_id, secret, created_at, confirmed_at, removed_at, step, drift, last_used_at)
		VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0)`, id, memberID, sealed, db.Micros(tx.Now))
	return err
}

func totpContext(id string) []byte { return []byte("authenticator/" + id) }

// authenticator is a row of the table.
type authenticator struct {
	id                          string
	sealed                      []byte
	createdAt, confirmedAt, use time.Time
	step, drift                 int64 // last step that was used; how far the app's clock is ahead, in steps
}

const authenticatorColumns = `id, secret, created_at, confirmed_at, last_used_at, step, drift`

// readAuthenticator reads and locks one that is not removed; db.ErrNoRows when there is none.
func readAuthenticator(ctx context.Context, tx *db.Tx, where string, args ...any) (a authenticator, err error) {
	var created, confirmed, used int64
	err = tx.QueryRow(ctx, `SELECT `+authenticatorColumns+` FROM authenticator WHERE removed_at = 0 AND `+where+forUpdate(tx), args...).
		Scan(&a.id, &a.sealed, &created, &confirmed, &used, &a.step, &a.drift)
	a.createdAt, a.confirmedAt, a.use = db.FromMicros(created), db.FromMicros(confirmed), db.FromMicros(used)
	return a, err
}

// ConfirmAuthenticator takes an app into use with a first code of it, and the
// one before out of use. Errors: NotFound for a set-up that is over, Invalid for
// a code that is not of this app, TooMany after too many of those.
func (s *Service) ConfirmAuthenticator(ctx context.Context, q ChangeRequest, id, code string) error {
	typed, err := readCode(code)
	if err != nil {
		return err
	}
	if len(typed) != codeDigits {
		return fault.InvalidField("body.code", "authenticator.code", "This is not the code that the app shows now.")
	}
	if !db.ValidID(id) {
		return noAuthenticator()
	}
	var refusal error
	err = s.change(ctx, q, authenticatorAction(q, "add"), func(tx *db.Tx) error {
		refusal, err = s.confirmTOTP(ctx, tx, q, id, typed)
		return err
	})
	if err == nil {
		err = refusal
	}
	return err
}

func (s *Service) confirmTOTP(ctx context.Context, tx *db.Tx, q ChangeRequest, id, typed string) (refusal, err error) {
	memberID := q.Session.MemberID
	a, err := readAuthenticator(ctx, tx, `id = $1 AND member_id = $2`, id, memberID)
	switch {
	case err == db.ErrNoRows || err == nil && a.confirmedAt.IsZero() && tx.Now.Sub(a.createdAt) > totpSetUpFor:
		return noAuthenticator(), nil
	case err != nil || !a.confirmedAt.IsZero():
		return nil, err // confirmed before: the same form was sent twice
	}
	limits := []gauge{s.gauge(perDead(), memberID, id)}
	if err := read(ctx, tx, limits, true); err != nil {
		return nil, err
	}
	if refusal := blocked(limits, tx.Now); refusal != nil {
		return refusal, nil
	}
	step, ok, err := s.step(a, typed, tx.Now, totpFirst)
	if err != nil {
		return nil, err
	}
	if !ok {
		return fault.InvalidField("body.code", "authenticator.code", "This is not the code that the app shows now."), count(ctx, tx, limits)
	}
	if err := takeIntoUse(ctx, tx, memberID, id, step); err != nil {
		return nil, err
	}
	return nil, s.altered(ctx, tx, q, "authenticator", id, "added")
}

func takeIntoUse(ctx context.Context, tx *db.Tx, memberID, id string, step int64) error {
	now := db.Micros(tx.Now)
	if _, err := tx.Exec(ctx, `UPDATE authenticator SET removed_at = $2 WHERE member_id = $1 AND confirmed_at > 0 AND removed_at = 0`, memberID, now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE authenticator SET confirmed_at = $2, last_used_at = $2, step = $3, drift = $4 WHERE id = $1`,
		id, now, step, step-stepAt(tx.Now))
	return err
}

// altered tells everybody who must know about a change of what a member signs in
// with: the member, the audit log, and those who follow changes.
func (s *Service) altered(ctx context.Context, tx *db.Tx, q ChangeRequest, what, id, how string) error {
	if err := changed(ctx, tx, what, id, how, db.Micros(tx.Now), q.Session.MemberID); err != nil {
		return err
	}
	if err := s.tell(ctx, tx, q.Session.MemberID, what+"-"+how, q.Client); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: q.Session.MemberID, Action: "signin." + what + "-" + how, Object: what, ObjectID: id, Outcome: audit.OK, From: q.Client.IP,
	})
}

// RemoveAuthenticator takes a member's app out of use, or gives fault.NotFound.
// Codes by message remain, so it is never the last way in.
func (s *Service) RemoveAuthenticator(ctx context.Context, q ChangeRequest, id string) error {
	if !db.ValidID(id) {
		return noAuthenticator()
	}
	return s.change(ctx, q, authenticatorAction(q, "remove"), func(tx *db.Tx) error {
		m, err := s.memberIn(ctx, tx, q.Session.MemberID)
		if err != nil {
			return err
		}
		if reachable, err := s.reachable(ctx, tx, m); err != nil {
			return err
		} else if !reachable {
			return fault.New(fault.Conflict, "authenticator.last", "This is the only way in which you can confirm that it is you. Please add another one first.")
		}
		n, err := tx.Exec(ctx, `UPDATE authenticator SET removed_at = $3 WHERE id = $1 AND member_id = $2 AND confirmed_at > 0 AND removed_at = 0`,
			id, q.Session.MemberID, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return noAuthenticator()
		}
		return s.altered(ctx, tx, q, "authenticator", id, "removed")
	})
}

func noAuthenticator() error {
	return fault.New(fault.NotFound, "authenticator.not-found", "We could not find this authenticator app. Please set it up once more.")
}

// Authenticator gives the member's app, or nil.
func (s *Service) Authenticator(ctx context.Context, sess Session) (info *AuthenticatorInfo, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var i AuthenticatorInfo
		var added, used int64
		err := tx.QueryRow(ctx, `SELECT id, confirmed_at, last_used_at FROM authenticator WHERE member_id = $1 AND confirmed_at > 0 AND removed_at = 0`, sess.MemberID).
			Scan(&i.ID, &added, &used)
		if err == db.ErrNoRows {
			return nil
		}
		i.AddedAt, i.LastUsedAt = db.FromMicros(added), db.FromMicros(used)
		info = &i
		return err
	})
	return info, err
}

// hasAuthenticator tells whether a member can be asked for an app's code.
func hasAuthenticator(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM authenticator WHERE member_id = $1 AND confirmed_at > 0 AND removed_at = 0`, memberID).Scan(&n)
	return n > 0, err
}

// byApp tells whether typed is the code that the member's app shows, which
// counts once (RFC 6238 §5.2): codes of its step and before are over then.
func (s *Service) byApp(ctx context.Context, tx *db.Tx, memberID, typed string) (bool, error) {
	a, err := readAuthenticator(ctx, tx, `member_id = $1 AND confirmed_at > 0`, memberID)
	if err == db.ErrNoRows {
		_, _, err := s.step(s.nobodys, typed, tx.Now, totpAround) // it takes as long
		return false, err
	}
	if err != nil {
		return false, err
	}
	step, ok, err := s.step(a, typed, tx.Now, totpAround)
	if err != nil || !ok || step <= a.step {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE authenticator SET step = $2, drift = $3, last_used_at = $4 WHERE id = $1`,
		a.id, step, step-stepAt(tx.Now), db.Micros(tx.Now))
	return err == nil, err
}

func stepAt(t time.Time) int64 { return t.Unix() / totpPeriod }

// step finds the step whose code was typed, at most around steps from where the
// app's clock is thought to be. It looks at all of them, whichever is right.
func (s *Service) step(a authenticator, typed string, now time.Time, around int64) (step int64, ok bool, err error) {
	secret, err := s.key.Open(a.sealed, totpContext(a.id))
	if err != nil {
		return 0, false, err
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	middle := stepAt(now) + a.drift
	for at := middle - around; at <= middle+around; at++ {
		code, err := totp.GenerateCodeCustom(text, time.Unix(at*totpPeriod, 0), totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix})
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(typed)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok, nil
}
