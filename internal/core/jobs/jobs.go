// Package jobs keeps work that must happen after a commit, written in the
// caller's transaction, and runs it until it succeeds.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"standfast/internal/db"
)

// Args is the contents of a job; Kind names who handles it.
type Args = river.JobArgs

// Attempt tells a handler which try this is.
type Attempt struct {
	Number     int // from 1
	Max        int // tries in all
	EnqueuedAt time.Time
}

// Last tells whether nobody will try again after this one.
func (a Attempt) Last() bool { return a.Number >= a.Max }

// Options changes how a job is run.
type Options struct {
	At           time.Time // not before; at once when zero
	MaxAttempts  int       // 25 when 0, which is about three days
	UniqueByArgs bool      // no second job of the same kind and contents while one waits or runs
}

// Jobs is the queue and the workers of this process.
type Jobs struct{}

var errSoon = errors.New("jobs: being built")

// Migrate brings the queue's own tables up to this build.
func Migrate(ctx context.Context, d *db.DB) error { return errSoon }

// New makes the queue; it works nothing before Start.
func New(d *db.DB, log *slog.Logger) *Jobs { return &Jobs{} }

// Handle registers who does jobs of T's kind; before Start.
func Handle[T river.JobArgs](j *Jobs, timeout time.Duration, work func(ctx context.Context, args T, attempt Attempt) error) {
}

// Enqueue stores a job in the caller's transaction.
func (j *Jobs) Enqueue(ctx context.Context, tx *db.Tx, args river.JobArgs, o Options) error {
	return errSoon
}

// Start begins working.
func (j *Jobs) Start(ctx context.Context) error { return errSoon }

// Stop lets running work finish, until ctx ends.
func (j *Jobs) Stop(ctx context.Context) error { return errSoon }

// Drain runs everything that is due, for tests.
func (j *Jobs) Drain(ctx context.Context) error { return errSoon }

// Snooze, returned by work, runs it again after d and counts as no failure.
func Snooze(d time.Duration) error { return river.JobSnooze(d) }

// Abandon, returned by work, says that no further try can help.
func Abandon(cause error) error { return river.JobCancel(cause) }
