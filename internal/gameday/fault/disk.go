package fault

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is a small disk of its own that can be filled to the last byte: a file
// system in memory, which only root may mount.
type Disk struct{ dir string }

// ballast is the file that fills the disk.
const ballast = "ballast"

// NewDisk mounts a disk of some bytes over an empty folder. Close takes it away,
// with all that is on it.
func NewDisk(dir string, size int64) (*Disk, error) {
	err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size))
	if err != nil {
		return nil, fmt.Errorf("a disk cannot be mounted: %w", err)
	}
	return &Disk{dir}, nil
}

// Fill leaves no byte free.
func (d *Disk) Fill() error {
	f, err := os.OpenFile(filepath.Join(d.dir, ballast), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC) && n == 0:
			size /= 2 // smaller pieces still fit
		case err != nil && !errors.Is(err, syscall.ENOSPC) && err != io.ErrShortWrite:
			return err
		}
	}
	return nil
}

// Heal makes room again.
func (d *Disk) Heal() error {
	err := os.Remove(filepath.Join(d.dir, ballast))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Close takes the disk away.
func (d *Disk) Close() error { return syscall.Unmount(d.dir, syscall.MNT_DETACH) }
