// Package store is the stand-in's two files. What it was told by core (the
// known file) can be thrown away and built again from a snapshot. What happened
// here (the own file: advices, payments, sessions, failures) cannot, and is
// never part of a swap.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver

	"standfast/internal/fault"
)

// pragmas hold for every connection: what is confirmed has reached the disk.
const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_txlock=immediate"

// readers is how many readers of one file there are beside its one writer.
const readers = 4

// file is one SQLite file: one writer and a few readers, which in WAL mode never
// wait for it.
type file struct {
	path  string
	write *sql.DB
	read  *sql.DB
}

// openFile opens a file and brings it up to its latest migration.
func openFile(ctx context.Context, path string, migrations []string) (*file, error) {
	f := &file{path: path}
	var err error
	if f.write, err = sql.Open("sqlite", "file:"+path+pragmas); err != nil {
		return nil, err
	}
	f.write.SetMaxOpenConns(1)
	if f.read, err = sql.Open("sqlite", "file:"+path+pragmas+"&_pragma=query_only(ON)"); err != nil {
		return nil, errors.Join(err, f.write.Close())
	}
	f.read.SetMaxOpenConns(readers)
	if err := f.migrate(ctx, migrations); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// migrate runs the steps that the file has not had yet; user_version counts them.
func (f *file) migrate(ctx context.Context, steps []string) error {
	return f.tx(ctx, func(tx *sql.Tx) error {
		var done int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&done); err != nil {
			return err
		}
		if done > len(steps) {
			return fmt.Errorf("store: %s was written by a later release (%d)", f.path, done)
		}
		for _, step := range steps[done:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(steps)))
		return err
	})
}

// tx runs work in one transaction of the writer.
func (f *file) tx(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	return tx.Commit()
}

// rollback leaves a transaction; one that the driver has ended itself is over.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func (f *file) close() error { return errors.Join(f.read.Close(), f.write.Close()) }

// remove deletes a file that nobody has open, with what SQLite keeps beside it.
func remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Micros gives an instant as it is stored; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Instant reads what Micros wrote.
func Instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// unavailable is the error of a file that does not answer: not known now.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	return fault.Wrap(fault.Unavailable, "standin.store", "We cannot look that up just now. Please try again shortly.", err)
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, unavailable(err)
		}
		list = append(list, v)
	}
	return list, unavailable(rows.Err())
}
