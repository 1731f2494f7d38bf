package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"standfast/internal/fault"
)

// watched tells systemd, or whoever else speaks its protocol (sd_notify(3)), how
// the process is. Without such a one it does nothing.
type watched struct {
	socket string        // NOTIFY_SOCKET
	every  time.Duration // at which it wants to hear of us; 0: never
}

// watchedBy reads who watches, once: processes that this one starts are not watched.
func watchedBy() watched {
	w := watched{socket: os.Getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid, other := os.LookupEnv("WATCHDOG_PID")
	if err == nil && usec > 0 && !(other && pid != strconv.Itoa(os.Getpid())) {
		w.every = time.Duration(usec) * time.Microsecond / 2
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	return w
}

// say sends one state, such as READY=1. Nobody waits for whether it arrives.
func (w watched) say(state string) {
	if w.socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: w.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}

// serves says that the process serves, and until ctx ends again and again that it
// lives: by its own admin listener, which a process that hangs does not answer.
func (w watched) serves(ctx context.Context, admin net.Addr) {
	w.say("READY=1")
	if w.every > 0 {
		go every(ctx, w.every, func() {
			if lives(ctx, admin.String(), w.every) {
				w.say("WATCHDOG=1")
			}
		})
	}
}

func lives(ctx context.Context, admin string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return Healthy(ctx, admin, false) == nil
}

// healthyTime bounds one question of Healthy.
const healthyTime = 5 * time.Second

// Healthy asks the admin listener of a process whether it lives and, with ready,
// whether it may be sent members: what a container without a shell can check.
func Healthy(ctx context.Context, admin string, ready bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthyTime)
	defer cancel()
	path := "/healthz"
	if ready {
		path = "/readyz"
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+path, nil)
	if err != nil {
		return fault.Wrap(fault.Invalid, "usage", "--admin is host:port, such as localhost:9443.", err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "healthy.away", "Nothing answers at "+admin+".", err)
	}
	a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, "healthy.no", "The process answers "+path+" with "+a.Status+".")
	}
	return nil
}
