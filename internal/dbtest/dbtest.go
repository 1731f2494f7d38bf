// Package dbtest gives tests real, migrated databases on both engines.
//
// PostgreSQL comes from STANDFAST_TEST_POSTGRES (a URL of a superuser's
// database; `make test` sets it), or else from a throwaway server that this
// package starts when the machine has PostgreSQL installed. Where neither is
// to be had, the PostgreSQL half is skipped and says so.
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/pgserver"
)

// Clock is a clock that tests move by hand. The zero value is not usable; see NewClock.
type Clock struct{ us atomic.Int64 }

// NewClock makes a clock that stands at a fixed instant, noon UTC of Monday, 2 March 2026.
func NewClock() *Clock {
	c := &Clock{}
	c.Set(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	return c
}

// Now gives the clock's time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.us.Load()).UTC() }

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) { c.us.Store(t.UnixMicro()) }

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// Each runs a test once on each engine, each time on an empty, migrated database.
func Each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	EachAt(t, db.Options{}, test)
}

// EachAt is Each with options, such as a test's clock.
func EachAt(t *testing.T, o db.Options, test func(t *testing.T, d *db.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, o)) })
	t.Run("postgresql", func(t *testing.T) { test(t, PostgreSQL(t, o)) })
}

// SQLite opens an empty, migrated SQLite database that ends with the test.
func SQLite(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	empty, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path, o)
}

// PostgreSQL opens an empty, migrated PostgreSQL database that ends with the test.
func PostgreSQL(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	base := serverURL(t)
	if err := postgresTemplate(); err != nil {
		t.Fatal(err)
	}
	return open(t, borrow(t, base), o)
}

func open(t testing.TB, target string, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

var count atomic.Int64

// run names this process's databases on a server that others share. Its number
// would not do: templates stay, and numbers of processes come again.
var run = strings.ReplaceAll(db.NewID(), "-", "")

// PostgreSQLURL makes a database without tables and gives its URL; two db.DB
// opened on it are two replicas. It skips the test where PostgreSQL is not to be had.
func PostgreSQLURL(t testing.TB) string {
	t.Helper()
	return create(t, serverURL(t))
}

func serverURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if errors.Is(err, pgserver.ErrMissing) {
		t.Skipf("no PostgreSQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// create makes a database without tables for one test.
func create(t testing.TB, base string) string {
	t.Helper()
	name := newName()
	if err := asAdmin(base, `CREATE DATABASE `+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(base, name) })
	return inDatabase(base, name)
}

func newName() string { return fmt.Sprintf("t_%s_%d", run, count.Add(1)) }

// inDatabase gives the URL of another database of the same server.
func inDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // Open will say what is wrong with it
	}
	u.Path = "/" + name
	return u.String()
}

func asAdmin(base, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := db.Open(ctx, base, db.Options{})
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Pool().Exec(ctx, statement)
	return err
}

// Migrating is most of the time of most tests, so each process migrates once and
// copies the result.

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "standfast-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func templateName() string { return "template_" + run }

var postgresTemplate = sync.OnceValue(func() error {
	base, err := server()
	if err != nil {
		return err
	}
	if err := asAdmin(base, `CREATE DATABASE `+templateName()); err != nil {
		return err
	}
	return migrate(inDatabase(base, templateName()))
})

func migrate(target string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, target, db.Options{})
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(ctx), jobs.Migrate(ctx, d), forgetLeases(ctx, d), d.Close())
}

// forgetLeases takes away what migrating left: for a test whose clock stands
// earlier than now it would be a lease that somebody holds.
func forgetLeases(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM lease`)
		return err
	})
}

// drop removes a database; where the server ended with the test run, it went with it.
func drop(base, name string) { _ = asAdmin(base, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) }

var server = sync.OnceValues(func() (string, error) {
	if u := os.Getenv("STANDFAST_TEST_POSTGRES"); u != "" {
		return u, nil
	}
	return startServer()
})
