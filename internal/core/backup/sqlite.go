package backup

import (
	"archive/zip"
	"context"
	"database/sql"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// sqlite copies the database with VACUUM INTO, which reads one instant while
// writers go on and gives a file without free pages, then packs that file.
func (a *archive) sqlite(ctx context.Context, d *db.DB, m *Manifest) error {
	var source string
	err := d.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&source)
	})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(a.near, ".backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, sqlitePath)
	if err := vacuumInto(ctx, source, copied); err != nil {
		return err
	}
	if m.Schema, err = sqliteSchema(ctx, copied); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	e := Entry{Path: sqlitePath}
	err = a.add(&e, m.CreatedAt, func(w io.Writer) error { _, err := io.Copy(w, f); return err })
	m.Entries = []Entry{e}
	return err
}

// vacuumInto has a connection of its own: VACUUM runs in no transaction, and
// neither the one writer nor a reader that may not write could do it.
func vacuumInto(ctx context.Context, source, target string) error {
	c, err := openFile(source, "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.ExecContext(ctx, `VACUUM INTO $1`, target)
	return err
}

func openFile(path string, pragmas ...string) (*sql.DB, error) {
	c, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}).String())
	if err != nil {
		return nil, err
	}
	c.SetMaxOpenConns(1)
	return c, nil
}

func sqliteSchema(ctx context.Context, path string) (versions []int64, err error) {
	d, err := db.Open(ctx, path, db.Options{MaxConns: 1})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	err = d.View(ctx, func(tx *db.Tx) (err error) { versions, err = schema(ctx, tx); return err })
	return versions, err
}

// restoreSQLite unpacks the database beside its place, checks it and only then
// gives it its name.
func restoreSQLite(ctx context.Context, z *zip.ReadCloser, m Manifest, path string) error {
	if len(m.Entries) != 1 || m.Entries[0].Path != sqlitePath {
		return damaged(errors.New("manifest does not list the database file"))
	}
	if err := nothingAt(path); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".restore-")
	if err != nil {
		return cannotRestore(err)
	}
	defer os.Remove(part.Name())
	defer part.Close()
	if err := extract(z, m.Entries[0], part); err != nil {
		return err
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return cannotRestore(err)
	}
	if err := intact(ctx, part.Name()); err != nil {
		return err
	}
	if err := os.Link(part.Name(), path); err != nil {
		return cannotRestore(err)
	}
	return syncFolder(filepath.Dir(path))
}

// nothingAt also refuses a write-ahead log left behind by another database:
// SQLite would replay it into the restored one.
func nothingAt(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + suffix); err == nil {
			return fault.New(fault.Conflict, "restore.not-empty", path+suffix+" exists. A backup is only restored where there is no database; nothing was changed.")
		}
	}
	return nil
}

func intact(ctx context.Context, path string) error {
	c, err := openFile(path, "query_only(1)")
	if err != nil {
		return cannotRestore(err)
	}
	defer c.Close()
	var said string
	if err := c.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&said); err != nil {
		return damaged(err)
	}
	if said != "ok" {
		return damaged(errors.New(said))
	}
	return nil
}
