package fault

import (
	"fmt"
	"syscall"
)

// Stop halts a process as it is, with its connections open, as a machine does
// that hangs.
func Stop(pid int) error { return signal(pid, syscall.SIGSTOP) }

// Continue lets a halted process go on.
func Continue(pid int) error { return signal(pid, syscall.SIGCONT) }

// Kill ends a process at once, in the middle of whatever it does.
func Kill(pid int) error { return signal(pid, syscall.SIGKILL) }

func signal(pid int, s syscall.Signal) error {
	if pid <= 1 {
		return fmt.Errorf("no process %d is to be sent %s", pid, s)
	}
	return syscall.Kill(pid, s)
}
