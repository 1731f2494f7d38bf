package signin

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// Methods of a session (RFC 8176; a remembered device has no value there).
const (
	byPassword = "pwd"
	byCode     = "otp"
	byDevice   = "device"   // a remembered device
	byKey      = "pop"      // and its key, proved
	byRecovery = "recovery" // a recovery code
	byVerified = "user"     // a passkey that verified its user
	byStandIn  = "standin"  // and it was the cell's stand-in that verified the passkey, by what it knew
)

// open makes a session and ends the one that the client had before.
func (s *Service) open(ctx context.Context, tx *db.Tx, memberID, deviceID string, methods []string, c Client) (*Issued, error) {
	began, err := beginning(ctx, tx, memberID)
	if err != nil {
		return nil, err
	}
	claims := token.Claims{
		Kind: token.KindSession, ID: db.NewID(), MemberID: memberID, DeviceID: deviceID,
		AuthenticatedAt: began, Expires: tx.Now.Add(s.conf.SessionMax), Methods: methods,
	}
	if proved(methods) {
		claims.ProvedAt = tx.Now
	}
	return s.establish(ctx, tx, claims, c)
}

// establish stores a session and gives its first token.
func (s *Service) establish(ctx context.Context, tx *db.Tx, claims token.Claims, c Client) (*Issued, error) {
	now := db.Micros(tx.Now)
	_, err := tx.Exec(ctx, `INSERT INTO session (id, member_id, device_id, device_name, ip, methods, created_at, expires_at, last_used_at, proved_at, stepped_up_at, ended_at, end_reason, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '', 1)`,
		claims.ID, claims.MemberID, claims.DeviceID, agentName(c.UserAgent), c.IP, strings.Join(claims.Methods, " "), db.Micros(claims.AuthenticatedAt), db.Micros(claims.Expires), now, db.Micros(claims.ProvedAt))
	if err != nil {
		return nil, err
	}
	if err := s.supersede(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := changed(ctx, tx, "session", claims.ID, "opened", 1, claims.MemberID); err != nil {
		return nil, err
	}
	return s.issue(claims, tx.Now)
}

func (s *Service) issue(c token.Claims, now time.Time) (*Issued, error) {
	tok, err := s.sign(c, now)
	if err != nil {
		return nil, err
	}
	return &Issued{ID: c.ID, Token: tok, ExpiresAt: c.Expires}, nil
}

// supersede ends the session whose token the client sent along with a new
// sign-in (ASVS 5.0, 7.2.4). A token that cannot be read is left alone.
func (s *Service) supersede(ctx context.Context, tx *db.Tx, c Client) error {
	if c.SessionToken == "" {
		return nil
	}
	old, err := s.ring.Read(c.SessionToken)
	if err != nil || old.Kind != token.KindSession {
		return nil
	}
	_, err = s.end(ctx, tx, "signed-in-again", `id = $1 AND member_id = $2`, old.ID, old.MemberID)
	return err
}

// reissue gives a new token for a session that is still open.
func (s *Service) reissue(ctx context.Context, tx *db.Tx, id string) (*Issued, error) {
	var c token.Claims
	var methods string
	var created, expires, proved, ended int64
	err := tx.QueryRow(ctx, `SELECT id, member_id, device_id, methods, created_at, expires_at, proved_at, ended_at FROM session WHERE id = $1`, id).
		Scan(&c.ID, &c.MemberID, &c.DeviceID, &methods, &created, &expires, &proved, &ended)
	if err != nil {
		return nil, err
	}
	if ended != 0 {
		return nil, codeOver(signIn)
	}
	c.Kind, c.Methods = token.KindSession, strings.Fields(methods)
	c.AuthenticatedAt, c.Expires, c.ProvedAt = db.FromMicros(created), db.FromMicros(expires), db.FromMicros(proved)
	return s.issue(c, tx.Now)
}

// end closes the open sessions that match, and revokes their tokens: for other
// processes in the same transaction, for this one as soon as it has committed.
func (s *Service) end(ctx context.Context, tx *db.Tx, reason, where string, args ...any) (int, error) {
	n := len(args)
	rows, err := tx.Query(ctx, `UPDATE session SET ended_at = `+arg(n+1)+`, end_reason = `+arg(n+2)+`, version = version + 1
		WHERE ended_at = 0 AND `+where+` RETURNING id, member_id, expires_at, version`, append(slices.Clone(args), db.Micros(tx.Now), reason)...)
	list, err := db.Collect(rows, err, scanEnded)
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		if err := e.revoke(ctx, tx); err != nil {
			return 0, err
		}
	}
	tx.AfterCommit(func() {
		for _, e := range list {
			s.revoked.Add(token.Revocation{Subject: e.id, Keep: e.expires})
		}
	})
	return len(list), nil
}

