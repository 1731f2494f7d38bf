package jobs_test

import (
	"context"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// BenchmarkEnqueue measures what a job adds to its transaction: jobs one after
// the other in transactions of 100, and, beside it, the cheapest insert there is.
func BenchmarkEnqueue(b *testing.B) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		d := open(b, db.Options{})
		migrate(b, d)
		j := newJobs(d)
		jobs.Handle(j, time.Second, func(context.Context, pay, jobs.Attempt) error { return nil })
		if err := d.WithTx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `CREATE TABLE plain (id UUID PRIMARY KEY, a TEXT)`)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/job", func(b *testing.B) {
			inTransactions(b, d, func(tx *db.Tx) error { return j.Enqueue(ctx, tx, pay{"x"}, jobs.Options{}) })
		})
		b.Run(name+"/insert", func(b *testing.B) {
			inTransactions(b, d, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO plain VALUES ($1, $2)`, db.NewID(), "x")
				return err
			})
		})
	}
}

func inTransactions(b *testing.B, d *db.DB, do func(*db.Tx) error) {
	for left := b.N; left > 0; left -= 100 {
		if err := d.WithTx(ctx, func(tx *db.Tx) error {
			for range min(left, 100) {
				if err := do(tx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}
