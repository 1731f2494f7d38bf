package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"standfast/internal/db"
)

// Statuses of a message.
const (
	Queued = "queued"
	Sent   = "sent"   // the other side took it
	Failed = "failed" // given up: refused, out of tries, or of no use any more
)

// Status is what is kept about a message.
type Status struct {
	ID        string
	Channel   Channel
	Template  string
	To        string // masked
	Status    string // Queued, Sent or Failed
	Attempts  int
	Problem   string // why the last try failed; names neither address nor contents
	About     string
	Delivery  State
	ToldAt    time.Time // when Delivery last changed
	CreatedAt time.Time
	EndedAt   time.Time // sent or given up
}

const statusQuery = `SELECT id, channel, template, masked_to, status, attempts, problem, about, delivery, told_at, created_at, ended_at FROM notification`

// History gives what a member was sent, newest first.
func (n *Notifier) History(ctx context.Context, memberID string, limit int) (all []Status, err error) {
	err = n.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, statusQuery+` WHERE member_id = $1 ORDER BY id DESC LIMIT $2`, memberID, limit)
		all, err = db.Collect(rows, err, scanStatus)
		return err
	})
	return all, err
}

func scanStatus(rows *sql.Rows) (s Status, err error) {
	var told, created, ended int64
	err = rows.Scan(&s.ID, &s.Channel, &s.Template, &s.To, &s.Status, &s.Attempts, &s.Problem, &s.About, &s.Delivery, &told, &created, &ended)
	s.ToldAt, s.CreatedAt, s.EndedAt = db.FromMicros(told), db.FromMicros(created), db.FromMicros(ended)
	return s, err
}

func insert(ctx context.Context, tx *db.Tx, id, locale string, m Message, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO notification (id, member_id, channel, template, locale, masked_to, sealed, status, attempts, problem, about, delivery, told_at, handed_as, created_at, useless_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', 0, '', $8, '', 0, '', $9, $10, 0)`,
		id, m.MemberID, string(m.Channel), m.Template, locale, Masked(m.To), sealed, m.About, db.Micros(tx.Now), db.Micros(m.Until))
	return err
}

// waiting is a queued message as it is stored.
type waiting struct {
	id      string
	channel Channel
	locale  string
	sealed  []byte
	useless time.Time // zero for never
}

// load gives a message that is still to be sent; ok is false when it is not.
func (n *Notifier) load(ctx context.Context, id string) (w waiting, ok bool, err error) {
	w.id = id
	var useless int64
	err = n.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT channel, locale, sealed, useless_at FROM notification WHERE id = $1 AND status = 'queued'`, id).
			Scan(&w.channel, &w.locale, &w.sealed, &useless)
	})
	if errors.Is(err, db.ErrNoRows) {
		return waiting{}, false, nil
	}
	w.useless = db.FromMicros(useless)
	return w, err == nil, err
}

// lostAfter is when contents are wiped that no job came for.
const lostAfter = 24 * time.Hour

// taken records that the other side has a message. A receipt that was faster
// stands.
func (n *Notifier) taken(ctx context.Context, w waiting, h Handed) error {
	return n.db.WithTx(ctx, func(tx *db.Tx) error {
		if h.ID != "" {
			if _, err := tx.Exec(ctx, `UPDATE notification SET handed_as = $2 WHERE id = $1`, w.id, h.ID); err != nil {
				return err
			}
		}
		if _, err := raise(ctx, tx, w.channel, `id`, w.id, h.State); err != nil {
			return err
		}
		return settled(ctx, tx, w.id, Sent, "")
	})
}

// settle records a try that the other side did not take.
func (n *Notifier) settle(ctx context.Context, id, status, problem string) error {
	return n.db.WithTx(ctx, func(tx *db.Tx) error { return settled(ctx, tx, id, status, problem) })
}

// settled records a try. A message that ended loses its contents with it.
func settled(ctx context.Context, tx *db.Tx, id, status, problem string) error {
	if status == Queued {
		_, err := tx.Exec(ctx, `UPDATE notification SET attempts = attempts + 1, problem = $2 WHERE id = $1 AND status = 'queued'`, id, problem)
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE notification SET attempts = attempts + 1, problem = $2, status = $3, ended_at = $4, sealed = NULL
		WHERE id = $1 AND status = 'queued'`, id, problem, status, db.Micros(tx.Now)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE notification SET status = 'failed', problem = 'lost', ended_at = $1, sealed = NULL
		WHERE sealed IS NOT NULL AND created_at < $2`, db.Micros(tx.Now), db.Micros(tx.Now.Add(-lostAfter)))
	return err
}
