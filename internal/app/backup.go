package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"standfast/internal/core/backup"
	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/masterkey"
)

// BackupReport is what `standfast backup` wrote.
type BackupReport struct {
	File      string    `json:"file"`
	Engine    db.Engine `json:"engine"`
	CreatedAt time.Time `json:"created_at"`
	Entries   int       `json:"entries"`
	Bytes     int64     `json:"bytes"` // before compression
	KeyCheck  string    `json:"key_check,omitempty"`
}

// String gives the report as a sentence.
func (r BackupReport) String() string {
	s := fmt.Sprintf("Wrote %s: %s as of %s, %d bytes before compression. The master key is not in it", r.File, r.Engine, r.CreatedAt.Format(time.RFC3339), r.Bytes)
	if r.KeyCheck != "" {
		s += "; keep the one with check value " + r.KeyCheck
	}
	return s + "."
}

// Backup writes a consistent copy of a database that may be in use.
func Backup(ctx context.Context, t Target, to string) (BackupReport, error) {
	target, err := t.database(false)
	if err != nil {
		return BackupReport{}, err
	}
	check, err := t.keyCheck()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return BackupReport{}, err
	}
	d, err := db.Open(ctx, target, db.Options{}) // not migrated: an old release's data is backed up as it is
	if err != nil {
		return BackupReport{}, err
	}
	defer d.Close()
	m, err := backup.Write(ctx, d, to, backup.Options{Build: buildName(), KeyCheck: check})
	if err != nil {
		return BackupReport{}, err
	}
	r := BackupReport{File: to, Engine: m.Engine, CreatedAt: m.CreatedAt, Entries: len(m.Entries), KeyCheck: check}
	for _, e := range m.Entries {
		r.Bytes += e.Bytes
	}
	return r, nil
}

// keyCheck gives a short value that tells two master keys apart and says
// nothing about either; empty for a target that names no key.
func (t Target) keyCheck() (string, error) {
	path := t.key()
	if path == demoKey {
		return "", nil
	}
	k, err := masterkey.Load(path)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(k.Fingerprint("backup.key-check", nil)[:6]), nil
}

// RestoreReport is what `standfast restore` loaded and what verify says of it.
type RestoreReport struct {
	VerifyReport
	AsOf time.Time `json:"as_of"`
	Key  string    `json:"key"` // "matches", "missing", "differs" or "unknown"
	want string    // check value of the key that belongs to it
}

// Print writes the report for people.
func (r RestoreReport) Print(w io.Writer) error {
	if err := r.VerifyReport.Print(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "restored as of %s\n", r.AsOf.Format(time.RFC3339))
	if r.Key == "missing" || r.Key == "differs" {
		_, err = fmt.Fprintf(w, "The master key here is %s: put back the one with check value %s before core starts.\n", map[string]string{"missing": "missing", "differs": "another one"}[r.Key], r.want)
	}
	return err
}

// Restore loads a backup into an empty folder or database and verifies it.
func Restore(ctx context.Context, t Target, from string) (RestoreReport, error) {
	target, err := t.database(true)
	if err != nil {
		return RestoreReport{}, err
	}
	m, err := backup.Restore(ctx, from, target, func(ctx context.Context, d *db.DB) error {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
		return jobs.Migrate(ctx, d)
	})
	if err != nil {
		return RestoreReport{}, err
	}
	r := RestoreReport{AsOf: m.CreatedAt, Key: t.compareKey(m.KeyCheck), want: m.KeyCheck}
	r.VerifyReport, err = Verify(ctx, t)
	return r, err
}

func (t Target) compareKey(want string) string {
	have, err := t.keyCheck()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "missing"
	case err != nil || have == "" || want == "":
		return "unknown"
	case have == want:
		return "matches"
	}
	return "differs"
}

// buildName names the build in backups and logs: its version, or the commit it was made from.
func buildName() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}