type ended struct {
	id, memberID string
	expires      time.Time
	version      int64
}

func scanEnded(r *sql.Rows) (e ended, err error) {
	var expires int64
	err = r.Scan(&e.id, &e.memberID, &expires, &e.version)
	e.expires = db.FromMicros(expires)
	return e, err
}

func (e ended) revoke(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO revocation (id, subject, at, keep) VALUES ($1, $2, $3, $4)`, db.NewID(), e.id, db.Micros(tx.Now), db.Micros(e.expires))
	if err != nil {
		return err
	}
	return changed(ctx, tx, "session", e.id, "ended", e.version, e.memberID)
}

// SignOut ends the session. The device stays known.
func (s *Service) SignOut(ctx context.Context, sess Session) error {
	return s.endSessions(ctx, sess, "signin.sign-out", "session", sess.ID, func(tx *db.Tx) error {
		n, err := s.end(ctx, tx, "signed-out", `id = $1 AND member_id = $2`, sess.ID, sess.MemberID)
		if err == nil && n == 0 {
			return s.endUnrecorded(ctx, tx, sess.ID, sess.MemberID, sess.ExpiresAt)
		}
		return err
	})
}

// SignOutEverywhere ends all sessions of the member, this one too. Devices stay known.
func (s *Service) SignOutEverywhere(ctx context.Context, sess Session) error {
	return s.endSessions(ctx, sess, "signin.sign-out-everywhere", "member", sess.MemberID, func(tx *db.Tx) error {
		return s.cutOff(ctx, tx, sess.MemberID, "signed-out-everywhere")
	})
}

// EndSession ends one of the member's sessions, or gives fault.NotFound.
func (s *Service) EndSession(ctx context.Context, sess Session, id string) error {
	if !db.ValidID(id) {
		return noSession()
	}
	return s.endSessions(ctx, sess, "signin.end-session", "session", id, func(tx *db.Tx) error {
		n, err := s.end(ctx, tx, "ended-by-member", `id = $1 AND member_id = $2`, id, sess.MemberID)
		if err == nil && n == 0 {
			return noSession()
		}
		return err
	})
}

// endSessions runs a sign-out behind the member's lock, so that a sign-in that
// happens at the same time comes either before it and is ended, or after it.
func (s *Service) endSessions(ctx context.Context, sess Session, action, object, id string, work func(tx *db.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := lockCredential(ctx, tx, sess.MemberID); err != nil && err != db.ErrNoRows {
			return err
		}
		if err := work(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: sess.MemberID, Action: action, Object: object, ObjectID: id, Outcome: audit.OK})
	})
}

func noSession() error {
	return fault.New(fault.NotFound, "session.not-found", "We could not find this session. It may have ended.")
}

// Sessions lists the member's open sessions, the newest first.
func (s *Service) Sessions(ctx context.Context, sess Session) (list []SessionInfo, err error) {
	now := s.now()
	err = s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, device_name, ip, created_at, last_used_at, expires_at FROM session
			WHERE member_id = $1 AND ended_at = 0 AND expires_at > $2 AND last_used_at > $3 ORDER BY created_at DESC, id DESC`,
			sess.MemberID, db.Micros(now), db.Micros(now.Add(-s.conf.SessionIdle-seenEvery)))
		list, err = db.Collect(rows, err, func(r *sql.Rows) (i SessionInfo, err error) {
			var created, used, expires int64
			err = r.Scan(&i.ID, &i.DeviceName, &i.IP, &created, &used, &expires)
			i.SignedInAt, i.LastUsedAt, i.ExpiresAt = db.FromMicros(created), db.FromMicros(used), db.FromMicros(expires)
			i.Current, i.Place = i.ID == sess.ID, s.conf.Place(i.IP)
			return i, err
		})
		return err
	})
	return list, err
}

// arg names the nth argument of a query.
func arg(n int) string { return "$" + string(rune('0'+n)) }

// changed puts a change of sign-in's own records into the outbox.
func changed(ctx context.Context, tx *db.Tx, entity, id, kind string, version int64, memberID string) error {
	return outbox.Append(ctx, tx, outbox.Change{Entity: entity, EntityID: id, Kind: kind, Version: version, Payload: map[string]string{"member_id": memberID}})
}
