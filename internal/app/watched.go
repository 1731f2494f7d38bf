package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
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
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", nil)
	if err != nil {
		return false
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	a.Body.Close()
	return a.StatusCode == http.StatusOK
}
