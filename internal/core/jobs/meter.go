package jobs

import (
	"context"
	"database/sql"
	"sync/atomic"

	"standfast/internal/db"
)

// meter counts what this process did since it started.
type meter struct{ done, failed atomic.Int64 }

// Done counts the jobs that this process finished.
func (j *Jobs) Done() int64 { return j.meter.done.Load() }

// Failed counts the tries that failed in this process.
func (j *Jobs) Failed() int64 { return j.meter.failed.Load() }

// Depth is how many jobs of a kind's queue there are in all processes.
type Depth struct {
	Queue   string
	Waiting int64 // for a worker, for their time or for another try
	Running int64
	GivenUp int64 // used all tries or were abandoned, in the last 30 days
}

// Depths counts the unfinished and the given-up jobs by queue, for gauges.
func (j *Jobs) Depths(ctx context.Context) (all []Depth, err error) {
	err = j.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT queue,
				sum(CASE WHEN state IN ('available', 'pending', 'retryable', 'scheduled') THEN 1 ELSE 0 END),
				sum(CASE WHEN state = 'running' THEN 1 ELSE 0 END),
				sum(CASE WHEN state IN ('discarded', 'cancelled') THEN 1 ELSE 0 END)
			FROM river_job WHERE state <> 'completed' GROUP BY queue ORDER BY queue`)
		all, err = db.Collect(rows, err, func(r *sql.Rows) (d Depth, err error) {
			return d, r.Scan(&d.Queue, &d.Waiting, &d.Running, &d.GivenUp)
		})
		return err
	})
	return all, err
}
