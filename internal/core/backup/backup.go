// Package backup copies a whole database into one file while the service runs,
// and loads such a file into an empty place.
//
// The file is a ZIP archive of this layout (docs/formats/backup.md):
//
//	core.db              SQLite: the database file
//	tables/NAME.copy     PostgreSQL: the rows of a table in COPY's text format
//	manifest.json        last: what it holds, and a SHA-256 of each other entry
//
// Everything in it is of one instant: a read transaction on SQLite, a repeatable
// read snapshot on PostgreSQL. The job queue's tables are part of it, so work
// that was accepted goes on after a restore. The master key is not, on purpose:
// a backup without the key gives away no account number and no signing key.
package backup

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Manifest says what a backup holds.
type Manifest struct {
	Format    int       `json:"format"` // of this layout; 1
	CreatedAt time.Time `json:"created_at"`
	Engine    db.Engine `json:"engine"`
	Build     string    `json:"build"`               // the release that wrote it
	KeyCheck  string    `json:"key_check,omitempty"` // tells whether a master key is the one in use then; says nothing about it
	Schema    []int64   `json:"schema"`              // migrations that had been applied
	Entries   []Entry   `json:"entries"`
	Sequences []Counter `json:"sequences,omitempty"` // PostgreSQL: the last values given
}

// Entry is one file of the archive, in the order in which it is loaded.
type Entry struct {
	Path    string   `json:"path"`
	Table   string   `json:"table,omitempty"`
	Columns []Column `json:"columns,omitempty"`
	Rows    int64    `json:"rows,omitempty"`
	Bytes   int64    `json:"bytes"` // before compression
	SHA256  string   `json:"sha256"`
}

// Column is a column with its type as PostgreSQL prints it.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Counter is a sequence.
type Counter struct {
	Name string `json:"name"`
	Last int64  `json:"last"`
}

// Options adds to a backup what only the caller knows.
type Options struct {
	Build    string
	KeyCheck string
}

const (
	format       = 1
	manifestPath = "manifest.json"
	sqlitePath   = "core.db"
)

// Write writes a backup of d to the file at path, which must not exist. The file
// appears under its name only when it is complete and on disk, readable by its
// owner alone.
func Write(ctx context.Context, d *db.DB, path string, o Options) (Manifest, error) {
	if _, err := os.Lstat(path); err == nil {
		return Manifest{}, exists(path)
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-")
	if err != nil {
		return Manifest{}, cannotWrite(path, err)
	}
	defer os.Remove(part.Name())
	defer part.Close()
	m := Manifest{Format: format, CreatedAt: d.Now(), Engine: d.Engine(), Build: o.Build, KeyCheck: o.KeyCheck}
	a := newArchive(part)
	write := a.postgres
	if d.Engine() == db.SQLite {
		write = a.sqlite
	}
	if err := write(ctx, d, &m); err != nil {
		return Manifest{}, asFault(err, path)
	}
	if err := errors.Join(a.manifest(m), part.Sync(), part.Close()); err != nil {
		return Manifest{}, cannotWrite(path, err)
	}
	// A link, unlike a rename, cannot replace a file that came meanwhile.
	if err := os.Link(part.Name(), path); errors.Is(err, os.ErrExist) {
		return Manifest{}, exists(path)
	} else if err != nil {
		return Manifest{}, cannotWrite(path, err)
	}
	return m, syncFolder(filepath.Dir(path))
}

// archive writes entries and remembers nothing but the ZIP's own directory.
type archive struct {
	zip  *zip.Writer
	near string // folder for a temporary copy, on the same file system
}

func newArchive(f *os.File) *archive {
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return &archive{zip: z, near: filepath.Dir(f.Name())}
}

// add streams what write gives into the entry e, and completes e.
func (a *archive) add(e *Entry, at time.Time, write func(io.Writer) error) error {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: e.Path, Method: zip.Deflate, Modified: at})
	if err != nil {
		return err
	}
	sum := sha256.New()
	count := &counter{w: io.MultiWriter(w, sum)}
	if err := write(count); err != nil {
		return err
	}
	e.Bytes, e.SHA256 = count.n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (a *archive) manifest(m Manifest) error {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: manifestPath, Method: zip.Deflate, Modified: m.CreatedAt})
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return err
	}
	return a.zip.Close()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// schema lists the migrations that have been applied, on either engine.
func schema(ctx context.Context, tx *db.Tx) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT version_id FROM goose_db_version WHERE is_applied ORDER BY version_id`)
	return db.Collect(rows, err, scanOne[int64])
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return cannotWrite(dir, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return cannotWrite(dir, err)
	}
	return nil
}

func exists(path string) error {
	return fault.New(fault.Conflict, "backup.exists", path+" exists already; nothing was written.")
}

func cannotWrite(path string, err error) error {
	return fault.Wrap(fault.Unavailable, "backup.write", "The backup could not be written to "+path+".", err)
}

func asFault(err error, path string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return cannotWrite(path, fmt.Errorf("writing the backup: %w", err))
}
