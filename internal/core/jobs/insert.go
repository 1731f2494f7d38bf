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

// insertJob stores a job in River's table as River's insert-only clients for other
// languages do. River's own call does the same, but its statement is built for
// any number of jobs and is parsed anew each time: 0.7 ms on SQLite against
// 0.03 ms, and twice the time and a round trip of its own on PostgreSQL, for
// every payment.
func insertJob(ctx context.Context, tx *db.Tx, args Args, o Options) error {
	body, err := json.Marshal(args)
	if err != nil {
		return fault.Wrap(fault.Internal, "jobs.arguments", "Something went wrong on our side.", err)
	}
	state, at := "available", tx.Now
	if o.At.After(tx.Now) {
		state, at = "scheduled", o.At
	}
	attempts := o.MaxAttempts
	if attempts == 0 {
		attempts = DefaultAttempts
	}
	kind := args.Kind()
	var key []byte
	if o.UniqueByArgs {
		key = uniqueKey(kind, body)
	}
	return tx.Queue(ctx, nil, insertText(tx.Engine()), string(body), riverTime(tx, tx.Now), kind, attempts, queueName(kind), riverTime(tx, at), state,
		key, uniqueStates(tx, o.UniqueByArgs))
}

// A job whose key another one in an unfinished state has is not stored: River's
// unique index says so, and that is no error.
func insertText(e db.Engine) string {
	args := `$1`
	if e == db.SQLite {
		args = `jsonb($1)`
	}
	return `INSERT INTO river_job (args, created_at, kind, max_attempts, queue, scheduled_at, state, unique_key, unique_states)
		VALUES (` + args + `, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`
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
func uniqueStates(tx *db.Tx, unique bool) any {
	mask := uniquestates.UniqueStatesToBitmask(unfinished())
	switch {
	case !unique:
		return nil
	case tx.Engine() == db.PostgreSQL:
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
