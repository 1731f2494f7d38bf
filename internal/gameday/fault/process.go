package fault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// stopTime is how long a process may take to halt on a busy machine.
const stopTime = 5 * time.Second

// Stop halts a process as it is, with its connections open, as a machine does
// that hangs. It comes back when the process has halted: until each of its threads has
// noticed, the others go on answering.
func Stop(pid int) error {
	if err := signal(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for until := time.Now().Add(stopTime); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if halted(pid) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not halt", pid)
}

// halted tells whether every thread of a process is stopped (proc(5): state T).
func halted(pid int) bool {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, t := range threads {
		stat, err := os.ReadFile(t)
		if err != nil {
			continue // a thread that has ended
		}
		_, state, _ := bytes.Cut(stat, []byte(") ")) // behind the name
		if !bytes.HasPrefix(state, []byte("T")) {
			return false
		}
	}
	return true
}

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
