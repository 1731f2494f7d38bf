package app

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/pki"
)

// example is the commented configuration that init writes; a test loads it, so
// it cannot name a key that does not exist.
//
//go:embed standfast.toml
var example []byte

// createKey makes the master key, unless it is there, and writes beside it the
// public key by which a stand-in knows the feed.
func createKey(path string) error {
	if _, err := masterkey.Create(path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	key, err := masterkey.Load(path)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(path), "feed.pub"), []byte(FeedKey(key)+"\n"), 0o644)
}

// edgeExample is the same for an edge.
//
//go:embed edge.toml
var edgeExample []byte

// InitEdge writes the commented configuration file of an edge. It overwrites nothing.
func InitEdge(path string, out io.Writer) error {
	if err := writeNew(path, edgeExample); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "Wrote %s\nNext: edit the file, then run\n  standfast edge --config %s\n", path, path)
	return err
}

// writeNew writes a configuration file where none is.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, "init.exists", path+" exists already; nothing was written.")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "init.write", "The configuration file cannot be written.", err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, "init.write", "The configuration file cannot be written.", err)
	}
	return nil
}

// Init writes the commented configuration file, and beside it the master key and
// the certificates between processes. It overwrites neither of the first two.
func Init(path string, out io.Writer) error {
	if err := writeNew(path, example); err != nil {
		return err
	}
	key := filepath.Join(filepath.Dir(path), "master.key")
	if err := createKey(key); err != nil {
		return err
	}
	certificates := filepath.Join(filepath.Dir(path), "pki")
	if err := pki.Create(certificates, Defaults().Cell.Name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "Wrote %s\nWrote %s: the certificates by which our processes know each other, for cell us; `standfast certificates` makes others. Keep its ca.key elsewhere.\nWrote %s: keep a copy of it apart from the backups; without it bank account numbers cannot be read again.\nNext: edit the file, then run\n  standfast doctor --config %s\n  standfast core --config %s\n", path, certificates, key, path, path)
	return err
}
