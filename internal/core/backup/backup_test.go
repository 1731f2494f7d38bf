package backup_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"standfast/internal/core/backup"
	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var ctx = context.Background()

const purses = 50

// scene makes tables in which every instant has the same sum, and a log whose
// rows must belong to a purse.
func scene(ctx context.Context, d *db.DB) error {
	if err := errors.Join(d.Migrate(ctx), jobs.Migrate(ctx, d)); err != nil {
		return err
	}
	text := []string{
		`CREATE TABLE b_purse (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)`,
		`CREATE TABLE a_log (id UUID PRIMARY KEY, purse BIGINT NOT NULL REFERENCES b_purse (id), note TEXT, raw BYTEA, yes BOOLEAN NOT NULL)`,
	}
	if d.Engine() == db.PostgreSQL {
		text = append(text, `CREATE TABLE numbered (n BIGSERIAL PRIMARY KEY, twice BIGINT GENERATED ALWAYS AS (n * 2) STORED)`)
	}
	return d.WithTx(ctx, func(tx *db.Tx) error {
		for _, q := range text {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

func fill(t *testing.T, d *db.DB) {
	t.Helper()
	if err := scene(ctx, d); err != nil {
		t.Fatal(err)
	}
	err := d.WithTx(ctx, func(tx *db.Tx) error {
		for i := range purses {
			if _, err := tx.Exec(ctx, `INSERT INTO b_purse VALUES ($1, 100)`, i); err != nil {
				return err
			}
		}
		if d.Engine() == db.PostgreSQL {
			_, err := tx.Exec(ctx, `INSERT INTO numbered SELECT FROM generate_series(1, 7)`)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// move takes one unit from one purse to another and writes two lines about it.
func move(ctx context.Context, d *db.DB, n int) error {
	return d.WithTx(ctx, func(tx *db.Tx) error {
		for _, step := range []struct{ purse, by int }{{n % purses, -1}, {(n * 7) % purses, +1}} {
			if _, err := tx.Exec(ctx, `UPDATE b_purse SET value = value + $2 WHERE id = $1`, step.purse, step.by); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO a_log VALUES ($1, $2, $3, $4, $5)`, db.NewID(), step.purse, "tab\there \\ \"ü\"\nand on", []byte{0, 9, 10, 92, 255}, step.by > 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// target gives an empty place for a restore, on the same engine as d.
func target(t *testing.T, d *db.DB) string {
	if d.Engine() == db.PostgreSQL {
		return dbtest.PostgreSQLURL(t)
	}
	return filepath.Join(t.TempDir(), "restored.db")
}

func reopen(t *testing.T, where string) *db.DB {
	t.Helper()
	d, err := db.Open(ctx, where, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func number(t *testing.T, d *db.DB, query string) (n int64) {
	t.Helper()
	if err := d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query).Scan(&n) }); err != nil {
		t.Fatal(query, err)
	}
	return n
}

// While four writers write, a backup holds one instant: no unit is lost between
// two purses, and each movement has both its lines or none.
func TestBackupHoldsOneInstantWhileWritersWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		writing, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		started := make(chan struct{}, 4)
		for w := range 4 {
			wg.Go(func() {
				for i := 0; writing.Err() == nil; i++ {
					if err := move(ctx, d, w*1000+i); err != nil {
						t.Error(err)
						return
					}
					if i == 10 {
						started <- struct{}{}
					}
				}
			})
		}
		for range 4 {
			<-started
		}
		file := filepath.Join(t.TempDir(), "b.zip")
		_, err := backup.Write(ctx, d, file, backup.Options{Build: "test"})
		stop()
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		where := target(t, d)
		if _, err := backup.Restore(ctx, file, where, scene); err != nil {
			t.Fatal(err)
		}
		r := reopen(t, where)
		if sum := number(t, r, `SELECT SUM(value) FROM b_purse`); sum != purses*100 {
			t.Errorf("sum %d", sum)
		}
		lines := number(t, r, `SELECT COUNT(*) FROM a_log`)
		if lines < 80 || lines%2 != 0 || lines > number(t, d, `SELECT COUNT(*) FROM a_log`) {
			t.Errorf("%d lines", lines)
		}
	})
}

func TestRestoreGivesEveryValueBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		if err := move(ctx, d, 3); err != nil {
			t.Fatal(err)
		}
		file, where := filepath.Join(t.TempDir(), "b.zip"), target(t, d)
		if _, err := backup.Write(ctx, d, file, backup.Options{KeyCheck: "k"}); err != nil {
			t.Fatal(err)
		}
		m, err := backup.Restore(ctx, file, where, scene)
		if err != nil || m.KeyCheck != "k" || !m.CreatedAt.Equal(m.CreatedAt.UTC()) {
			t.Fatal(m, err)
		}
		r := reopen(t, where)
		const whole = `SELECT COUNT(*) FROM a_log WHERE note = $1 AND raw = $2`
		var n int
		err = r.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, whole, "tab\there \\ \"ü\"\nand on", []byte{0, 9, 10, 92, 255}).Scan(&n)
		})
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if r.Engine() != db.PostgreSQL {
			return
		}
		var next int64
		if err := r.Pool().QueryRow(ctx, `SELECT nextval('numbered_n_seq')`).Scan(&next); err != nil || next != 8 {
			t.Errorf("the sequence goes on at %d: %v", next, err)
		}
		if sum := number(t, r, `SELECT SUM(twice) FROM numbered`); sum != 56 {
			t.Errorf("generated column: %d", sum)
		}
	})
}

func TestNothingThatExistsIsOverwritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		file := filepath.Join(t.TempDir(), "b.zip")
		if _, err := backup.Write(ctx, d, file, backup.Options{}); err != nil {
			t.Fatal(err)
		}
		if st, _ := os.Stat(file); st.Mode().Perm() != 0o600 {
			t.Errorf("others may read it: %v", st.Mode())
		}
		if _, err := backup.Write(ctx, d, file, backup.Options{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second backup under one name: %v", err)
		}
		where := target(t, d)
		if _, err := backup.Restore(ctx, file, where, scene); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(ctx, file, where, scene); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second restore into one place: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestALogLeftBehindIsNoEmptyPlace(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	file, where := filepath.Join(t.TempDir(), "b.zip"), target(t, d)
	if _, err := backup.Write(ctx, d, file, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(where+"-wal", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(ctx, file, where, nil); !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
}

func TestDamageIsFoundBeforeAnythingIsRestored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		dir := t.TempDir()
		file := filepath.Join(dir, "b.zip")
		if _, err := backup.Write(ctx, d, file, backup.Options{}); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flipped := append([]byte(nil), whole...)
		flipped[middleOfLargest(t, file)] ^= 0x10
		for name, bytes := range map[string][]byte{"flipped": flipped, "cut": whole[:len(whole)/2], "empty": nil, "changed": changed(t, file)} {
			bad := filepath.Join(dir, name)
			if err := os.WriteFile(bad, bytes, 0o600); err != nil {
				t.Fatal(err)
			}
			where := target(t, d)
			if _, err := backup.Restore(ctx, bad, where, scene); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := backup.Restore(ctx, file, where, scene); err != nil {
				t.Errorf("after %s the place is not empty: %v", name, err)
			}
		}
	})
}

// middleOfLargest gives the place of a byte that surely is data.
func middleOfLargest(t *testing.T, file string) int64 {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	largest := z.File[0]
	for _, f := range z.File[:len(z.File)-1] {
		if f.CompressedSize64 > largest.CompressedSize64 {
			largest = f
		}
	}
	at, err := largest.DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	return at + int64(largest.CompressedSize64/2)
}

// changed gives an archive that is whole as a ZIP but whose first entry is not what the manifest says.
func changed(t *testing.T, file string) []byte {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(out)
	for i, f := range z.File {
		to, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, from); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			_, _ = to.Write([]byte("more\n"))
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	d := dbtest.PostgreSQL(t, db.Options{})
	fill(t, d)
	file := filepath.Join(t.TempDir(), "b.zip")
	if _, err := backup.Write(ctx, d, file, backup.Options{Build: "1.0"}); err != nil {
		t.Fatal(err)
	}
	newer := func(ctx context.Context, d *db.DB) error {
		if err := scene(ctx, d); err != nil {
			return err
		}
		_, err := d.Pool().Exec(ctx, `ALTER TABLE b_purse ADD COLUMN owner TEXT`)
		return err
	}
	if _, err := backup.Restore(ctx, file, dbtest.PostgreSQLURL(t), newer); !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
}

func TestEnginesAreNotMixed(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	file := filepath.Join(t.TempDir(), "b.zip")
	if _, err := backup.Write(ctx, d, file, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(ctx, file, "postgres://localhost:1/x", scene); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}
