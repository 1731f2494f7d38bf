package db_test

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var inserted = db.Into{Table: "x", Columns: `id uuid, n bigint, yes boolean, raw bytea, note text`}

func insertAll(ctx context.Context, d *db.DB, rows [][]any) error {
	return d.WithTx(ctx, func(tx *db.Tx) error { return tx.InsertAll(ctx, inserted, rows) })
}

// Rows arrive whole whatever their number, which decides into how many statements
// they are parted.
func TestManyRowsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id UUID PRIMARY KEY, n BIGINT NOT NULL, yes BOOLEAN NOT NULL, raw BYTEA NOT NULL, note TEXT)`)
		want := 0
		for _, size := range []int{0, 1, 7, 8, 9, 64, 65, 150} {
			rows := make([][]any, size)
			for i := range rows {
				n, note := want+i, (*string)(nil)
				if n%2 == 0 {
					text := strconv.Itoa(n)
					note = &text
				}
				rows[i] = []any{db.NewID(), n, n%2 == 0, []byte{byte(n), 0}, note}
			}
			if err := insertAll(ctx, d, rows); err != nil {
				t.Fatal(size, err)
			}
			want += size
		}
		got := 0
		err := d.View(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query(ctx, `SELECT n, yes, raw, COALESCE(note, '') FROM x ORDER BY n`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for ; rows.Next(); got++ {
				var n int
				var yes bool
				var raw []byte
				var note string
				err := rows.Scan(&n, &yes, &raw, &note)
				even := got%2 == 0
				if err != nil || n != got || yes != even || !bytes.Equal(raw, []byte{byte(n), 0}) || (note == strconv.Itoa(n)) != even {
					t.Fatal(got, n, yes, raw, note, err)
				}
			}
			return rows.Err()
		})
		if err != nil || got != want {
			t.Fatal(got, want, err)
		}
	})
}

// Each row is set to its own values, and the others stay as they are.
func TestManyRowsAreSet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id UUID PRIMARY KEY, n BIGINT NOT NULL, note TEXT)`)
		into := db.Into{Table: "x", Columns: `id uuid, n bigint, note text`}
		for _, size := range []int{0, 1, 9, 75} {
			rows := make([][]any, size+1)
			for i := range rows {
				rows[i] = []any{db.NewID(), 0, "before"}
			}
			err := d.WithTx(ctx, func(tx *db.Tx) error {
				if err := tx.InsertAll(ctx, into, rows); err != nil {
					return err
				}
				for i, r := range rows {
					r[1], r[2] = i, "after"
				}
				return tx.UpdateAll(ctx, into, append(rows[1:], []any{db.NewID(), 1, "not there"}))
			})
			var set, sum, left int
			if err == nil {
				err = d.View(ctx, func(tx *db.Tx) error {
					return tx.QueryRow(ctx, `SELECT SUM(CASE WHEN note = 'after' THEN 1 ELSE 0 END), SUM(n), SUM(CASE WHEN note = 'before' THEN 1 ELSE 0 END) FROM x`).Scan(&set, &sum, &left)
				})
			}
			if err != nil || set != size || sum != size*(size+1)/2 || left != 1 {
				t.Error(size, set, sum, left, err)
			}
			exec(t, d, `DELETE FROM x`)
		}
	})
}

func TestOneOfAList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE x (id UUID PRIMARY KEY, note TEXT)`)
		a, b, c := db.NewID(), db.NewID(), db.NewID()
		for _, id := range []string{a, b, c} {
			exec(t, d, `INSERT INTO x VALUES ($1, $2)`, id, "\"'"+id)
		}
		for kind, list := range map[string][]string{"uuid": {a, c}, "text": {"\"'" + a, "\"'" + c, "'"}, "": nil} {
			column, want := map[string]string{"uuid": "id", "text": "note", "": "note"}[kind], []string{a, c}
			if kind == "" {
				kind, want = "text", nil
			}
			var got []string
			err := d.View(ctx, func(tx *db.Tx) error {
				where, arg := tx.In(column, kind, 1, list)
				rows, err := tx.Query(ctx, `SELECT id FROM x WHERE `+where+` ORDER BY id`, arg)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var id string
					if err := rows.Scan(&id); err != nil {
						return err
					}
					got = append(got, id)
				}
				return rows.Err()
			})
			if err != nil || !slices.Equal(got, want) {
				t.Error(kind, got, err)
			}
		}
	})
}

// A key that another transaction takes between the look and the write is found by
// the second look.
func TestAKeyTakenInBetweenIsFoundTheSecondTime(t *testing.T) {
	d := dbtest.PostgreSQL(t, db.Options{})
	exec(t, d, `CREATE TABLE x (id UUID PRIMARY KEY, n BIGINT NOT NULL, yes BOOLEAN NOT NULL, raw BYTEA NOT NULL, note TEXT)`)
	for _, size := range []int{1, 2} {
		rows := make([][]any, size)
		for i := range rows {
			rows[i] = []any{db.NewID(), i, true, []byte{}, ""}
		}
		runs, there := 0, 0
		err := d.WithTx(ctx, func(tx *db.Tx) error {
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM x WHERE id = $1`, rows[0][0]).Scan(&there); err != nil || there > 0 {
				return err
			}
			if runs++; runs == 1 {
				if err := insertAll(ctx, d, rows[:1]); err != nil {
					return err
				}
			}
			return tx.InsertAll(ctx, inserted, rows)
		})
		if err != nil || runs != 1 || there != 1 {
			t.Error(size, runs, there, err)
		}
		if err := insertAll(ctx, d, rows); !fault.Is(err, fault.Unavailable) {
			t.Errorf("whoever never looks is told in the end: %v", err)
		}
	}
}
