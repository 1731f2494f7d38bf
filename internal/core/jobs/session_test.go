package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// onRealTime runs a test on both engines with the real clock.
func onRealTime(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { migrate(t, d); test(t, d) })
}

func start(t testing.TB, j *jobs.Jobs) {
	t.Helper()
	if err := j.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, j) })
}

func stop(t testing.TB, j *jobs.Jobs) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := j.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func within(t testing.TB, d time.Duration, ok func() bool) {
	t.Helper()
	every, late := time.NewTicker(2*time.Millisecond), time.After(d)
	defer every.Stop()
	for !ok() {
		select {
		case <-every.C:
		case <-late:
			t.Fatal("not in time")
		}
	}
}

// Workers poll once a second; a job that this process enqueued must not wait for that.
func TestAJobStartsRightAfterItsCommit(t *testing.T) {
	onRealTime(t, func(t *testing.T, d *db.DB) {
		began := make(chan time.Time, 1)
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(context.Context, pay, jobs.Attempt) error { began <- time.Now(); return nil })
		start(t, j)
		var waits []time.Duration
		for range 15 {
			enqueue(t, d, j, pay{"x"}, jobs.Options{})
			committed := time.Now()
			select {
			case at := <-began:
				waits = append(waits, at.Sub(committed))
			case <-time.After(20 * time.Second):
				t.Fatal("never began")
			}
		}
		slices.Sort(waits)
		// 5 ms on an idle machine. A loaded one delays many of them, but a job that
		// is only polled for waits a second each time, because the one before began
		// with a poll.
		if waits[3] > 500*time.Millisecond {
			t.Fatal("jobs wait for the poll:", waits)
		}
	})
}

// A handler that hangs may use up its kind's workers, not another kind's.
func TestAKindThatHangsHoldsUpNoOther(t *testing.T) {
	onRealTime(t, func(t *testing.T, d *db.DB) {
		var paid, hangs atomic.Int32
		j := newJobs(d)
		jobs.Handle(j, time.Minute, func(ctx context.Context, _ mail, _ jobs.Attempt) error {
			hangs.Add(1)
			<-ctx.Done()
			return ctx.Err()
		})
		jobs.Handle(j, time.Second, func(context.Context, pay, jobs.Attempt) error { paid.Add(1); return nil })
		start(t, j)
		for n := range 70 {
			enqueue(t, d, j, mail{n}, jobs.Options{})
		}
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		within(t, 20*time.Second, func() bool { return paid.Load() == 1 && hangs.Load() > 0 })
		hurried, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := j.Stop(hurried); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("a stop that had to cut work off says so:", err)
		}
	})
}

// SQLite has one connection that writes. River, handlers and the application
// share it: nobody may starve or wait for himself.
func TestTheOnlyWriterIsShared(t *testing.T) {
	onRealTime(t, func(t *testing.T, d *db.DB) {
		const each, writers = 25, 4
		var done atomic.Int32
		j := newJobs(d)
		jobs.Handle(j, 20*time.Second, func(ctx context.Context, _ pay, _ jobs.Attempt) error {
			done.Add(1)
			return d.WithTx(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO lease VALUES ($1, 'x', 1)`, db.NewID())
				return err
			})
		})
		start(t, j)
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					enqueue(t, d, j, pay{"x"}, jobs.Options{})
				}
			})
		}
		all.Wait()
		within(t, 30*time.Second, func() bool { return j.Done() == each*writers })
		if done.Load() != each*writers {
			t.Fatal("ran", done.Load())
		}
	})
}

func TestStopLetsRunningWorkFinish(t *testing.T) {
	onRealTime(t, func(t *testing.T, d *db.DB) {
		began, finish := make(chan struct{}), make(chan struct{})
		var cut atomic.Bool
		j := newJobs(d)
		jobs.Handle(j, time.Minute, func(ctx context.Context, _ pay, _ jobs.Attempt) error {
			close(began)
			<-finish
			cut.Store(ctx.Err() != nil)
			return nil
		})
		if err := j.Start(ctx); err != nil {
			t.Fatal(err)
		}
		enqueue(t, d, j, pay{"x"}, jobs.Options{})
		<-began
		stopped := make(chan struct{})
		go func() { stop(t, j); close(stopped) }()
		select {
		case <-stopped:
			t.Fatal("did not wait")
		case <-time.After(50 * time.Millisecond):
		}
		close(finish)
		<-stopped
		if cut.Load() || j.Done() != 1 {
			t.Fatal("cut off")
		}
		var left int
		if err := d.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM job_worker) + (SELECT count(*) FROM river_job WHERE state <> 'completed')`).Scan(&left)
		}); err != nil || left != 0 {
			t.Fatal("left behind:", left, err)
		}
		if err := j.Start(ctx); err != nil {
			t.Fatal("cannot start again:", err)
		}
		stop(t, j)
	})
}

