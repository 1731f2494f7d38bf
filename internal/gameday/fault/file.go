package fault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // registers the "sqlite" driver
)

// File breaks an SQLite database from outside: another program holds its lock, or
// its file is gone. At any time it has one fault or none.
type File struct {
	path   string
	locked *sql.DB
	lock   *sql.Conn // in the transaction that holds the lock
	hidden []string
}

// NewFile makes the faults of the database at path.
func NewFile(path string) *File { return &File{path: path} }

// lockLimit is how long Lock waits for those who write before it.
const lockLimit = 10 * time.Second

// Lock holds the database's write lock, as a tool does that somebody left open.
func (f *File) Lock() error {
	if err := f.Heal(); err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Path: f.path, RawQuery: url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", lockLimit.Milliseconds())}, "mode": {"rw"}}.Encode()}
	d, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return err
	}
	d.SetMaxOpenConns(1)
	f.locked = d
	if f.lock, err = d.Conn(context.Background()); err != nil {
		return err
	}
	_, err = f.lock.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	return err
}

// Hide takes the database's files away, as somebody does who moves the wrong folder.
func (f *File) Hide() error {
	if err := f.Heal(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(f.path+suffix, f.path+suffix+".hidden")
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.hidden = append(f.hidden, f.path+suffix)
	}
	return nil
}

// Heal gives up the lock and puts the files back.
func (f *File) Heal() error {
	if err := f.unlock(); err != nil {
		return err
	}
	for _, path := range f.hidden {
		if err := os.Rename(path+".hidden", path); err != nil {
			return err
		}
	}
	f.hidden = nil
	return nil
}

func (f *File) unlock() error {
	if f.locked == nil {
		return nil
	}
	var err error
	if f.lock != nil {
		err = f.lock.Close()
	}
	err = errors.Join(err, f.locked.Close())
	f.locked, f.lock = nil, nil
	return err
}
