package signin

import (
	"context"
	"database/sql"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/token"
)

// CutOffChange is a member's cut-off as followers of the outbox read it (entity
// "member-cutoff", its id the member's): whoever checks sessions on their own
// refuses those that were begun before it.
type CutOffChange struct {
	Format   int    `json:"v"` // 1
	MemberID string `json:"member_id"`
	Before   int64  `json:"before"` // microseconds
}

// cutOff ends everything that a member has open: each session by its own record,
// and all of them by one time, which holds even where somebody knows of a session
// that this database has lost. The caller holds the member's lock (lockCredential).
func (s *Service) cutOff(ctx context.Context, tx *db.Tx, memberID, reason string) error {
	before, err := s.afterAllOf(ctx, tx, memberID)
	if err != nil {
		return err
	}
	if _, err := s.end(ctx, tx, reason, `member_id = $1`, memberID); err != nil {
		return err
	}
	var version int64
	err = tx.QueryRow(ctx, `INSERT INTO member_cutoff (member_id, before, reason, at, version) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (member_id) DO UPDATE SET before = excluded.before, reason = excluded.reason, at = excluded.at, version = member_cutoff.version + 1
		RETURNING version`, memberID, db.Micros(before), reason, db.Micros(tx.Now)).Scan(&version)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { s.revoked.Add(s.cutOffOf(memberID, before)) })
	return outbox.Append(ctx, tx, outbox.Change{Entity: "member-cutoff", EntityID: memberID, Kind: "set", Version: version,
		Payload: CutOffChange{Format: 1, MemberID: memberID, Before: db.Micros(before)}})
}

// afterAllOf gives an instant that is not before now and after the beginning of
// each of the member's sessions, whatever clock that was taken from.
func (s *Service) afterAllOf(ctx context.Context, tx *db.Tx, memberID string) (time.Time, error) {
	var newest int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(created_at), 0) FROM session WHERE member_id = $1 AND ended_at = 0`, memberID).Scan(&newest)
	return latest(tx.Now, db.FromMicros(newest+1)), err
}

func (s *Service) cutOffOf(memberID string, before time.Time) token.Revocation {
	return token.Revocation{Subject: memberID, Before: before, Keep: before.Add(s.conf.SessionMax)}
}

// beginning is when a session that is made now begins: now, or at the member's
// cut-off, where this process's clock is behind the one that set it. Otherwise
// whoever signs in right after it would be signed out at once.
func beginning(ctx context.Context, tx *db.Tx, memberID string) (time.Time, error) {
	var before int64
	err := tx.QueryRow(ctx, `SELECT before FROM member_cutoff WHERE member_id = $1`, memberID).Scan(&before)
	if err == db.ErrNoRows {
		err = nil
	}
	return latest(tx.Now, db.FromMicros(before)), err
}

// cutOffsSince reads the cut-offs that were written since an instant and that a
// living session could still be older than.
func (s *Service) cutOffsSince(ctx context.Context, tx *db.Tx, since int64, now time.Time) ([]token.Revocation, error) {
	rows, err := tx.Query(ctx, `SELECT member_id, before FROM member_cutoff WHERE at >= $1 AND before > $2`, since, db.Micros(now.Add(-s.conf.SessionMax)))
	return db.Collect(rows, err, func(r *sql.Rows) (v token.Revocation, err error) {
		var id string
		var before int64
		err = r.Scan(&id, &before)
		return s.cutOffOf(id, db.FromMicros(before)), err
	})
}

// ReportMisuse is for a member who says that somebody else used the login. It
// ends every session, this one too, forgets all devices, makes open codes
// worthless, stops changes of contact that wait and tells the member. After it there is one way in: the password and
// a fresh code.
func (s *Service) ReportMisuse(ctx context.Context, sess Session, c Client) error {
	return s.endSessions(ctx, sess, "signin.report-misuse", "member", sess.MemberID, func(tx *db.Tx) error {
		if err := s.revokeAll(ctx, tx, sess.MemberID, "misuse-reported", true, c); err != nil {
			return err
		}
		return s.tell(ctx, tx, sess.MemberID, "misuse-reported", c)
	})
}

// forgetDevices removes all of a member's devices; copies of their identity that
// exist are worth nothing to this member ever again.
func (s *Service) forgetDevices(ctx context.Context, tx *db.Tx, memberID string) error {
	rows, err := tx.Query(ctx, `UPDATE device_trust SET removed_at = $2, tokens_from = $2, named = FALSE, public_key = $3, bound_at = 0, version = version + 1
		WHERE member_id = $1 AND removed_at = 0 RETURNING id`, memberID, db.Micros(tx.Now), []byte{})
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.deviceChanged(ctx, tx, id, "removed"); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: "signin.remove-device", Object: "device", ObjectID: id, Outcome: audit.OK}); err != nil {
			return err
		}
	}
	return nil
}
