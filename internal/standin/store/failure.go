package store

import (
	"context"
	"database/sql"
	"time"
)

// Failures are counted in rows: one that core has not been told of (seq 0), and
// one for each advice. An advice's row counts until core's own count, which then
// holds it too, must have reached us.

// Fail counts a wrong password at a browser that the member trusts.
func (o *Own) Fail(ctx context.Context, memberID string, at time.Time) error {
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO failure (member_id, seq, count, last_at, answered_at) VALUES ($1, 0, 1, $2, 0)
			ON CONFLICT (member_id, seq) DO UPDATE SET count = count + 1, last_at = excluded.last_at`, memberID, Micros(at))
		return err
	}))
}

// Failures gives how many wrong passwords were counted here since the last right
// one that core's count, complete until an instant, does not hold yet; and when
// the last right one was.
func (o *Own) Failures(ctx context.Context, memberID string, complete time.Time) (count int64, success time.Time, err error) {
	var at int64
	err = o.file.read.QueryRowContext(ctx, `SELECT
		COALESCE((SELECT sum(count) FROM failure WHERE member_id = $1 AND (answered_at = 0 OR answered_at >= $2)), 0),
		COALESCE((SELECT at FROM success WHERE member_id = $1), 0)`, memberID, Micros(complete)).Scan(&count, &at)
	return count, Instant(at), unavailable(err)
}

// forgive ends the counting: the member was right. What core was not told of yet
// it still hears of, in order, before it hears of the success.
func forgive(ctx context.Context, tx *sql.Tx, memberID string, at time.Time) error {
	if err := tell(ctx, tx, memberID, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM failure WHERE member_id = $1`, memberID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO success (member_id, at) VALUES ($1, $2) ON CONFLICT (member_id) DO UPDATE SET at = excluded.at`, memberID, Micros(at))
	return err
}

// tell turns a member's untold failures into an advice.
func tell(ctx context.Context, tx *sql.Tx, memberID string, now time.Time) error {
	var count, last int64
	err := tx.QueryRowContext(ctx, `SELECT count, last_at FROM failure WHERE member_id = $1 AND seq = 0`, memberID).Scan(&count, &last)
	if err == sql.ErrNoRows {
		return nil
	}
	if err != nil {
		return err
	}
	seq, err := advise(ctx, tx, NewID(), KindFailures, now, memberID, map[string]any{"count": count, "last_at": Instant(last)})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE failure SET seq = $2 WHERE member_id = $1 AND seq = 0`, memberID, seq)
	return err
}

// TellFailures makes advices of what was counted and core was not told of: one a
// member, however often somebody has tried.
func (o *Own) TellFailures(ctx context.Context, now time.Time) error {
	rows, err := o.file.read.QueryContext(ctx, `SELECT member_id FROM failure WHERE seq = 0 LIMIT 500`)
	members, err := collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
	if err != nil || len(members) == 0 {
		return err
	}
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		for _, id := range members {
			if err := tell(ctx, tx, id, now); err != nil {
				return err
			}
		}
		return nil
	}))
}