// envChild makes this test binary the process that is killed: it works on the
// database that the variable names and never finishes.
const envChild = "STANDFAST_TEST_JOBS_CHILD"

func TestMain(m *testing.M) {
	if target := os.Getenv(envChild); target != "" {
		child(target)
		return
	}
	os.Exit(m.Run())
}

func child(target string) {
	d, err := db.Open(ctx, target, db.Options{})
	if err != nil {
		panic(err)
	}
	j := jobs.New(d, slog.New(slog.DiscardHandler))
	jobs.Handle(j, time.Minute, func(context.Context, pay, jobs.Attempt) error {
		fmt.Println("working")
		select {}
	})
	if err := j.Start(ctx); err != nil {
		panic(err)
	}
	select {}
}

// What a killed process was working on runs again: on SQLite when the next
// process starts, on PostgreSQL once the dead one has not renewed for 10 seconds
// (here the survivor's clock is simply that far ahead).
func TestJobsOfAKilledProcessRunAgain(t *testing.T) {
	targets := map[string]func(t *testing.T) string{
		"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "test.db") },
		"postgresql": func(t *testing.T) string { return dbtest.PostgreSQLURL(t) },
	}
	for name, target := range targets {
		t.Run(name, func(t *testing.T) { killAndTakeOver(t, target(t)) })
	}
}

func killAndTakeOver(t *testing.T, target string) {
	ahead := func() time.Time { return time.Now().Add(15 * time.Second) }
	d, err := db.Open(ctx, target, db.Options{Now: ahead})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	migrate(t, d)
	attempts := make(chan jobs.Attempt, 4)
	j := newJobs(d)
	jobs.Handle(j, time.Minute, func(_ context.Context, _ pay, a jobs.Attempt) error { attempts <- a; return nil })
	enqueuePast(t, d, j)
	kill(t, target)
	if err := j.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer stop(t, j)
	select {
	case a := <-attempts:
		if a.Number != 2 {
			t.Fatalf("%+v", a)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the job was not taken over")
	}
}

// enqueuePast enqueues a job that is due by the child's clock too.
func enqueuePast(t *testing.T, d *db.DB, j *jobs.Jobs) {
	enqueue(t, d, j, pay{"x"}, jobs.Options{})
	if err := d.WithTx(ctx, func(tx *db.Tx) error {
		past := `'2026-01-01 00:00:00.000'`
		_, err := tx.Exec(ctx, `UPDATE river_job SET scheduled_at = `+past)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// kill has a process begin the job, and kills it.
func kill(t *testing.T, target string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+target)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 64)
	n, err := out.Read(said)
	if err != nil || !strings.HasPrefix(string(said[:n]), "working") {
		t.Fatal(string(said[:n]), err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// Two replicas on one PostgreSQL: the second must leave the first's work alone.
func TestALivingProcessKeepsItsJobs(t *testing.T) {
	url := dbtest.PostgreSQLURL(t)
	var runs atomic.Int32
	finish := make(chan struct{})
	replica := func() (*db.DB, *jobs.Jobs) {
		d, err := db.Open(ctx, url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		j := newJobs(d)
		jobs.Handle(j, time.Minute, func(context.Context, pay, jobs.Attempt) error { runs.Add(1); <-finish; return nil })
		return d, j
	}
	d, first := replica()
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	migrate(t, d)
	start(t, first)
	enqueue(t, d, first, pay{"x"}, jobs.Options{})
	within(t, 20*time.Second, func() bool { return runs.Load() == 1 })
	_, second := replica()
	start(t, second) // which first of all takes over what it takes for lost
	var state string
	var attempt int
	if err := d.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT state, attempt FROM river_job`).Scan(&state, &attempt)
	}); err != nil || state != "running" || attempt != 1 {
		t.Error("taken from the living:", state, attempt, err)
	}
	close(finish)
	within(t, 20*time.Second, func() bool { return first.Done() == 1 })
	if runs.Load() != 1 || second.Done() != 0 {
		t.Fatal("ran twice:", runs.Load())
	}
}
