package signin

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// minPassword is NIST SP 800-63B-4's minimum, in characters, for a password that
// is always joined by a second factor: a remembered device or a code.
const minPassword = 8

// NormalPassword gives the form in which passwords are hashed and looked up.
func NormalPassword(p string) string { return normalPassword(p) }

// normalPassword gives the one form of a password that can be typed in several
// (RFC 8265 §4.2: other spaces become the space, then NFC).
func normalPassword(p string) string {
	p = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, p)
	return norm.NFC.String(p)
}

// allowed holds a new password to the rules: its length, and that it is none of
// the first that a guesser tries. There are no rules of composition.
func allowed(password string, about ...string) error {
	refuse := func(code, message string) error {
		return fault.InvalidField("body.new_password", "password."+code, message)
	}
	switch {
	case len(password) > maxPassword:
		return refuse("too-long", "A password has at most 256 bytes.")
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return refuse("not-text", "A password is text without control characters.")
	case utf8.RuneCountInString(password) < minPassword:
		return refuse("too-short", "A password has at least 8 characters.")
	case guessable(password, about):
		return refuse("guessable", "This password is among the first that others would try. Please choose another.")
	}
	return nil
}

// Breached knows passwords that were stolen somewhere. What it cannot tell it
// says by an error that is Unavailable, and the password is not taken.
type Breached interface {
	Holds(password string) (bool, error)
}

// fit holds a new password to the rules and to the lists of stolen ones,
// as a whole (NIST SP 800-63B-4 §3.1.1.2). about are words on the member.
func (s *Service) fit(password string, about ...string) error {
	if err := allowed(password, append(about, s.conf.Cell, s.conf.Brand)...); err != nil {
		return err
	}
	if s.conf.Breached == nil {
		return nil
	}
	stolen, err := s.conf.Breached.Holds(password)
	if err == nil && stolen {
		err = fault.InvalidField("body.new_password", "password.breached", "This password was among data stolen elsewhere, so others will try it. Please choose another.")
	}
	return err
}

// SetPassword gives a member a password, in the caller's transaction. It hashes
// there, so it is for making members, not for serving requests. Errors: Invalid
// when the password breaks a rule.
func (s *Service) SetPassword(ctx context.Context, tx *db.Tx, memberID, password string) error {
	password = normalPassword(password)
	if err := s.fit(password); err != nil {
		return err
	}
	h, err := s.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store(ctx, tx, memberID, h, "system")
}

// SetPasswordHash gives a member a password that was hashed elsewhere, in a form
// that parsePHC reads; the next sign-in replaces it. Errors: Invalid when it cannot be read or costs too much.
func (s *Service) SetPasswordHash(ctx context.Context, tx *db.Tx, memberID, hash string) error {
	if err := CheckPasswordHash(hash); err != nil {
		return err
	}
	h, err := parsePHC(hash)
	if err != nil {
		return err
	}
	return s.store(ctx, tx, memberID, h, "system")
}

// CheckPasswordHash says beforehand whether SetPasswordHash refuses a hash.
func CheckPasswordHash(hash string) error {
	_, err := parsePHC(hash)
	if err == nil {
		return nil
	}
	e := fault.InvalidField("password_hash", "password.hash", "This is not a password hash that can be read (argon2, bcrypt or PBKDF2 in PHC form).")
	e.Cause = err
	return e
}

// store replaces the password and with it everything that the old one has open.
func (s *Service) store(ctx context.Context, tx *db.Tx, memberID string, h verifier, actor string) error {
	var version int64
	err := tx.QueryRow(ctx, `INSERT INTO credential (member_id, phc, changed_at, version) VALUES ($1, $2, $3, 1)
		ON CONFLICT (member_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at, version = credential.version + 1
		RETURNING version`, memberID, h.String(), db.Micros(tx.Now)).Scan(&version)
	if err != nil {
		return err
	}
	if err := closeChallenges(ctx, tx, `member_id = $1`, memberID); err != nil {
		return err
	}
	// Codes go only to who had the old password, so their counts end with it too:
	// else somebody who knew it could shut the member out for good.
	spent := append(s.codeLimits(memberID), s.gauge(perName(), memberID, memberID), s.gauge(perKnown(), memberID, memberID))
	if err := forgive(ctx, tx, spent); err != nil {
		return err
	}
	if err := changed(ctx, tx, "credential", memberID, "password-set", version, memberID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: actor, ActorID: memberID, Action: "signin.password-set", Object: "member", ObjectID: memberID, Outcome: audit.OK})
}

