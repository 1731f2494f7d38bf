package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"standfast/internal/fault"
)

// migrations holds the schema, one file a room, in SQL that both engines read.
// Migrations only go forward, and each must be safe while the release before it
// still runs: it adds and takes nothing away. What takes something away that the
// release before does not use any more has a number from Breaking on
// (docs/operations.md, "Upgrade").
//
//go:embed migrations/*.sql
var migrations embed.FS

// Breaking is the first number of migrations that no build works with which does
// not have them. Builds of any release go on beside all others that they do not know.
const Breaking = 90_000

// How a change of the schema waits. On PostgreSQL everybody who comes later waits
// behind it, also those who only read: so it gives up soon and asks again.
const (
	schemaLock  = 500 * time.Millisecond
	schemaPause = time.Second
	schemaLimit = 5 * time.Minute
)

// Migrate brings the schema up to this build's version. Several processes may
// call it at once: on PostgreSQL a lease row lets one of them work, on SQLite
// the single writer does. A schema that a later release has changed in a way that
// this build cannot work with is fault.Conflict, and nothing is touched.
func (d *DB) Migrate(ctx context.Context) error {
	pool, done := d.schemaPool()
	defer done()
	if err := outgrown(ctx, pool); err != nil {
		return err
	}
	p, err := d.migrator(pool)
	if err != nil {
		return err
	}
	return patiently(ctx, func() error {
		_, err := p.Up(ctx)
		return err
	})
}

// Alter makes one change of the schema as a migration does.
func (d *DB) Alter(ctx context.Context, statement string) error {
	pool, done := d.schemaPool()
	defer done()
	return patiently(ctx, func() error {
		_, err := pool.ExecContext(ctx, statement)
		return err
	})
}

// schemaPool gives connections that do not wait long for a lock.
func (d *DB) schemaPool() (*sql.DB, func()) {
	if d.engine != PostgreSQL {
		return d.writer, func() {}
	}
	conf := d.pool.Config().ConnConfig.Copy()
	conf.RuntimeParams["lock_timeout"] = fmt.Sprint(schemaLock.Milliseconds())
	pool := stdlib.OpenDB(*conf)
	return pool, func() { _ = pool.Close() }
}

func (d *DB) migrator(pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler))}
	if d.engine == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresTableLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithLocker(locker))
	}
	return goose.NewProvider(dialect, pool, files, opts...)
}

// patiently tries a change of the schema again while others hold what it changes.
func patiently(ctx context.Context, change func() error) error {
	ctx, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	for {
		err := change()
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != lockNotAvailable {
			return classify(err)
		}
		select {
		case <-ctx.Done():
			return classify(err)
		case <-time.After(schemaPause):
		}
	}
}

// lockNotAvailable is PostgreSQL's code for a lock that was not to be had in time.
const lockNotAvailable = "55P03"

// outgrown refuses a schema that this build cannot work with.
func outgrown(ctx context.Context, pool *sql.DB) error {
	rows, err := pool.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE version_id >= $1`, Breaking)
	if err != nil {
		return nil // there is no schema yet; any other trouble the migration meets too
	}
	applied, err := Collect(rows, err, func(r *sql.Rows) (v int64, err error) { return v, r.Scan(&v) })
	if err != nil {
		return classify(err)
	}
	known := Versions()
	for _, v := range applied {
		if !slices.Contains(known, v) {
			return fault.New(fault.Conflict, "schema.newer", fmt.Sprintf("The database has been changed by a later release in a way that this one cannot work with (%d). Start that release; nothing was changed.", v))
		}
	}
	return nil
}
