package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var ctx = context.Background()

type pay struct {
	ID string `json:"id"`
}

func (pay) Kind() string { return "payment.submit" }

type mail struct {
	N int `json:"n"`
}

func (mail) Kind() string { return "notify.send" }

// each runs a test on both engines with the queue's tables and a clock of the test's own.
func each(t *testing.T, test func(t *testing.T, d *db.DB, clock *dbtest.Clock)) {
	run := func(t *testing.T, open func(testing.TB, db.Options) *db.DB) {
		clock := dbtest.NewClock()
		d := open(t, db.Options{Now: clock.Now})
		migrate(t, d)
		test(t, d, clock)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, dbtest.SQLite) })
	t.Run("postgresql", func(t *testing.T) { run(t, dbtest.PostgreSQL) })
}

func migrate(t testing.TB, d *db.DB) {
	t.Helper()
	if err := jobs.Migrate(ctx, d); err != nil {
		t.Fatal(err)
	}
}

func newJobs(d *db.DB) *jobs.Jobs { return jobs.New(d, slog.New(slog.DiscardHandler)) }

func enqueue(t testing.TB, d *db.DB, j *jobs.Jobs, args jobs.Args, o jobs.Options) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { return j.Enqueue(ctx, tx, args, o) }); err != nil {
		t.Fatal(err)
	}
}

func drain(t testing.TB, j *jobs.Jobs) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := j.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

// seen collects what handlers saw.
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) add(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, v)
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

func TestAJobExistsExactlyWhenItsTransactionDoes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var did seen
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(_ context.Context, p pay, a jobs.Attempt) error {
			if a.Number != 1 || a.Max != jobs.DefaultAttempts || a.Last() || a.EnqueuedAt.IsZero() {
				t.Errorf("%+v", a)
			}
			did.add(p.ID)
			return nil
		})
		mine := errors.New("rolled back")
		err := d.WithTx(ctx, func(tx *db.Tx) error {
			if err := j.Enqueue(ctx, tx, pay{"lost"}, jobs.Options{}); err != nil {
				t.Error(err)
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Fatal(err)
		}
		enqueue(t, d, j, pay{"kept"}, jobs.Options{})
		drain(t, j)
		if did.count() != 1 || did.list[0] != "kept" {
			t.Fatal(did.list)
		}
		if j.Done() != 1 || j.Failed() != 0 {
			t.Fatal(j.Done(), j.Failed())
		}
	})
}

func TestAnUnknownKindIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		err := d.WithTx(ctx, func(tx *db.Tx) error { return newJobs(d).Enqueue(ctx, tx, pay{"x"}, jobs.Options{}) })
		if !fault.Is(err, fault.Internal) {
			t.Fatal(err)
		}
	})
}

func TestJobsWaitForTheirTime(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var did seen
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(context.Context, pay, jobs.Attempt) error { did.add(""); return nil })
		enqueue(t, d, j, pay{"later"}, jobs.Options{At: clock.Now().Add(24 * time.Hour)})
		drain(t, j)
		if did.count() != 0 {
			t.Fatal("ran before its time")
		}
		clock.Advance(24*time.Hour + time.Second)
		drain(t, j)
		if did.count() != 1 {
			t.Fatal("did not run at its time")
		}
	})
}

func TestFailuresAreTriedAgainWithGrowingWaits(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var did seen
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(_ context.Context, _ pay, a jobs.Attempt) error {
			did.add("")
			switch a.Number {
			case 1:
				return errors.New("down")
			case 2:
				panic("broken")
			}
			return nil
		})
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		drain(t, j)
		drain(t, j) // nothing is due
		if did.count() != 1 {
			t.Fatal("tries:", did.count())
		}
		clock.Advance(2 * time.Second)
		drain(t, j)
		clock.Advance(time.Second) // the second wait is at least 1.5 s
		drain(t, j)
		if did.count() != 2 {
			t.Fatal("tries:", did.count())
		}
		clock.Advance(2 * time.Second)
		drain(t, j)
		if did.count() != 3 || j.Failed() != 2 || j.Done() != 1 {
			t.Fatal("tries:", did.count(), j.Failed(), j.Done())
		}
	})
}

func TestAttemptsEndAndSnoozesDoNotCount(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var tries, snoozes, last atomic.Int32
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(_ context.Context, _ pay, a jobs.Attempt) error {
			if snoozes.Add(1) <= 3 {
				return jobs.Snooze(time.Minute)
			}
			tries.Add(1)
			if a.Last() {
				last.Add(1)
			}
			return errors.New("down")
		})
		enqueue(t, d, j, pay{"x"}, jobs.Options{MaxAttempts: 2})
		for range 10 {
			drain(t, j)
			clock.Advance(2 * time.Minute)
		}
		if tries.Load() != 2 || last.Load() != 1 {
			t.Fatal(tries.Load(), last.Load())
		}
		depths, err := j.Depths(ctx)
		if err != nil || len(depths) != 1 || depths[0] != (jobs.Depth{Queue: "payment_submit", GivenUp: 1}) {
			t.Fatalf("%+v %v", depths, err)
		}
	})
}

func TestAnAbandonedJobIsNotTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var tries atomic.Int32
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(context.Context, pay, jobs.Attempt) error {
			tries.Add(1)
			return jobs.Abandon(errors.New("no such address"))
		})
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		drain(t, j)
		clock.Advance(time.Hour)
		drain(t, j)
		if tries.Load() != 1 {
			t.Fatal(tries.Load())
		}
	})
}

func TestOneJobAtATimeOfEqualContents(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var did seen
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(_ context.Context, p pay, _ jobs.Attempt) error { did.add(p.ID); return nil })
		for range 3 {
			enqueue(t, d, j, pay{"same"}, jobs.Options{UniqueByArgs: true})
		}
		enqueue(t, d, j, pay{"other"}, jobs.Options{UniqueByArgs: true})
		drain(t, j)
		if did.count() != 2 {
			t.Fatal(did.list)
		}
		enqueue(t, d, j, pay{"same"}, jobs.Options{UniqueByArgs: true}) // the first is done
		drain(t, j)
		if did.count() != 3 {
			t.Fatal(did.list)
		}
	})
}

func TestHandlersMayEnqueue(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var mails atomic.Int32
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(ctx context.Context, _ pay, _ jobs.Attempt) error {
			return d.WithTx(ctx, func(tx *db.Tx) error { return j.Enqueue(ctx, tx, mail{1}, jobs.Options{}) })
		})
		jobs.Handle(j, time.Second, func(context.Context, mail, jobs.Attempt) error { mails.Add(1); return nil })
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		drain(t, j)
		if mails.Load() != 1 {
			t.Fatal(mails.Load())
		}
	})
}

func TestTheDeadlineReachesTheHandler(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var late atomic.Bool
		j := newJobs(d)
		jobs.Handle(j, 30*time.Millisecond, func(ctx context.Context, _ pay, _ jobs.Attempt) error {
			<-ctx.Done()
			late.Store(errors.Is(ctx.Err(), context.DeadlineExceeded))
			return ctx.Err()
		})
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		drain(t, j)
		if !late.Load() {
			t.Fatal("no deadline")
		}
	})
}
