package breached

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"standfast/internal/fault"
)

// lookEvery is how often Run looks whether the file was replaced.
const lookEvery = 10 * time.Second

// List is the file as it is found now. Many may ask at once.
type List struct {
	path string
	log  *slog.Logger

	lock sync.RWMutex
	open *filter
	file *os.File
	seen os.FileInfo // the file that was looked at last, good or not
}

// Open reads the file at path. Errors: Invalid when it cannot be read or is broken.
func Open(path string, log *slog.Logger) (*List, error) {
	l := &List{path: path, log: log}
	if err := l.Reload(); err != nil {
		return nil, err
	}
	return l, nil
}

// Count is how many different passwords the list has.
func (l *List) Count() uint64 {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.open.count
}

// Holds tells whether the password, in the one form that it is hashed in, is on
// the list. Errors: Unavailable when the file went bad under the program: then it
// is not known.
func (l *List) Holds(password string) (bool, error) {
	l.lock.RLock()
	defer l.lock.RUnlock()
	found, err := l.open.holds(keyOf(password))
	if err != nil {
		l.log.Error("the list of breached passwords cannot be read", "file", l.path, "cause", err)
		return false, fault.Wrap(fault.Unavailable, "breached.unreadable", "New passwords cannot be checked right now. Please try again in a few minutes.", err)
	}
	return found, nil
}

// Run takes up the file whenever it is replaced, until ctx ends.
func (l *List) Run(ctx context.Context) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			_ = l.Reload() // it has said so itself
		}
	}
}

// Reload looks whether another file is there than was seen last, and takes it up
// if it is whole. One that is not is reported once, and the last good one stays:
// that is why files are replaced by renaming, as `standfast passwords build` does.
func (l *List) Reload() error {
	l.lock.RLock()
	seen := l.seen
	l.lock.RUnlock()
	st, err := os.Stat(l.path)
	if err != nil {
		return l.refuse(nil, err)
	}
	if seen != nil && os.SameFile(st, seen) && st.Size() == seen.Size() && st.ModTime().Equal(seen.ModTime()) {
		return nil
	}
	file, err := os.Open(l.path)
	if err != nil {
		return l.refuse(st, err)
	}
	found, err := read(file, st.Size())
	if err != nil {
		return l.refuse(st, errors.Join(err, file.Close()))
	}
	l.lock.Lock()
	old := l.file
	l.open, l.file, l.seen = found, file, st
	l.lock.Unlock()
	l.log.Info("the list of breached passwords is taken up", "file", l.path, "passwords", found.count)
	if old != nil {
		return old.Close()
	}
	return nil
}

// refuse reports a file that cannot be taken up. One that is away is reported
// each time that it is looked for.
func (l *List) refuse(st os.FileInfo, why error) error {
	l.lock.Lock()
	l.seen = st
	l.lock.Unlock()
	l.log.Error("the list of breached passwords is refused; the last good one stays", "file", l.path, "cause", why)
	return fault.Wrap(fault.Invalid, "breached.file", "The list of breached passwords cannot be read: "+l.path, why)
}

// Close closes the file.
func (l *List) Close() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.file.Close()
}
