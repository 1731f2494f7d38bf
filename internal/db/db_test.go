package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var ctx = context.Background()

func exec(t *testing.T, d *db.DB, q string, args ...any) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, q, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

func TestOneTextServesBothEngines(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id UUID PRIMARY KEY, at BIGINT NOT NULL, yes BOOLEAN NOT NULL, raw BYTEA, note TEXT)`)
		id, at := db.NewID(), d.Now()
		for range 3 { // the third time runs prepared
			exec(t, d, `DELETE FROM x`)
			exec(t, d, `INSERT INTO x VALUES ($1, $2, $3, $4, $5)`, id, db.Micros(at), true, []byte{0, 1}, nil)
		}
		var gotID string
		var gotAt int64
		var yes bool
		var raw []byte
		err := d.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT id, at, yes, raw FROM x WHERE id = $1`, id).Scan(&gotID, &gotAt, &yes, &raw)
		})
		if err != nil || gotID != id || !db.FromMicros(gotAt).Equal(at) || !yes || len(raw) != 2 {
			t.Fatal(gotID, gotAt, yes, raw, err)
		}
	})
}

func TestErrorsRollBackAndUniqueIsKnown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id BIGINT PRIMARY KEY)`)
		mine := errors.New("mine")
		err := d.WithTx(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO x VALUES (1)`); err != nil {
				return err
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Fatal(err)
		}
		exec(t, d, `INSERT INTO x VALUES (1)`)
		err = d.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, `INSERT INTO x VALUES (1)`); return err })
		if !db.IsUnique(err) {
			t.Fatal(err)
		}
	})
}

func TestViewCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.View(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO lease VALUES ('a', 'b', 1)`)
			return err
		})
		if !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	})
}

// Two writers that read before they write must not lose each other's update.
func TestDeadlocksAreRunAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)`)
		exec(t, d, `INSERT INTO x VALUES (1, 0), (2, 0)`)
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				for range 4 {
					first, second := 1+i%2, 2-i%2
					err := d.WithTx(ctx, func(tx *db.Tx) error {
						if _, err := tx.Exec(ctx, `UPDATE x SET n = n + 1 WHERE id = $1`, first); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, `UPDATE x SET n = n + 1 WHERE id = $1`, second)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int64
		_ = d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT MIN(n) FROM x`).Scan(&n) })
		if n != 8 {
			t.Fatalf("%d updates of 8 are there", n)
		}
	})
}

func TestNumberGivesEveryCommittedRowOneNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE c (id UUID PRIMARY KEY, digest BYTEA NOT NULL, seq BIGINT UNIQUE, chain BYTEA)`)
		const rows = 60
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range rows / 3 {
					exec(t, d, `INSERT INTO c (id, digest) VALUES ($1, $2)`, db.NewID(), []byte("x"))
					if _, err := d.Number(ctx, "c", 7); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for n := 1; n > 0; {
			var err error
			if n, err = d.Number(ctx, "c", 100); err != nil {
				t.Fatal(err)
			}
		}
		err := d.View(ctx, func(tx *db.Tx) error {
			r, err := tx.Query(ctx, `SELECT seq, digest, chain FROM c ORDER BY seq`)
			if err != nil {
				return err
			}
			defer r.Close()
			var before []byte
			var want int64
			for r.Next() {
				var seq int64
				var digest, chain []byte
				if err := r.Scan(&seq, &digest, &chain); err != nil {
					return err
				}
				want++
				if before = db.Link(before, want, digest); seq != want || string(before) != string(chain) {
					t.Fatalf("row %d has number %d and chain %x", want, seq, chain)
				}
			}
			if want != rows {
				t.Fatalf("%d rows numbered of %d", want, rows)
			}
			return r.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestLease(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		step := func(holder string, want bool) {
			t.Helper()
			if got, err := d.Lease(ctx, "work", holder, time.Minute); err != nil || got != want {
				t.Fatal(holder, got, err)
			}
		}
		step("a", true)
		step("b", false)
		step("a", true)
		clock.Advance(2 * time.Minute)
		step("b", true)
		step("a", false)
	})
}

func TestQueuedStatementsRunInOrderAndTheirErrorsCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)`)
		n := func() (n int64) {
			t.Helper()
			if err := d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT n FROM x`).Scan(&n) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		const more = `UPDATE x SET n = n + 1 WHERE id = $1`
		var between int64
		err := d.WithTx(ctx, func(tx *db.Tx) error {
			return errors.Join(tx.Queue(ctx, nil, `INSERT INTO x VALUES (1, 1)`), tx.Queue(ctx, nil, more, 1),
				tx.QueryRow(ctx, `SELECT n FROM x WHERE id = 1`).Scan(&between), tx.Queue(ctx, nil, more, 1))
		})
		if err != nil || between != 2 || n() != 3 {
			t.Fatal(between, n(), err)
		}
		taken := errors.New("taken")
		err = d.WithTx(ctx, func(tx *db.Tx) error {
			return errors.Join(tx.Queue(ctx, nil, `UPDATE x SET n = 100`), tx.Queue(ctx, func(rows int64, err error) error {
				if rows == 0 {
					return taken
				}
				return err
			}, `INSERT INTO x VALUES (1, 9) ON CONFLICT (id) DO NOTHING`))
		})
		if !errors.Is(err, taken) || n() != 3 {
			t.Fatal(n(), err)
		}
		// What fails in the queue is the transaction's error, whatever is made of it later.
		err = d.WithTx(ctx, func(tx *db.Tx) error {
			if err := tx.Queue(ctx, nil, `INSERT INTO x VALUES (1, 9)`); err != nil {
				return err
			}
			_ = tx.QueryRow(ctx, `SELECT n FROM x`).Scan(&between)
			return errors.New("another")
		})
		if !db.IsUnique(err) || n() != 3 {
			t.Fatal(n(), err)
		}
	})
}

// A server that ended its connections, as at a restart, is asked again on a new one.
func TestDeadConnectionsAreGotPast(t *testing.T) {
	d := dbtest.PostgreSQL(t, db.Options{})
	const many = 12
	atOnce := func() {
		t.Helper()
		var open, done sync.WaitGroup
		open.Add(many)
		for i := range many {
			done.Go(func() {
				tx := d.View
				if i%2 == 0 {
					tx = d.WithTx
				}
				err := tx(ctx, func(*db.Tx) error { open.Done(); open.Wait(); return nil })
				if err != nil {
					t.Error(err)
					open.Done()
				}
			})
		}
		done.Wait()
	}
	readAtOnce := func() {
		t.Helper()
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				var one int
				if err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT 1`).Scan(&one) }); err != nil || one != 1 {
					t.Error(one, err)
				}
			})
		}
		all.Wait()
	}
	atOnce()
	for i := range 6 {
		_, err := d.Pool().Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			readAtOnce()
		}
		atOnce()
	}
}
