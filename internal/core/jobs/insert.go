package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/riverqueue/river/rivershared/uniquestates"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// row is a job in River's table.
type row struct {
	args, kind, queue string
	attempts          int
	at                time.Time
	state             string
	key               []byte // of uniqueKey; nil where doubles are welcome
}

func newRow(j Job, now time.Time) (row, error) {
	body, err := json.Marshal(j.Args)
	if err != nil {
		return row{}, fault.Wrap(fault.Internal, "jobs.arguments", "Something went wrong on our side.", err)
	}
	kind := j.Args.Kind()
	r := row{args: string(body), kind: kind, queue: queueName(kind), attempts: j.Options.MaxAttempts, at: now, state: "available"}
	if j.Options.At.After(now) {
		r.at, r.state = j.Options.At, "scheduled"
	}
	if r.attempts == 0 {
		r.attempts = DefaultAttempts
	}
	if j.Options.UniqueByArgs {
		r.key = uniqueKey(kind, body)
	}
	return r, nil
}

// insert stores jobs in River's table as River's insert-only clients for other
// languages do. River's own call does the same, but its statement is parsed anew
// each time: 0.7 ms on SQLite against 0.03 ms, and twice the time and a round
// trip of its own on PostgreSQL, for every payment.
//
// A job whose key another one in an unfinished state has is not stored: River's
// unique index says so, and that is no error.
func insert(ctx context.Context, tx *db.Tx, rows []row) error {
	if tx.Engine() == db.PostgreSQL && len(rows) > 1 {
		return insertSet(ctx, tx, rows)
	}
	text := insertText(tx.Engine())
	for _, r := range rows {
		var states any
		if r.key != nil {
			states = uniqueStates(tx.Engine())
		}
		if err := tx.Queue(ctx, nil, text, r.args, riverTime(tx, tx.Now), r.kind, r.attempts, r.queue, riverTime(tx, r.at), r.state, r.key, states); err != nil {
			return err
		}
	}
	return nil
}

const insertInto = `INSERT INTO river_job (args, created_at, kind, max_attempts, queue, scheduled_at, state, unique_key, unique_states) `

func insertText(e db.Engine) string {
	args := `$1`
	if e == db.SQLite {
		args = `jsonb($1)`
	}
	return insertInto + `VALUES (` + args + `, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`
}

// insertSet stores many jobs in one statement of PostgreSQL.
func insertSet(ctx context.Context, tx *db.Tx, rows []row) error {
	args, kinds, queues, states := make([]string, len(rows)), make([]string, len(rows)), make([]string, len(rows)), make([]string, len(rows))
	attempts, at, keys := make([]int, len(rows)), make([]time.Time, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		args[i], kinds[i], queues[i], states[i] = r.args, r.kind, r.queue, r.state
		attempts[i], at[i], keys[i] = r.attempts, r.at, r.key
	}
	return tx.Queue(ctx, nil, insertInto+`
		SELECT u.args::jsonb, $1, u.kind, u.attempts, u.queue, u.at, u.state::river_job_state, u.key, CASE WHEN u.key IS NULL THEN NULL ELSE $2::bit(8) END
		FROM unnest($3::text[], $4::text[], $5::smallint[], $6::text[], $7::timestamptz[], $8::text[], $9::bytea[]) u(args, kind, attempts, queue, at, state, key)
		ON CONFLICT DO NOTHING`, tx.Now, uniqueStates(tx.Engine()), args, kinds, attempts, queues, at, states, keys)
}

// uniqueKey names a job by kind and contents. All jobs come through here, so it
// need not be the key that River would make.
func uniqueKey(kind string, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil)
}

// uniqueStates gives the states in which a job keeps its double away, in the form
// of River's column.
func uniqueStates(e db.Engine) any {
	mask := uniquestates.UniqueStatesToBitmask(unfinished())
	if e == db.PostgreSQL {
		return pgtype.Bits{Bytes: []byte{mask}, Len: 8, Valid: true}
	}
	return int64(mask)
}

// riverTime gives a time as River's tables hold it: on SQLite as text of this
// very form, to the millisecond.
func riverTime(tx *db.Tx, t time.Time) any {
	if tx.Engine() == db.PostgreSQL {
		return t
	}
	return t.UTC().Round(time.Millisecond).Format("2006-01-02 15:04:05.000")
}
