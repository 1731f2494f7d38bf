package signin

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// AskedCode is one time that somebody who knew the member's password, or was
// signed in, asked for a code.
type AskedCode struct {
	At       time.Time
	Purpose  string // "sign-in", "step-up", …
	Device   string // as the browser calls itself
	IP       string
	Messages int
	Used     bool // the code was given
}

const (
	showAsked = 30 * 24 * time.Hour // how far back a member sees them
	maxAsked  = 50
	// manyAsked unused codes are worth telling the member; one or two are typing
	// errors and closed windows.
	manyAsked = 3
)

// requested notes that a challenge's code was asked for, and messages of it.
func requested(ctx context.Context, tx *db.Tx, c challenge, messages int) error {
	_, err := tx.Exec(ctx, `INSERT INTO code_request (id, member_id, scope, reference, purpose, device_name, ip, asked_at, messages)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET messages = code_request.messages + excluded.messages`,
		c.id, c.memberID, bytesOf(c.scope), newReference(), string(c.purpose), agentName(c.from.UserAgent), c.from.IP, db.Micros(tx.Now), messages)
	return err
}

func referenceOf(ctx context.Context, tx *db.Tx, id string) (reference string, err error) {
	err = tx.QueryRow(ctx, `SELECT reference FROM code_request WHERE id = $1`, id).Scan(&reference)
	if err == db.ErrNoRows {
		err = nil
	}
	return reference, err
}

// AskedCodes lists when codes were asked for, the newest first.
func (s *Service) AskedCodes(ctx context.Context, sess Session) (list []AskedCode, err error) {
	since := db.Micros(s.now().Add(-showAsked))
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT r.asked_at, r.purpose, r.device_name, r.ip, r.messages, COALESCE(c.used_at, 0)
			FROM code_request r LEFT JOIN challenge c ON c.id = r.id WHERE r.member_id = $1 AND r.asked_at >= $2
			ORDER BY r.asked_at DESC, r.id DESC LIMIT $3`, sess.MemberID, since, maxAsked)
		list, err = db.Collect(rows, err, func(r *sql.Rows) (a AskedCode, err error) {
			var at, used int64
			err = r.Scan(&at, &a.Purpose, &a.Device, &a.IP, &a.Messages, &used)
			a.At, a.Used = db.FromMicros(at), used != 0
			return a, err
		})
		return err
	})
	return list, err
}

// Bombing is what a member is told about codes that nobody used.
type Bombing struct {
	Messages int
	Device   string // of the last one
	IP       string
	At       time.Time
}

// Bombed tells how many messages with codes went out that were never used since
// the member last looked; zero Messages while they are few.
func (s *Service) Bombed(ctx context.Context, sess Session) (b Bombing, err error) {
	const unused = ` FROM code_request r LEFT JOIN challenge c ON c.id = r.id WHERE r.member_id = $1 AND r.asked_at > $2 AND COALESCE(c.used_at, 0) = 0`
	since, at := db.Micros(s.now().Add(-showAsked)), int64(0)
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var seen int64
		err := tx.QueryRow(ctx, `SELECT seen_at FROM code_preference WHERE member_id = $1`, sess.MemberID).Scan(&seen)
		if err != nil && err != db.ErrNoRows {
			return err
		}
		since = max(since, seen)
		if err := tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(r.messages), 0) AS BIGINT)`+unused, sess.MemberID, since).Scan(&b.Messages); err != nil || b.Messages < manyAsked {
			return err
		}
		return tx.QueryRow(ctx, `SELECT r.device_name, r.ip, r.asked_at`+unused+` ORDER BY r.asked_at DESC, r.id DESC LIMIT 1`, sess.MemberID, since).
			Scan(&b.Device, &b.IP, &at)
	})
	if err != nil || b.Messages < manyAsked {
		return Bombing{}, err
	}
	b.At = db.FromMicros(at)
	return b, nil
}

// SeenCodes notes that the member has read the list of codes.
func (s *Service) SeenCodes(ctx context.Context, sess Session) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE code_preference SET seen_at = $2 WHERE member_id = $1`, sess.MemberID, db.Micros(tx.Now))
		if err != nil || changed > 0 {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO code_preference (member_id, ways, by_itself, changed_at, seen_at) VALUES ($1, $2, $3, 0, $4)
			ON CONFLICT (member_id) DO UPDATE SET seen_at = excluded.seen_at`, sess.MemberID, "text voice email", false, db.Micros(tx.Now))
		return err
	})
}

// CodeTrouble is what stands behind the reference that a member reads out.
type CodeTrouble struct {
	MemberID    string
	ChallengeID string // "" when no code could be sent
	AskedCode
}

// Trouble finds a reference, for an agent. Errors: NotFound.
func (s *Service) Trouble(ctx context.Context, reference string) (t CodeTrouble, err error) {
	r := strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(reference, "-", " ")), ""))
	if len(r) == referenceLength {
		r = r[:4] + "-" + r[4:]
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		var at, used int64
		err := tx.QueryRow(ctx, `SELECT r.member_id, r.asked_at, r.purpose, r.device_name, r.ip, r.messages, COALESCE(c.used_at, 0), COALESCE(CAST(c.id AS TEXT), '')
			FROM code_request r LEFT JOIN challenge c ON c.id = r.id WHERE r.reference = $1`, r).
			Scan(&t.MemberID, &at, &t.Purpose, &t.Device, &t.IP, &t.Messages, &used, &t.ChallengeID)
		t.At, t.Used = db.FromMicros(at), used != 0
		return err
	})
	if err == db.ErrNoRows {
		return CodeTrouble{}, fault.New(fault.NotFound, "signin.reference", "There is no such reference.")
	}
	return t, err
}

// stranded gives the answer to somebody whom no code can reach a reference for
// the telephone, and passes every other error on. The same attempt asked again
// gets the same reference. It works after the transaction that was refused.
func (s *Service) stranded(ctx context.Context, cause error, c challenge) error {
	if cause == nil || fault.As(cause).Code != codeNoChannel {
		return cause
	}
	var reference string
	err := s.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		reference, err = s.strandedAs(ctx, tx, c)
		return err
	})
	if err != nil {
		return cause // the telephone number alone is better than no answer
	}
	refusal := noChannel().With("Reference", reference)
	refusal.Extra = map[string]any{"reference": reference}
	return refusal
}

func (s *Service) strandedAs(ctx context.Context, tx *db.Tx, c challenge) (reference string, err error) {
	if len(c.scope) > 0 {
		err = tx.QueryRow(ctx, `SELECT reference FROM code_request WHERE member_id = $1 AND scope = $2 AND messages = 0 AND asked_at > $3 ORDER BY asked_at DESC LIMIT 1`,
			c.memberID, c.scope, db.Micros(tx.Now.Add(-s.conf.CodeTTL))).Scan(&reference)
		if err != db.ErrNoRows {
			return reference, err
		}
	}
	c.id = db.NewID()
	if err := requested(ctx, tx, c, 0); err != nil {
		return "", err
	}
	return referenceOf(ctx, tx, c.id)
}