// ByPasskeyAlone tells whether a session was begun just now by a passkey and
// without the password. Its member may have forgotten that, and has proved more
// than it would: a new one can be set without it.
func (s *Service) ByPasskeyAlone(sess Session) bool {
	return slices.Contains(sess.Methods, byVerified) && !slices.Contains(sess.Methods, byPassword) && !slices.Contains(sess.Methods, byStandIn) &&
		s.now().Sub(sess.AuthenticatedAt) <= changeAfterProof
}

// ChangePassword replaces the session's member's password. All sessions end, and
// this one goes on as a new one; the member is told. The old one may be "" where
// ByPasskeyAlone. Errors: Forbidden when the old one is wrong,
// Invalid when the new one breaks a rule, TooMany after too many wrong ones.
func (s *Service) ChangePassword(ctx context.Context, sess Session, old, new string, c Client) (Outcome, error) {
	m, err := s.members.ByID(ctx, sess.MemberID)
	if err != nil {
		return Outcome{}, err
	}
	new = normalPassword(new)
	if err := s.fit(new, m.Username, m.DisplayName, m.Email); err != nil {
		return Outcome{}, err
	}
	who, err := s.owner(ctx, sess)
	if err != nil {
		return Outcome{}, err
	}
	if err := blocked(who.limits, s.now()); err != nil {
		return Outcome{}, err
	}
	right := old == "" && s.ByPasskeyAlone(sess)
	if !right {
		if right, err = s.hashes.matches(ctx, who.hash, normalPassword(old)); err != nil {
			return Outcome{}, err
		}
	}
	h, err := s.hashes.hash(ctx, new)
	if err != nil {
		return Outcome{}, err
	}
	return s.replace(ctx, sess, who, right, h, c)
}

// owner is the claimant of a session, counted apart from sign-ins: the session
// is proof enough that strangers' guesses must not count against it.
func (s *Service) owner(ctx context.Context, sess Session) (who claimant, err error) {
	who.member.ID = sess.MemberID
	who.limits = []gauge{s.gauge(perKnown(), sess.MemberID, sess.MemberID), s.gauge(perDevice(), sess.MemberID, sess.ID)}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if err := who.load(ctx, tx); err != nil {
			return err
		}
		return read(ctx, tx, who.limits, false)
	})
	return who, err
}

func (s *Service) replace(ctx context.Context, sess Session, who claimant, right bool, h verifier, c Client) (out Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = Outcome{}, nil
		version, err := lockCredential(ctx, tx, sess.MemberID) // first, as everywhere, or two transactions could wait for each other
		if err != nil {
			return err
		}
		if err := read(ctx, tx, who.limits, true); err != nil {
			return err
		}
		if refusal = blocked(who.limits, tx.Now); refusal != nil {
			return nil
		}
		if !right || version != who.version {
			refusal = fault.New(fault.Forbidden, "password.wrong", "Your present password is not right.")
			return s.refuse(ctx, tx, who, c)
		}
		if err := s.store(ctx, tx, sess.MemberID, h, "member"); err != nil {
			return err
		}
		if err := endClaims(ctx, tx, sess.MemberID); err != nil {
			return err
		}
		if out.Session, err = s.goOnAlone(ctx, tx, sess, "password-changed", c); err != nil {
			return err
		}
		return s.tell(ctx, tx, sess.MemberID, "password-changed", c)
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// goOnAlone ends all of a member's sessions and gives the one that asks a new
// one: whoever has a copy of its token stays behind (ASVS 5.0, 7.2.4 and 7.4.3).
func (s *Service) goOnAlone(ctx context.Context, tx *db.Tx, sess Session, reason string, c Client) (*Issued, error) {
	var open int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM session WHERE id = $1 AND ended_at = 0`, sess.ID).Scan(&open)
	if err != nil {
		return nil, err
	}
	if open == 0 { // it was ended while the member was typing
		return nil, signedOut()
	}
	if err := s.cutOff(ctx, tx, sess.MemberID, reason); err != nil {
		return nil, err
	}
	began, err := beginning(ctx, tx, sess.MemberID)
	if err != nil {
		return nil, err
	}
	return s.establish(ctx, tx, token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: sess.MemberID, DeviceID: sess.DeviceID,
		AuthenticatedAt: began, ProvedAt: sess.ProvedAt, Expires: sess.ExpiresAt, Methods: sess.Methods}, c)
}
