package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"standfast/internal/db"
)

// minPostgreSQL is the oldest version that the tests run on, as server_version_num.
const minPostgreSQL = 150000

// database checks that it answers, is of a known version and schema, can be
// written to and keeps what it acknowledges.
func database(ctx context.Context, p Params) []Finding {
	if !isURL(p.Database) {
		if f, stop := sqliteFile(p.Database); stop {
			return []Finding{f}
		}
	}
	d, err := db.Open(ctx, p.Database, db.Options{MaxConns: 4, Now: p.Now})
	if err != nil {
		return []Finding{fail("database", err.Error(), "Check the address, the password (PGPASSFILE) and that the server runs and lets this machine in (pg_hba.conf).")}
	}
	defer d.Close()
	list := []Finding{version(ctx, d), migrated(ctx, d), writable(ctx, d), durable(ctx, d)}
	if d.Engine() == db.PostgreSQL {
		list = append(list, skew(ctx, d, p.Now), connections(ctx, d))
		list = append(list, encrypted(ctx, d, p.Database)...)
	}
	return list
}

func isURL(target string) bool { return strings.Contains(target, "://") }

// sqliteFile tells whether there is no file to look into: opening would make one.
func sqliteFile(path string) (f Finding, stop bool) {
	_, err := os.Stat(path)
	if err == nil {
		return Finding{}, false
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fail("database", err.Error(), "Let the user that runs core read and write the file and its folder."), true
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || !dir.IsDir() {
		return fail("database", path+" does not exist, nor does its folder.", "Make the folder, or correct `database` in the configuration."), true
	}
	return warn("database", path+" does not exist yet.", "Nothing, when this is a new installation: the first start makes it. Otherwise correct `database`."), true
}

func read[T any](ctx context.Context, d *db.DB, query string) (v T, err error) {
	err = d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query).Scan(&v) })
	return v, err
}

func version(ctx context.Context, d *db.DB) Finding {
	const name = "database version"
	if d.Engine() == db.SQLite {
		v, err := read[string](ctx, d, `SELECT sqlite_version()`)
		if err != nil {
			return fail(name, err.Error(), "The file is no SQLite database or is damaged: restore a backup.")
		}
		return ok(name, "SQLite %s, one process, one machine", v)
	}
	v, err := read[string](ctx, d, `SHOW server_version`)
	if err != nil {
		return fail(name, err.Error(), "Look at the server's log.")
	}
	n, err := read[int](ctx, d, `SELECT current_setting('server_version_num')::int`)
	if err != nil || n < minPostgreSQL {
		return warn(name, "PostgreSQL "+v, "Upgrade to PostgreSQL 15 or later; older ones are not tested.")
	}
	return ok(name, "PostgreSQL %s", v)
}

// migrated compares the migrations applied with those that this build has.
func migrated(ctx context.Context, d *db.DB) Finding {
	const name = "schema"
	var applied []int64
	err := d.View(ctx, func(tx *db.Tx) (err error) {
		rows, err := tx.Query(ctx, `SELECT DISTINCT version_id FROM goose_db_version WHERE is_applied AND version_id > 0`)
		applied, err = db.Collect(rows, err, func(r *sql.Rows) (v int64, err error) { return v, r.Scan(&v) })
		return err
	})
	if err != nil {
		return warn(name, "The database is empty.", "Nothing, when this is a new installation: the first start makes the schema.")
	}
	without := func(list, other []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(list), func(v int64) bool { return slices.Contains(other, v) })
	}
	if unknown := without(applied, db.Versions()); len(unknown) > 0 {
		return warn(name, fmt.Sprintf("The database has migrations %v, which this release does not know.", unknown), "A newer release has run on it. Run that one, unless you are going back on purpose.")
	}
	if pending := without(db.Versions(), applied); len(pending) > 0 {
		return warn(name, fmt.Sprintf("Migrations %v are not applied yet.", pending), "Make a backup; the next start of core applies them.")
	}
	return ok(name, "%d migrations, none pending", len(applied))
}

var errTakeBack = errors.New("taken back")

// writable writes a row and takes it back.
func writable(ctx context.Context, d *db.DB) Finding {
	const name = "database writable"
	err := d.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `CREATE TABLE doctor_was_here (n BIGINT)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO doctor_was_here VALUES (1)`); err != nil {
			return err
		}
		return errTakeBack
	})
	if !errors.Is(err, errTakeBack) {
		return fail(name, err.Error(), "Give the user rights to write and to make tables (GRANT CREATE ON SCHEMA public). A read-only server is a replica: name the primary.")
	}
	return ok(name, "a table was made, written and taken back")
}

