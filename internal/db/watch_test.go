package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	breaks "standfast/internal/gameday/fault"
)

// watched opens a migrated database and watches it until the test ends.
func watched(t *testing.T, target string) *db.DB {
	t.Helper()
	return watchedAt(t, target, db.Options{})
}

func watchedAt(t *testing.T, target string, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	watch, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Watch(watch) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return d
}

// proxied gives a watched database and the proxy that can break the way to it.
func proxied(t *testing.T) (*db.DB, *breaks.Proxy) {
	t.Helper()
	p, through, err := breaks.NewPostgres(dbtest.PostgreSQLURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return watched(t, through), p
}

func write(d *db.DB) error {
	return d.WithTx(context.Background(), touch)
}

func touch(tx *db.Tx) error {
	_, err := tx.Exec(context.Background(), `UPDATE sequence SET last_seq = last_seq WHERE name = $1`, "nobody")
	return err
}

func look(d *db.DB) error {
	return d.Read(context.Background(), func(tx *db.Tx) error {
		var n int
		return tx.QueryRow(context.Background(), `SELECT count(*) FROM sequence`).Scan(&n)
	})
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, late := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// answered waits for somebody who has set himself no deadline.
func answered(t *testing.T, asked <-chan error) error {
	t.Helper()
	select {
	case err := <-asked:
		return err
	case <-time.After(time.Minute):
		t.Fatal("whoever waits for a database that hangs waits for ever")
		return nil
	}
}

// A database that hangs gives no error. Whoever is in the middle of a transaction
// is told all the same, whoever comes later is told at once, and when it is back
// everything goes on.
func TestAHangingDatabaseIsAsGoodAsADeadOne(t *testing.T) {
	for name, set := range map[string]func(*breaks.Proxy) error{
		"stalled": (*breaks.Proxy).Stall, "down": (*breaks.Proxy).Down, "resetting": (*breaks.Proxy).Reset,
		"answering errors": func(p *breaks.Proxy) error { return p.Errors("XX000") },
		"finding nothing":  (*breaks.Proxy).Empty,
	} {
		t.Run(name, func(t *testing.T) {
			d, p := proxied(t)
			soon(t, "a sound database", func() bool { return write(d) == nil })
			asked := make(chan error, 1)
			go func() {
				asked <- d.WithTx(context.Background(), func(tx *db.Tx) error {
					if err := set(p); err != nil {
						t.Error(err)
					}
					return touch(tx)
				})
			}()
			if err := answered(t, asked); name != "finding nothing" && !fault.Is(err, fault.Unavailable) {
				t.Fatal("in the middle of a transaction:", err)
			}
			soon(t, "the watch says so", func() bool { return fault.Is(d.Ping(context.Background()), fault.Unavailable) })
			if err := write(d); !fault.Is(err, fault.Unavailable) {
				t.Error("writing:", err)
			}
			if err := look(d); !fault.Is(err, fault.Unavailable) {
				t.Error("reading:", err)
			}
			if err := p.Heal(); err != nil {
				t.Fatal(err)
			}
			soon(t, "it is back", func() bool { return write(d) == nil && look(d) == nil && d.Ping(context.Background()) == nil })
		})
	}
}

// "There is no such thing" is not said on the word of a database that finds nothing.
func TestADatabaseThatFindsNothingIsNotBelieved(t *testing.T) {
	d, p := proxied(t)
	if err := d.Sound(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := p.Empty(); err != nil {
		t.Fatal(err)
	}
	if err := d.Sound(context.Background()); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

func onSQLite(t *testing.T) (*db.DB, *breaks.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "core.db")
	d := watched(t, path)
	f := breaks.NewFile(path)
	t.Cleanup(func() {
		if err := f.Heal(); err != nil {
			t.Error(err)
		}
	})
	return d, f
}

// Another program that holds SQLite's lock keeps us from writing, not from
// reading. Whoever queues behind the one that waits for the lock is told with it.
func TestALockedFileIsReadOnly(t *testing.T) {
	d, f := onSQLite(t)
	soon(t, "the watch begins", func() bool { return d.Ping(context.Background()) == nil && write(d) == nil })
	if err := f.Lock(); err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 3)
	for range cap(asked) {
		go func() { asked <- write(d) }()
	}
	for range cap(asked) {
		if err := answered(t, asked); !fault.Is(err, fault.Unavailable) {
			t.Error("writing:", err)
		}
	}
	if err := look(d); err != nil {
		t.Error("reading:", err)
	}
	if err := f.Heal(); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is back", func() bool { return write(d) == nil })
}

// What is written to a file that has lost its name would be gone at the next
// start, so it is refused. Reading goes on, and finds no empty file in its place.
func TestAFileThatIsGoneTakesNothingMore(t *testing.T) {
	d, f := onSQLite(t)
	if err := write(d); err != nil {
		t.Fatal(err)
	}
	if err := f.Hide(); err != nil {
		t.Fatal(err)
	}
	soon(t, "writing is refused", func() bool { return fault.Is(write(d), fault.Unavailable) })
	if err := look(d); err != nil && !fault.Is(err, fault.Unavailable) {
		t.Error("reading:", err)
	}
	if err := f.Heal(); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is back", func() bool { return write(d) == nil })
}

// Two processes whose clocks are five minutes off to either side agree with the
// server, and so with each other; a clock that a test has set is left alone.
func TestTheServersClockIsTheCells(t *testing.T) {
	target := dbtest.PostgreSQLURL(t)
	for _, by := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		off := func() time.Time { return time.Now().Add(by) }
		d := watchedAt(t, target, db.Options{Now: off, Follow: true})
		right := func() bool { return time.Since(d.Now()).Abs() < 5*time.Second }
		for deadline := time.Now().Add(time.Minute); !right(); {
			if time.Now().After(deadline) {
				t.Fatal("still", time.Since(d.Now()))
			}
			<-time.After(50 * time.Millisecond)
		}
		var in time.Time
		if err := d.WithTx(t.Context(), func(tx *db.Tx) error { in = tx.Now; return nil }); err != nil || time.Since(in).Abs() > 30*time.Second {
			t.Error(in, err)
		}
		if d := watchedAt(t, target, db.Options{Now: off}); (time.Since(d.Now()) + by).Abs() > 30*time.Second {
			t.Error("a clock that was given is changed")
		}
	}
}
