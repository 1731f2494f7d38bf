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
)

// example is the commented configuration that init writes; a test loads it, so
// it cannot name a key that does not exist.
//
//go:embed standfast.toml
var example []byte

// Init writes the commented configuration file and the master key beside it. It
// overwrites neither.
func Init(path string, out io.Writer) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, "init.exists", path+" exists already; nothing was written.")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "init.write", "The configuration file cannot be written.", err)
	}
	_, err = f.Write(example)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, "init.write", "The configuration file cannot be written.", err)
	}
	key := filepath.Join(filepath.Dir(path), "master.key")
	if _, err := masterkey.Create(key); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	_, err = fmt.Fprintf(out, "Wrote %s\nWrote %s: keep a copy of it apart from the backups; without it bank account numbers cannot be read again.\nNext: edit the file, then run\n  standfast doctor --config %s\n  standfast core --config %s\n", path, key, path, path)
	return err
}
