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
	Database  string // postgres:// URL or the path of an SQLite file
	MasterKey string
	config    *Config // of the file that names them, if one does
}

// ConfiguredTarget gives the data that a configuration file names.
func ConfiguredTarget(path string) (Target, error) {
	c, err := LoadConfig(path)
	return Target{Database: c.Database, MasterKey: c.MasterKey, config: &c}, err
}

// settings gives the configuration that data is read and written by.
func (t Target) settings() Config {
	if t.config != nil {
		return *t.config
	}
	c := Defaults()
	c.Cell.PublicURL = "https://localhost"
	return c
}

const (
	databaseFile = "core.db"
	keyFile      = "master.key"
)

// database gives what db.Open takes. A folder is made where it is missing only
// when make is set, so that a misspelt path is not a new empty ledger.
func (t Target) database(make bool) (string, error) {
	path := t.Database
	switch {
	case isURL(path):
		return path, nil
	case path == "" && t.Data == "":
		return "", fault.New(fault.Invalid, "usage", "Say where the data is: --data DIR, --database URL or --config FILE.")
	case path == "":
		path = filepath.Join(t.Data, databaseFile)
	}
	if make {
		return path, os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fault.Wrap(fault.NotFound, "data", "There is no Standfast database at "+path+".", err)
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
