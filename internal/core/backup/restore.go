package backup

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Prepare makes this build's schema in an empty database.
type Prepare func(ctx context.Context, d *db.DB) error

// maxManifest bounds what is read of a file that may be anything.
const maxManifest = 16 << 20

// Inspect reads a backup's manifest and checks every entry against its sum.
func Inspect(path string) (Manifest, error) {
	z, m, err := openBackup(path)
	if err != nil {
		return m, err
	}
	defer z.Close()
	for _, e := range m.Entries {
		if err := extract(z, e, io.Discard); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Restore loads the backup at path into target, the path of an SQLite file that
// does not exist or the URL of an empty PostgreSQL database. An error leaves neither
// rows nor a half-written file there; on PostgreSQL empty tables can remain.
func Restore(ctx context.Context, path, target string, prepare Prepare) (Manifest, error) {
	z, m, err := openBackup(path)
	if err != nil {
		return m, err
	}
	defer z.Close()
	engine := db.SQLite
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		engine = db.PostgreSQL
	}
	if m.Engine != engine {
		return m, fault.New(fault.Invalid, "restore.other-engine", fmt.Sprintf("This is a backup of %s and cannot be restored into %s.", m.Engine, engine))
	}
	if engine == db.SQLite {
		return m, restoreSQLite(ctx, z, m, target)
	}
	// Every sum first: what is damaged is known before anything is made.
	if _, err := Inspect(path); err != nil {
		return m, err
	}
	return m, restorePostgreSQL(ctx, z, m, target, prepare)
}

func openBackup(path string) (*zip.ReadCloser, Manifest, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, Manifest{}, damaged(err)
	}
	m, err := readManifest(z)
	if err == nil && m.Format != format {
		err = fault.New(fault.Invalid, "restore.format", fmt.Sprintf("The backup has format %d; this release reads format %d.", m.Format, format))
	}
	if err != nil {
		z.Close()
		return nil, m, err
	}
	return z, m, nil
}

func readManifest(z *zip.ReadCloser) (m Manifest, err error) {
	f, err := z.Open(manifestPath)
	if err != nil {
		return m, damaged(err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&m); err != nil {
		return m, damaged(err)
	}
	return m, nil
}

// entry reads one file of the archive and sums what it read.
type entry struct {
	io.Reader
	io.Closer
	sum  hash.Hash
	read *counter
	want Entry
}

func open(z *zip.ReadCloser, e Entry) (*entry, error) {
	f, err := z.Open(e.Path)
	if err != nil {
		return nil, damaged(err)
	}
	sum := sha256.New()
	read := &counter{w: sum}
	return &entry{Reader: io.TeeReader(io.LimitReader(f, e.Bytes+1), read), Closer: f, sum: sum, read: read, want: e}, nil
}

// check tells, after everything was read, whether it is what was written.
func (e *entry) check() error {
	if _, err := io.Copy(io.Discard, e.Reader); err != nil {
		return damaged(err)
	}
	if e.read.n != e.want.Bytes || hex.EncodeToString(e.sum.Sum(nil)) != e.want.SHA256 {
		return damaged(errors.New(e.want.Path + " does not match its sum"))
	}
	return nil
}

func extract(z *zip.ReadCloser, e Entry, w io.Writer) error {
	r, err := open(z, e)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		return cannotRestore(err)
	}
	if err != nil {
		return damaged(err)
	}
	return r.check()
}

func scanOne[T any](r *sql.Rows) (v T, err error) { return v, r.Scan(&v) }

func damaged(err error) error {
	return fault.Wrap(fault.Invalid, "restore.damaged", "This is not a whole backup of Standfast. Nothing was restored.", err)
}

func cannotRestore(err error) error {
	return fault.Wrap(fault.Unavailable, "restore.write", "The backup could not be restored.", err)
}
