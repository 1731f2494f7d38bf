package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"standfast/internal/db"
)

const (
	tick        = time.Second
	renewEvery  = 3 * time.Second
	deadAfter   = 10 * time.Second // without renewal; well above a renewal that waits for a busy database
	rescueEvery = 2 * time.Second
	cleanEvery  = time.Minute
	keepDone    = 10 * time.Minute    // finished jobs; what they did is in their owners' tables
	keepGivenUp = 30 * 24 * time.Hour // jobs that were given up, for whoever looks into them
	atOnce      = 1000                // rows a statement
)

// keeper does for the queue what River's elected leader would do: it makes
// waiting jobs available when their time comes, cleans up, and gives the jobs of
// dead processes back. River's way to find those, "running for an hour", is too
// slow for a payment; here each process renews a row, and a job whose process
// has not for deadAfter is run again: on PostgreSQL 10 to 15 seconds after a
// kill -9, on SQLite, where there is one process, as soon as it starts again.
// A process that was merely frozen that long can see a job run twice.
//
// Every process keeps; all of it is safe to do twice.
type keeper struct {
	db    *db.DB
	log   *slog.Logger
	exec  riverdriver.Executor
	id    string
	due   func(ctx context.Context, running bool) (queues []string, err error)
	hurry func(queue string)
}

// begin says that this process lives and takes over from dead ones.
func (k *keeper) begin(ctx context.Context) error {
	err := k.db.WithTx(ctx, func(tx *db.Tx) error {
		if tx.Engine() == db.SQLite {
			if _, err := tx.Exec(ctx, `DELETE FROM job_worker`); err != nil {
				return err
			}
		}
		return k.renewTx(ctx, tx)
	})
	if err != nil {
		return err
	}
	return k.rescue(ctx)
}

// run keeps until ctx ends, and then leaves.
func (k *keeper) run(ctx context.Context) {
	every := time.NewTicker(tick)
	defer every.Stop()
	tasks := []*task{
		{"look", tick, k.look, time.Now()},
		{"rescue", rescueEvery, k.rescue, time.Now()},
		{"clean", cleanEvery, k.clean, time.Now()},
	}
	if k.db.Engine() == db.PostgreSQL {
		tasks = append(tasks, &task{"renew", renewEvery, k.renew, time.Now()})
	}
	for {
		select {
		case <-every.C:
			for _, t := range tasks {
				k.perform(ctx, t)
			}
		case <-ctx.Done():
			k.leave(context.WithoutCancel(ctx))
			return
		}
	}
}

// task is something that the keeper does now and then.
type task struct {
	name  string
	every time.Duration
	do    func(context.Context) error
	last  time.Time
}

func (k *keeper) perform(ctx context.Context, t *task) {
	if time.Since(t.last) < t.every-tick/2 {
		return
	}
	t.last = time.Now()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := t.do(ctx); err != nil && ctx.Err() == nil {
		k.log.WarnContext(ctx, "cannot keep the job queue", "task", t.name, "error", err)
	}
}

func (k *keeper) renew(ctx context.Context) error {
	return k.db.WithTx(ctx, func(tx *db.Tx) error { return k.renewTx(ctx, tx) })
}

func (k *keeper) renewTx(ctx context.Context, tx *db.Tx) error {
	until := tx.Now.Add(deadAfter)
	if tx.Engine() == db.SQLite {
		until = tx.Now.AddDate(100, 0, 0) // nobody else could take over, so nobody needs to know
	}
	_, err := tx.Exec(ctx, `INSERT INTO job_worker (id, until) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET until = excluded.until`, k.id, db.Micros(until))
	return err
}

func (k *keeper) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_ = k.db.WithTx(ctx, func(tx *db.Tx) error { // on failure the row runs out by itself
		_, err := tx.Exec(ctx, `DELETE FROM job_worker WHERE id = $1 OR until < $2`, k.id, db.Micros(tx.Now.Add(-time.Hour)))
		return err
	})
}

// look finds work that nobody hurried the workers for: its time has come, or
// another process enqueued it.
func (k *keeper) look(ctx context.Context) error {
	if err := k.promote(ctx); err != nil {
		return err
	}
	queues, err := k.due(ctx, false)
	for _, queue := range queues {
		k.hurry(queue)
	}
	return err
}

