package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
)

func add(t testing.TB, d *db.DB, changes ...outbox.Change) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { return outbox.Append(ctx, tx, changes...) }); err != nil {
		t.Fatal(err)
	}
}

func pass(t testing.TB, d *db.DB) {
	t.Helper()
	if err := outbox.NewSequencer(d, quiet, outbox.Table).Pass(ctx); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *db.DB, after int64) []outbox.Record {
	t.Helper()
	all, err := outbox.Read(ctx, d, after, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadersSeeOnlyNumberedRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		add(t, d,
			outbox.Change{Entity: "payment", EntityID: "a", Kind: "held", Version: 1, Payload: map[string]any{"n": 1}},
			outbox.Change{Entity: "payment", EntityID: "b", Kind: "held", Version: 1, Payload: "ü"})
		if got := read(t, d, 0); len(got) != 0 {
			t.Fatal("seen before it was numbered:", got)
		}
		pass(t, d)
		got := read(t, d, 0)
		if len(got) != 2 || got[0].Seq != 1 || got[0].EntityID != "a" || string(got[0].Payload) != `{"n":1}` || string(got[1].Payload) != `"ü"` || got[1].At.IsZero() {
			t.Fatalf("%+v", got)
		}
		if rest := read(t, d, 1); len(rest) != 1 || rest[0].Seq != 2 {
			t.Fatalf("%+v", rest)
		}
	})
}

func TestRolledBackChangesNeverAppear(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		_ = d.WithTx(ctx, func(tx *db.Tx) error {
			if err := outbox.Append(ctx, tx, outbox.Change{Entity: "x", EntityID: "1", Kind: "made", Version: 1}); err != nil {
				t.Error(err)
			}
			return context.Canceled
		})
		pass(t, d)
		if got := read(t, d, 0); len(got) != 0 {
			t.Fatal(got)
		}
	})
}

// Many writers, two sequencers at once and a reader who follows: he must see
// every committed row exactly once, each entity's versions in order.
func TestNothingIsSkippedOrDoubled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const writers, each = 8, 40
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var sequencers sync.WaitGroup
		for range 2 { // both pass without asking for the lease
			s := outbox.NewSequencer(d, quiet, outbox.Table)
			sequencers.Go(func() {
				for ctx.Err() == nil {
					_ = s.Pass(ctx)
				}
			})
		}
		seen := make(chan []outbox.Record)
		go func() { seen <- follow(ctx, d, writers*each) }()
		write(t, d, writers, each)
		select {
		case got := <-seen:
			check(t, got, writers, each)
		case <-time.After(5 * time.Minute):
			t.Fatal("the reader never saw all rows")
		}
		stop()
		sequencers.Wait()
	})
}

// write has writers count up the versions of three entities, each under its lock.
func write(t *testing.T, d *db.DB, writers, each int) {
	exec := func(q string, args ...any) {
		if err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, q, args...); return err }); err != nil {
			t.Error(err)
		}
	}
	exec(`CREATE TABLE entity (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)`)
	for id := range 3 {
		exec(`INSERT INTO entity VALUES ($1, 0)`, id)
	}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				if err := d.WithTx(ctx, func(tx *db.Tx) error { return bump(tx, (w+i)%3) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func bump(tx *db.Tx, id int) error {
	var version int64
	if err := tx.QueryRow(ctx, `UPDATE entity SET version = version + 1 WHERE id = $1 RETURNING version`, id).Scan(&version); err != nil {
		return err
	}
	return outbox.Append(ctx, tx, outbox.Change{Entity: "entity", EntityID: fmt.Sprint(id), Kind: "bumped", Version: version})
}

// follow reads on from the last number that it saw, as consumers do.
func follow(ctx context.Context, d *db.DB, want int) (all []outbox.Record) {
	var last int64
	for len(all) < want && ctx.Err() == nil {
		more, err := outbox.Read(ctx, d, last, 7)
		if err != nil {
			return all
		}
		if len(more) > 0 {
			last = more[len(more)-1].Seq
		}
		all = append(all, more...)
	}
	return all
}

func check(t *testing.T, got []outbox.Record, writers, each int) {
	t.Helper()
	if len(got) != writers*each {
		t.Fatalf("saw %d rows of %d", len(got), writers*each)
	}
	versions := map[string]int64{}
	for i, r := range got {
		if r.Seq != int64(i+1) {
			t.Fatalf("row %d has number %d", i+1, r.Seq)
		}
		if r.Version != versions[r.EntityID]+1 {
			t.Fatalf("entity %s: version %d after %d", r.EntityID, r.Version, versions[r.EntityID])
		}
		versions[r.EntityID] = r.Version
	}
}

func TestRunIsHurriedByCommitsAndEndsWithItsContext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- outbox.NewSequencer(d, quiet, outbox.Table).Run(running) }()
		for i := range 5 {
			add(t, d, outbox.Change{Entity: "x", EntityID: "1", Kind: "made", Version: int64(i + 1)})
			within(t, time.Minute, func() bool { return len(read(t, d, int64(i))) == 1 })
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var until, holders int64
		query(t, d, `SELECT count(*), max(until) FROM lease WHERE name = 'sequence/outbox'`, &holders, &until)
		if holders != 1 || db.FromMicros(until).After(d.Now()) {
			t.Fatal("the lease was not given up", holders, until)
		}
	})
}

func TestAnIdleSequencerWritesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		running, stop := context.WithTimeout(ctx, 600*time.Millisecond)
		defer stop()
		if err := outbox.NewSequencer(d, quiet, outbox.Table).Run(running); err != nil {
			t.Fatal(err)
		}
		var n int64
		query(t, d, `SELECT (SELECT count(*) FROM lease) + (SELECT count(*) FROM sequence)`, &n)
		if n != 0 {
			t.Fatal("wrote", n, "rows")
		}
	})
}

func TestSequencersTakeTurns(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		if held, err := d.Lease(ctx, "sequence/outbox", "another", time.Minute); !held || err != nil {
			t.Fatal(held, err)
		}
		add(t, d, outbox.Change{Entity: "x", EntityID: "1", Kind: "made", Version: 1})
		short, end := context.WithTimeout(ctx, 300*time.Millisecond)
		defer end()
		if err := outbox.NewSequencer(d, quiet, outbox.Table).Run(short); err != nil || len(read(t, d, 0)) != 0 {
			t.Fatal("numbered without the lease", err)
		}
		running, stop := context.WithCancel(ctx)
		defer stop()
		go outbox.NewSequencer(d, quiet, outbox.Table).Run(running)
		clock.Advance(2 * time.Minute) // the other one died
		within(t, time.Minute, func() bool { return len(read(t, d, 0)) == 1 })
	})
}

func BenchmarkAppend(b *testing.B) {
	run := func(b *testing.B, d *db.DB) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				add(b, d, outbox.Change{Entity: "payment", EntityID: "x", Kind: "held", Version: 1, Payload: map[string]string{"status": "held"}})
			}
		})
	}
	b.Run("sqlite", func(b *testing.B) { run(b, dbtest.SQLite(b, db.Options{})) })
	b.Run("postgresql", func(b *testing.B) { run(b, dbtest.PostgreSQL(b, db.Options{})) })
}

func BenchmarkNumber(b *testing.B) {
	run := func(b *testing.B, d *db.DB) {
		for b.Loop() {
			b.StopTimer()
			list := make([]outbox.Change, 1000)
			for i := range list {
				list[i] = outbox.Change{Entity: "payment", EntityID: "x", Kind: "held", Version: int64(i)}
			}
			add(b, d, list...)
			b.StartTimer()
			pass(b, d)
		}
		b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("sqlite", func(b *testing.B) { run(b, dbtest.SQLite(b, db.Options{})) })
	b.Run("postgresql", func(b *testing.B) { run(b, dbtest.PostgreSQL(b, db.Options{})) })
}

func query(t testing.TB, d *db.DB, q string, into ...any) {
	t.Helper()
	if err := d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, q).Scan(into...) }); err != nil {
		t.Fatal(err)
	}
}

// within polls until what must happen soon has happened.
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
