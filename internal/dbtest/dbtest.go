// Package dbtest gives tests real, migrated databases on both engines.
//
// PostgreSQL comes from STANDFAST_TEST_POSTGRES (a URL of a superuser's
// database; `make test` sets it), or else from a throwaway server that this
// package starts when the machine has PostgreSQL installed. Where neither is
// to be had, the PostgreSQL half is skipped and says so.
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/db"
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
	return open(t, filepath.Join(t.TempDir(), "test.db"), o)
}

// PostgreSQL opens an empty, migrated PostgreSQL database that ends with the test.
func PostgreSQL(t testing.TB, o db.Options) *db.DB {
	return open(t, PostgreSQLURL(t), o)
}

func open(t testing.TB, target string, o db.Options) *db.DB {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

var count atomic.Int64

// PostgreSQLURL makes an empty database and gives its URL; two db.DB opened on
// it are two replicas. It skips the test where PostgreSQL is not to be had.
func PostgreSQLURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	ctx := context.Background()
	admin, err := db.Open(ctx, base, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), count.Add(1))
	if _, err := admin.Pool().Exec(ctx, `CREATE DATABASE `+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(base, name) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func drop(base, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	admin, err := db.Open(ctx, base, db.Options{})
	if err != nil {
		return // the server ended with the test run, and the database with it
	}
	defer admin.Close()
	_, _ = admin.Pool().Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
}

var server = sync.OnceValues(func() (string, error) {
	if u := os.Getenv("STANDFAST_TEST_POSTGRES"); u != "" {
		return u, nil
	}
	return startServer()
})