// promote makes jobs available whose time has come.
func (k *keeper) promote(ctx context.Context) error {
	for {
		if ripe, err := k.ripe(ctx); err != nil || !ripe {
			return err
		}
		now := k.db.Now()
		moved, err := k.exec.JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: atOnce, Now: &now})
		if err != nil {
			return err
		}
		if len(moved) < atOnce {
			return nil
		}
	}
}

// ripe tells whether promote has anything to do, without taking the one
// connection of SQLite that writes.
func (k *keeper) ripe(ctx context.Context) (yes bool, err error) {
	err = k.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM river_job WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= $1)`,
			riverTime(tx, tx.Now)).Scan(&yes)
	})
	return yes, err
}

// rescue gives the running jobs of dead processes back to the queue.
func (k *keeper) rescue(ctx context.Context) error {
	horizon := k.db.Now().Add(time.Second) // above every attempt's start
	var after int64
	for {
		running, err := k.exec.JobGetStuck(ctx, &riverdriver.JobGetStuckParams{AfterID: after, Max: atOnce, StuckHorizon: horizon})
		if err != nil || len(running) == 0 {
			return err
		}
		after = running[len(running)-1].ID
		living, err := k.living(ctx) // read after the jobs: who began one of them is in it
		if err != nil {
			return err
		}
		if err := k.giveBack(ctx, orphans(running, living), horizon); err != nil || len(running) < atOnce {
			return err
		}
	}
}

func (k *keeper) living(ctx context.Context) (map[string]bool, error) {
	living := map[string]bool{}
	err := k.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id FROM job_worker WHERE until >= $1`, db.Micros(tx.Now))
		ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		for _, id := range ids {
			living[id] = true
		}
		return err
	})
	return living, err
}

// orphans picks the jobs whose last process is not among the living.
func orphans(running []*rivertype.JobRow, living map[string]bool) (list []*rivertype.JobRow) {
	for _, job := range running {
		if n := len(job.AttemptedBy); n > 0 && !living[job.AttemptedBy[n-1]] {
			list = append(list, job)
		}
	}
	return list
}

// giveBack makes jobs available again, or gives up those that used their last
// attempt: such a job may be what killed the process.
func (k *keeper) giveBack(ctx context.Context, lost []*rivertype.JobRow, horizon time.Time) error {
	if len(lost) == 0 {
		return nil
	}
	now := k.db.Now()
	p := &riverdriver.JobRescueManyParams{StuckHorizon: horizon}
	for _, job := range lost {
		why, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: job.Attempt, Error: "the process that worked this job died"})
		if err != nil {
			return err
		}
		state, finalized := rivertype.JobStateAvailable, (*time.Time)(nil)
		if job.Attempt >= job.MaxAttempts {
			state, finalized = rivertype.JobStateDiscarded, &now
		}
		p.ID, p.Error, p.State = append(p.ID, job.ID), append(p.Error, why), append(p.State, string(state))
		p.FinalizedAt, p.ScheduledAt = append(p.FinalizedAt, finalized), append(p.ScheduledAt, now)
		k.log.WarnContext(ctx, "job of a dead process", "job", job.ID, "kind", job.Kind, "attempt", job.Attempt, "becomes", string(state))
	}
	if _, err := k.exec.JobRescueMany(ctx, p); err != nil {
		return err
	}
	for _, job := range lost {
		k.hurry(job.Queue)
	}
	return nil
}

// clean deletes jobs that ended long ago.
func (k *keeper) clean(ctx context.Context) error {
	now := k.db.Now()
	for {
		n, err := k.exec.JobDeleteBefore(ctx, &riverdriver.JobDeleteBeforeParams{
			CompletedDoDelete: true, CompletedFinalizedAtHorizon: now.Add(-keepDone),
			CancelledDoDelete: true, CancelledFinalizedAtHorizon: now.Add(-keepGivenUp),
			DiscardedDoDelete: true, DiscardedFinalizedAtHorizon: now.Add(-keepGivenUp),
			Max: atOnce,
		})
		if err != nil || n < atOnce {
			return err
		}
	}
}
