package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

// Target says where a command finds its data: a folder with core.db and
// master.key, or a PostgreSQL URL with the key elsewhere.
type Target struct {
	Data      string
	Database  string
	MasterKey string
}

const (
	databaseFile = "core.db"
	keyFile      = "master.key"
)

// database gives what db.Open takes. A folder is made where it is missing only
// when make is set, so that a misspelt path is not a new empty ledger.
func (t Target) database(make bool) (string, error) {
	if t.Database != "" {
		return t.Database, nil
	}
	if t.Data == "" {
		return "", fault.New(fault.Invalid, "usage", "Say where the data is: --data DIR or --database URL.")
	}
	path := filepath.Join(t.Data, databaseFile)
	if make {
		return path, os.MkdirAll(t.Data, 0o700)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fault.Wrap(fault.NotFound, "data", "There is no Standfast database in "+t.Data+".", err)
	}
	return path, nil
}

// key gives the path of the master key, or demoKey for a database without one:
// then nothing that the command does may need a secret of a real issuer.
func (t Target) key() string {
	switch {
	case t.MasterKey != "":
		return t.MasterKey
	case t.Data != "":
		return filepath.Join(t.Data, keyFile)
	}
	return demoKey
}

// open opens an existing database, brought up to this build's schema.
func (t Target) open(ctx context.Context) (*db.DB, error) {
	target, err := t.database(false)
	if err != nil {
		return nil, err
	}
	return openDatabase(ctx, target)
}

// loadKey opens the key file, and makes it in a folder that has none yet.
func (t Target) loadKey() (*masterkey.Key, error) {
	path := t.key()
	if path == demoKey {
		return masterkey.Demo(), nil
	}
	key, err := masterkey.Load(path)
	if errors.Is(err, os.ErrNotExist) && t.MasterKey == "" {
		return masterkey.Create(path)
	}
	return key, err
}
