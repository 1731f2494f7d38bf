package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"standfast/internal/db"
)

// Drain runs everything that is due by the database's clock, and what that
// enqueues for now, and returns when nothing is due any more. A job that failed
// comes back later and is not waited for. It is for tests and tools, which move
// the clock and drain instead of sleeping, and works with or without Start.
func (j *Jobs) Drain(ctx context.Context) error {
	k := &keeper{db: j.db, log: j.log, exec: j.queue.executor(), id: db.NewID(), due: j.due, hurry: j.hurryQueue}
	for {
		if err := k.promote(ctx); err != nil {
			return err
		}
		if done, err := j.drainOnce(ctx, k); done || err != nil {
			return err
		}
	}
}

// drainOnce works off what is due now and tells whether there was nothing.
func (j *Jobs) drainOnce(ctx context.Context, k *keeper) (done bool, err error) {
	if s := j.current(); s != nil {
		return true, j.wait(ctx, s, true)
	}
	queues, err := j.due(ctx, false)
	if err != nil || len(queues) == 0 {
		return true, err
	}
	if err := k.renew(ctx); err != nil {
		return false, err
	}
	defer k.leave(context.WithoutCancel(ctx))
	s, err := j.openQueues(ctx, k.id, queues)
	if err != nil {
		return false, err
	}
	err = j.wait(ctx, s, false)
	if stopped := s.worker.Stop(context.WithoutCancel(ctx)); err == nil { // waits for the handlers
		err = stopped
	}
	return false, err
}

// openQueues starts workers for some queues only.
func (j *Jobs) openQueues(ctx context.Context, id string, queues []string) (*session, error) {
	s, err := j.open(ctx, id, j.handlers(), queues)
	if err == nil && s.worker == (idle{}) {
		err = fmt.Errorf("jobs: nobody handles %v", queues)
	}
	return s, err
}

// wait hurries s until none of its queues has a due job (nor, on request, a running one).
func (j *Jobs) wait(ctx context.Context, s *session, running bool) error {
	every := time.NewTicker(2 * time.Millisecond)
	defer every.Stop()
	for {
		left, err := j.due(ctx, running)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(queue string) bool { return !s.works(queue) })
		if len(left) == 0 {
			return nil
		}
		for _, queue := range left {
			s.hurry(queue)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// due gives the queues that have due jobs, or running ones on request.
func (j *Jobs) due(ctx context.Context, running bool) (queues []string, err error) {
	also := "available"
	if running {
		also = "running"
	}
	err = j.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT queue FROM river_job WHERE state IN ('available', $2) AND scheduled_at <= $1`, riverTime(tx, tx.Now), also)
		queues, err = db.Collect(rows, err, func(r *sql.Rows) (q string, err error) { return q, r.Scan(&q) })
		return err
	})
	return queues, err
}
