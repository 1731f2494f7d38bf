package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

// Attempt tells a handler which try this is.
type Attempt struct {
	Number     int // from 1
	Max        int // tries in all
	EnqueuedAt time.Time
}

// Last tells whether nobody will try again after this one.
func (a Attempt) Last() bool { return a.Number >= a.Max }

// Snooze, returned by work, runs it again after d and counts as no failure.
func Snooze(d time.Duration) error { return river.JobSnooze(d) }

// Abandon, returned by work, says that no further try can help.
func Abandon(cause error) error { return river.JobCancel(cause) }

// handler adds a kind's worker to a client that is about to start.
type handler func(*river.Workers)

// Handle registers who does jobs of T's kind, before Start; a kind has one
// handler. Work's context ends after timeout, and must be heeded.
//
// An error has the job run again, after a wait that doubles from a second to an
// hour (see retries), until its attempts are used up. So does a panic.
func Handle[T river.JobArgs](j *Jobs, timeout time.Duration, work func(ctx context.Context, args T, attempt Attempt) error) {
	var zero T
	kind := zero.Kind()
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, twice := j.kinds[kind]; twice || j.session != nil {
		panic(fmt.Sprintf("jobs: %s is handled twice, or after Start", kind))
	}
	j.kinds[kind] = func(w *river.Workers) {
		river.AddWorker(w, &doer[T]{jobs: j, timeout: timeout, work: work})
	}
}

// doer is a handler in River's form.
type doer[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	jobs    *Jobs
	timeout time.Duration
	work    func(context.Context, T, Attempt) error
}

// Timeout gives the kind's own.
func (d *doer[T]) Timeout(*river.Job[T]) time.Duration { return d.timeout }

// Work does one job.
func (d *doer[T]) Work(ctx context.Context, job *river.Job[T]) error {
	a := Attempt{Number: job.Attempt, Max: job.MaxAttempts, EnqueuedAt: job.CreatedAt}
	err := contained(func() error { return d.work(ctx, job.Args, a) })
	d.jobs.record(ctx, job.ID, job.Kind, a, err)
	return err
}

// record counts and logs an outcome.
func (j *Jobs) record(ctx context.Context, id int64, kind string, a Attempt, err error) {
	var snoozed *river.JobSnoozeError
	switch {
	case err == nil:
		j.meter.done.Add(1)
	case errors.As(err, &snoozed):
	default:
		j.meter.failed.Add(1)
		j.log.WarnContext(ctx, "job failed", "job", id, "kind", kind, "attempt", a.Number, "of", a.Max, "error", err)
	}
}

// contained turns a panic into an error that says where it happened.
func contained(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work()
}

// queueName gives the queue of a kind in the alphabet that River allows.
func queueName(kind string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(kind)), "_")
}
