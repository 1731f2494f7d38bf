package db_test

import (
	"errors"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// A commit that nobody answered may have happened or not: both are told apart from
// a transaction that failed.
func TestACommitWithoutAnAnswerIsUnknown(t *testing.T) {
	way := dbtest.NewLossy(t, dbtest.PostgreSQLURL(t))
	d, err := db.Open(ctx, way.URL, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	exec(t, d, `CREATE TABLE x (id BIGINT PRIMARY KEY)`)
	insert := func(id int) error {
		return d.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, `INSERT INTO x VALUES ($1)`, id); return err })
	}
	there := func(id int) bool {
		var n int
		if err := d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT COUNT(*) FROM x WHERE id = $1`, id).Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	way.Answers.Store(1)
	if err := insert(1); !db.Unanswered(err) || fault.As(err).Code != "storage.unknown" || !there(1) {
		t.Fatal(err, there(1))
	}
	way.Commits.Store(1)
	if err := insert(2); !db.Unanswered(err) || there(2) {
		t.Fatal(err, there(2))
	}
	if err := insert(1); db.Unanswered(err) || !db.IsUnique(err) {
		t.Fatal(err)
	}
	no := errors.New("no")
	if err := d.WithTx(ctx, func(*db.Tx) error { return no }); err != no || db.Unanswered(err) || db.Unanswered(nil) {
		t.Fatal(err)
	}
	if way.Lost() != 2 {
		t.Fatal(way.Lost())
	}
}