// durable checks that an acknowledged commit survives a power cut.
func durable(ctx context.Context, d *db.DB) Finding {
	const name = "durability"
	if d.Engine() == db.SQLite {
		level, err := read[int](ctx, d, `PRAGMA synchronous`)
		mode, err2 := read[string](ctx, d, `PRAGMA journal_mode`)
		if errors.Join(err, err2) != nil || level < 2 || mode != "wal" {
			return fail(name, fmt.Sprintf("synchronous %d, journal %s", level, mode), "Put the file on a local disk that supports write-ahead logging; network file systems do not.")
		}
		return ok(name, "synchronous=FULL, write-ahead log")
	}
	var off []string
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		if v, err := read[string](ctx, d, `SELECT current_setting('`+setting+`')`); err != nil || v == "off" {
			off = append(off, setting+"="+v)
		}
	}
	if len(off) > 0 {
		return fail(name, strings.Join(off, ", "), "Turn them on in postgresql.conf: as it is, a power cut loses payments that members saw confirmed.")
	}
	return ok(name, "fsync, full_page_writes and synchronous_commit are on")
}

// skew compares the server's clock with ours, less half the way there and back.
func skew(ctx context.Context, d *db.DB, now func() time.Time) Finding {
	const name = "clock against database"
	before := now()
	us, err := read[int64](ctx, d, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)
	after := now()
	if err != nil {
		return fail(name, err.Error(), "Look at the server's log.")
	}
	by := time.UnixMicro(us).Sub(before.Add(after.Sub(before) / 2)).Abs()
	if by > 2*time.Second+after.Sub(before) {
		return fail(name, fmt.Sprintf("They differ by %s.", by.Round(time.Millisecond)), "Set both by NTP (timedatectl). Sessions, codes and cut-off times depend on it.")
	}
	return ok(name, "within %s", max(by, after.Sub(before)).Round(time.Millisecond))
}

// wantedConnections is one core's pool, a second core's during an upgrade, and some for people.
const wantedConnections = 80

func connections(ctx context.Context, d *db.DB) Finding {
	const name = "database connections"
	n, err := read[int](ctx, d, `SELECT current_setting('max_connections')::int`)
	if err != nil || n < wantedConnections {
		return warn(name, fmt.Sprintf("max_connections is %d.", n), fmt.Sprintf("Raise it to %d or more: two cores run side by side during an upgrade.", wantedConnections))
	}
	return ok(name, "max_connections %d", n)
}

// encrypted looks at the way to the server and at the rights of the user.
func encrypted(ctx context.Context, d *db.DB, target string) (list []Finding) {
	var tls, super bool
	err := d.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE),
			(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`).Scan(&tls, &super)
	})
	if err != nil {
		return []Finding{fail("way to the database", err.Error(), "Look at the server's log.")}
	}
	switch {
	case tls:
		list = append(list, ok("way to the database", "encrypted"))
	case onThisMachine(target):
		list = append(list, ok("way to the database", "this machine"))
	default:
		list = append(list, fail("way to the database", "It crosses a network in clear.", "Add sslmode=verify-full to the URL."))
	}
	if super {
		return append(list, warn("database user", "It is a superuser.", "Give Standfast a user of its own that owns its database and nothing else."))
	}
	return append(list, ok("database user", "no superuser"))
}

func onThisMachine(target string) bool {
	c, err := pgx.ParseConfig(target)
	if err != nil {
		return false
	}
	ip := net.ParseIP(c.Host)
	return c.Host == "localhost" || strings.HasPrefix(c.Host, "/") || ip != nil && ip.IsLoopback()
}

// disk looks at the file system under an SQLite database. A PostgreSQL server's
// disk cannot be seen from here.
func disk(_ context.Context, p Params) []Finding {
	if isURL(p.Database) {
		return nil
	}
	const name = "disk space"
	dir := filepath.Dir(p.Database)
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return []Finding{warn(name, err.Error(), "Check the folder of the database.")}
	}
	free := s.Bavail * uint64(s.Bsize)
	found := fmt.Sprintf("%d MiB free in %s", free>>20, dir)
	switch {
	case free < p.FreeWanted/10:
		return []Finding{fail(name, found, "Make room now. When it is full every payment is refused; none is lost.")}
	case free < p.FreeWanted:
		return []Finding{warn(name, found, "Make room soon.")}
	}
	return []Finding{ok(name, "%s", found)}
}
