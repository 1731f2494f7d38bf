package db

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrations holds the schema, one file a room, in SQL that both engines read.
// Migrations only go forward, and each must be safe while the release before it
// still runs (see docs/operations.md).
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to this build's version. Several processes may
// call it at once: on PostgreSQL a lease row lets one of them work, on SQLite
// the single writer does.
func (d *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler))}
	if d.engine == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresTableLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.writer, files, opts...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return classify(err)
}
