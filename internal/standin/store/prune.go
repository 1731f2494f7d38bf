package store

import (
	"context"
	"database/sql"
	"time"
)

// How long what is over is kept.
const (
	keepProofs    = time.Hour           // used ones; a nonce is good for five minutes
	keepAnswered  = 90 * 24 * time.Hour // what core has answered for: advices, payments, requests to freeze
	keepSuccesses = 90 * 24 * time.Hour // of a member's last right password
	keepGone      = 30 * 24 * time.Hour // that core has something no more
)

// Prune forgets what nobody needs any more. What core has not answered for is never
// forgotten, and the newest advice stays, whose number the next one follows.
// complete is until when the feed is known: core's count of wrong passwords then
// holds what was told before.
func (o *Own) Prune(ctx context.Context, now, complete time.Time) error {
	answered := Micros(now.Add(-keepAnswered))
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		for _, step := range []struct {
			query string
			arg   int64
		}{
			{`DELETE FROM session WHERE expires_at < $1`, Micros(now)},
			{`DELETE FROM ended WHERE keep_until < $1`, Micros(now)},
			{`DELETE FROM proof WHERE used_at < $1`, Micros(now.Add(-keepProofs))},
			{`DELETE FROM success WHERE at < $1`, Micros(now.Add(-keepSuccesses))},
			{`DELETE FROM failure WHERE answered_at > 0 AND answered_at < $1`, Micros(complete)},
			{`DELETE FROM payment WHERE seq IN (SELECT seq FROM advice WHERE state NOT IN ('waiting', 'aside') AND answered_at < $1)`, answered},
			{`DELETE FROM freeze WHERE seq IN (SELECT seq FROM advice WHERE state NOT IN ('waiting', 'aside') AND answered_at < $1)`, answered},
			{`DELETE FROM advice WHERE state NOT IN ('waiting', 'aside') AND answered_at < $1 AND seq < (SELECT max(seq) FROM advice)
				AND seq NOT IN (SELECT seq FROM payment UNION SELECT seq FROM freeze)`, answered},
		} {
			if _, err := tx.ExecContext(ctx, step.query, step.arg); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Prune forgets sessions that were ended and would be over anyway, and what has
// long been gone.
func (k *Known) Prune(ctx context.Context, now time.Time) error {
	k.mu.RLock()
	f := k.file
	k.mu.RUnlock()
	return unavailable(f.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM record WHERE topic = 'session-revoked' AND unixepoch(json_extract(body, '$.until')) < $1`, now.Add(-time.Hour).Unix())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM record WHERE gone AND at < $1`, Micros(now.Add(-keepGone)))
		return err
	}))
}
