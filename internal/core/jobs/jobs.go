// Package jobs keeps work that must happen after a commit: stored in the
// caller's transaction, so that it exists exactly when the rest of the
// transaction does, and run until it succeeds.
//
// The queue is River's, on both engines. What a handler may rely on: it runs at
// least once, outside any transaction, with a deadline; after a crash it runs
// again (see keeper). It must therefore be safe to repeat. Each kind has its own
// queue and workers, so a slow mail server holds up no payment.
//
// The text of a handler's error is logged and stored: it carries no secret.
package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Args is the contents of a job, marshalled as JSON; Kind names who handles it.
// It holds ids, never secrets.
type Args = river.JobArgs

// Options changes how a job is run.
type Options struct {
	At           time.Time // not before; at once when zero
	MaxAttempts  int       // tries in all; DefaultAttempts when 0
	UniqueByArgs bool      // no second job of the same kind and contents while one waits or runs
}

// DefaultAttempts are about half a day with the waits of NextRetry.
const DefaultAttempts = 25

// Jobs is the queue, and the workers of this process once it is started.
type Jobs struct {
	db    *db.DB
	log   *slog.Logger
	queue queue
	meter meter

	life    sync.Mutex         // held by Start and Stop as a whole
	mu      sync.Mutex         // guards what follows
	kinds   map[string]handler // by kind; fixed once started
	session *session           // nil while stopped
}

// New makes the queue. It works nothing before Start.
func New(d *db.DB, log *slog.Logger) *Jobs {
	return &Jobs{db: d, log: log, queue: newQueue(d), kinds: map[string]handler{}}
}

// Job is one job to be stored.
type Job struct {
	Args    Args
	Options Options
}

// Enqueue stores a job in the caller's transaction. A job for now starts within
// milliseconds of the commit where this process works jobs, otherwise within a
// second. A kind that nobody handles is a defect of ours and refused.
func (j *Jobs) Enqueue(ctx context.Context, tx *db.Tx, args Args, o Options) error {
	return j.EnqueueAll(ctx, tx, []Job{{args, o}})
}

// EnqueueAll is Enqueue for many jobs, in one statement.
func (j *Jobs) EnqueueAll(ctx context.Context, tx *db.Tx, all []Job) error {
	hurry := map[string]bool{}
	rows := make([]row, len(all))
	for i, job := range all {
		kind := job.Args.Kind()
		if !j.handles(kind) {
			return fault.New(fault.Internal, "jobs.unknown-kind", "Something went wrong on our side.").With("kind", kind)
		}
		var err error
		if rows[i], err = newRow(job, tx.Now); err != nil {
			return err
		}
		if !job.Options.At.After(tx.Now) {
			hurry[rows[i].queue] = true
		}
	}
	for queue := range hurry {
		tx.AfterCommit(func() { j.hurryQueue(queue) })
	}
	return insert(ctx, tx, rows)
}

// unfinished are the states in which a job keeps its double away.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}
}

func (j *Jobs) handles(kind string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, ok := j.kinds[kind]
	return ok
}
