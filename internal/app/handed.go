package app

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// firstInherited is the first file descriptor of the socket activation protocol
// (sd_listen_fds(3)): LISTEN_FDS says how many sockets were passed from there on,
// and LISTEN_FDNAMES what each is called.
const firstInherited = 3

// handed are the sockets that whoever started this process holds: systemd, or a
// supervisor. They stay open while the process is replaced, so that connections
// wait for the next one in place of being refused.
type handed struct {
	n     int      // not yet taken, of those without names
	next  int      // of them
	names []string // by descriptor; "" once it is taken
	named bool     // they are told apart by their names
}

// door is one socket of a process: what it is called, where it is opened when
// nobody handed it over, and where it is kept. Without an address there is none.
type door struct {
	name, addr string
	to         *net.Listener
}

// handedOver reads what was handed over, once: processes that this one starts
// shall not take it for theirs.
func handedOver() (h handed) {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	pid, other := os.LookupEnv("LISTEN_PID")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"} {
		os.Unsetenv(name)
	}
	if n < 0 || other && pid != strconv.Itoa(os.Getpid()) {
		return handed{} // meant for somebody else
	}
	if len(names) == n && slices.ContainsFunc(names, isDoor) {
		return handed{names: names, named: true}
	}
	return handed{n: n}
}

// isDoor tells whether a name is one that a unit gives to a socket of ours
// (FileDescriptorName=); without one systemd says the unit's.
func isDoor(name string) bool {
	return slices.Contains([]string{"public", "admin", "console", "internal", "http"}, name)
}

// open opens the doors that have an address.
func (h *handed) open(doors ...door) error {
	for _, d := range doors {
		if d.addr == "" {
			continue
		}
		l, err := h.socket(d)
		if err != nil {
			return err
		}
		*d.to = l
	}
	return nil
}

func (h *handed) socket(d door) (net.Listener, error) {
	if i := slices.Index(h.names, d.name); h.named && i >= 0 {
		h.names[i] = ""
		return inherited(uintptr(firstInherited + i))
	}
	if !h.named && h.next < h.n {
		h.next++
		return inherited(uintptr(firstInherited + h.next - 1))
	}
	return listen(d.addr)
}

// acceptTime is how long an accept may hold its thread on a socket that others hold
// too.
const acceptTime = time.Second

// inherited takes a socket over. Whether it blocks is a mark of the socket, not of
// the process: who hands it to the next process without care (systemd without
// NonBlocking=, os/exec of a File) makes it block for this one, and of two that are
// woken by one connection the one without it would then wait in accept, deaf to its
// own end. The time limit lets it look up; it counts only while the socket blocks
// (socket(7), SO_RCVTIMEO), and not on MPTCP's (Linux 6.18).
func inherited(fd uintptr) (net.Listener, error) {
	limit := syscall.NsecToTimeval(acceptTime.Nanoseconds())
	if err := syscall.SetsockoptTimeval(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit); err != nil {
		return nil, fmt.Errorf("a socket that was handed over: %w", err)
	}
	f := os.NewFile(fd, "listener")
	defer f.Close()
	return net.FileListener(f)
}

// HandOver lets the process that cmd is to start have sockets of this one, from the
// first inherited descriptor on; release is for after the start. The sockets stay
// non-blocking, as whoever else holds them needs them (see inherited).
func HandOver(cmd *exec.Cmd, sockets ...net.Listener) (release func(), err error) {
	release = func() {
		for _, f := range cmd.ExtraFiles {
			f.Close()
		}
	}
	for _, l := range sockets {
		f, err := duplicate(l)
		if err != nil {
			release()
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	return release, nil
}

// duplicate gives a descriptor of the same socket. A listener's own File would be
// made to block once it is passed on (os.File.Fd).
func duplicate(l net.Listener) (*os.File, error) {
	has, ok := l.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%s is no socket that can be handed over", l.Addr())
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return nil, err
	}
	var own int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if own, failed = syscall.Dup(int(fd)); failed == nil {
			syscall.CloseOnExec(own)
		}
	}); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(own), "listener"), failed
}
