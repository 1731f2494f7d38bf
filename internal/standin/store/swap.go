package store

import (
	"context"
	"errors"
	"os"
)

// Fresh is a file that a snapshot is written into. Nobody reads it until it is
// whole and takes the known file's place.
type Fresh struct {
	known *Known
	file  *file
}

// Begin begins a new file beside the known one. What an earlier attempt left is
// thrown away.
func (k *Known) Begin(ctx context.Context) (*Fresh, error) {
	path := k.path + ".new"
	if err := remove(path); err != nil {
		return nil, unavailable(err)
	}
	f, err := openFile(ctx, path, knownSchema[:])
	if err != nil {
		return nil, unavailable(err)
	}
	return &Fresh{known: k, file: f}, nil
}

// Take stores a part of the snapshot.
func (n *Fresh) Take(ctx context.Context, list []Record) error {
	return unavailable(take(ctx, n.file, list, Position{}))
}

// Discard throws the file away.
func (n *Fresh) Discard() error { return errors.Join(n.file.close(), remove(n.file.path)) }

// Swap puts the file into the known one's place. Should the process die in
// between, either the old or the new one is there, whole.
func (n *Fresh) Swap(ctx context.Context, at Position) error {
	if err := take(ctx, n.file, nil, at); err != nil {
		return unavailable(err)
	}
	// The log is folded into the file, so that the file alone is everything.
	if _, err := n.file.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return unavailable(err)
	}
	if err := n.file.close(); err != nil {
		return unavailable(err)
	}
	k := n.known
	k.mu.Lock()
	defer k.mu.Unlock()
	return unavailable(k.replace(ctx, n.file.path))
}

func (k *Known) replace(ctx context.Context, path string) error {
	if err := k.file.close(); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} { // they belong to the old file
		if err := os.Remove(k.path + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.Rename(path, k.path); err != nil {
		return errors.Join(err, k.open(ctx))
	}
	return k.open(ctx)
}
