package store

import (
	"context"
	"database/sql"
	"maps"
	"strings"
	"time"
)

// Session is one that was opened here.
type Session struct {
	ID        string
	MemberID  string
	DeviceID  string
	Methods   []string
	CreatedAt time.Time
	ExpiresAt time.Time
	IP        string
	UserAgent string
	Nonce     string // of the proof that it was opened with; "" for none
}

// Open stores a session and its advice. Where its proof has opened one before,
// which happens when an answer was lost, that one is given again; first is then
// false.
func (o *Own) Open(ctx context.Context, s Session) (stands Session, first bool, err error) {
	stands = s
	err = o.file.tx(ctx, func(tx *sql.Tx) error {
		if s.Nonce != "" {
			again, err := proofOf(ctx, tx, s)
			if err != nil || again.ID != "" {
				stands = again
				return err
			}
		}
		first = true
		if err := forgive(ctx, tx, s.MemberID, s.CreatedAt); err != nil {
			return err
		}
		return open(ctx, tx, s, nil)
	})
	return stands, first, unavailable(err)
}

// open stores a session and its advice, which says more about it where by does.
func open(ctx context.Context, tx *sql.Tx, s Session, by map[string]any) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO session (id, member_id, device_id, methods, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.ID, s.MemberID, s.DeviceID, strings.Join(s.Methods, " "), Micros(s.CreatedAt), Micros(s.ExpiresAt))
	if err != nil {
		return err
	}
	body := map[string]any{"session_id": s.ID, "device_id": s.DeviceID, "methods": s.Methods, "ip": s.IP, "user_agent": s.UserAgent, "expires_at": s.ExpiresAt}
	maps.Copy(body, by)
	_, err = advise(ctx, tx, NewID(), KindSessionOpened, s.CreatedAt, s.MemberID, body)
	return err
}

// proofOf uses a proof up. It gives the session that the proof has opened already.
func proofOf(ctx context.Context, tx *sql.Tx, s Session) (again Session, err error) {
	fresh, err := spend(ctx, tx, s.Nonce, s)
	if err != nil || fresh {
		return again, err
	}
	var created, expires int64
	var methods string
	err = tx.QueryRowContext(ctx, `SELECT s.id, s.member_id, s.device_id, s.methods, s.created_at, s.expires_at FROM proof p JOIN session s ON s.id = p.session_id WHERE p.nonce = $1`, s.Nonce).
		Scan(&again.ID, &again.MemberID, &again.DeviceID, &methods, &created, &expires)
	again.Methods, again.CreatedAt, again.ExpiresAt = strings.Fields(methods), Instant(created), Instant(expires)
	return again, err
}

// End ends a session, whoever opened it. keep is until when a token of it could
// still be good.
func (o *Own) End(ctx context.Context, id, memberID string, at, keep time.Time) error {
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO ended (id, keep_until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, Micros(keep))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = advise(ctx, tx, NewID(), KindSessionEnded, at, memberID, map[string]any{"session_id": id})
		return err
	}))
}

// Ended gives the sessions that were ended here and could still have a token, by
// id, with the time until which that is so.
func (o *Own) Ended(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	rows, err := o.file.read.QueryContext(ctx, `SELECT id, keep_until FROM ended WHERE keep_until > $1`, Micros(now))
	type ended struct {
		id   string
		keep int64
	}
	list, err := collect(rows, err, func(rows *sql.Rows) (e ended, err error) { return e, rows.Scan(&e.id, &e.keep) })
	all := make(map[string]time.Time, len(list))
	for _, e := range list {
		all[e.id] = Instant(e.keep)
	}
	return all, err
}
