package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"standfast/internal/fault"
)

// firstInherited is the first file descriptor of the socket activation protocol
// (sd_listen_fds(3)): LISTEN_FDS says how many sockets were passed from there on.
const firstInherited = 3

// listeners opens the public and the admin socket, or takes them over from the
// supervisor or systemd. Inherited sockets stay open while the process is
// replaced, so that connections wait for the next one instead of being refused.
func listeners(c ListenConfig) (public, admin net.Listener, err error) {
	if n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS")); n >= 2 {
		os.Unsetenv("LISTEN_FDS")
		if public, err = inherited(firstInherited); err != nil {
			return nil, nil, err
		}
		admin, err = inherited(firstInherited + 1)
		return public, admin, err
	}
	if public, err = listen(c.Public); err != nil {
		return nil, nil, err
	}
	if admin, err = listen(c.Admin); err != nil {
		public.Close()
	}
	return public, admin, err
}

func inherited(fd uintptr) (net.Listener, error) {
	f := os.NewFile(fd, "listener")
	defer f.Close()
	return net.FileListener(f)
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "listen", fmt.Sprintf("Cannot listen on %s: is another program there?", addr), err)
	}
	return l, nil
}

// Limits of every HTTP server. A reader or writer slower than this is cut off.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	drainTime         = 20 * time.Second
)

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes}
}

// serve answers on l until ctx ends, then finishes the requests under way.
func serve(ctx context.Context, srv *http.Server, l net.Listener, tls TLSConfig) error {
	done := make(chan error, 1)
	go func() {
		if tls.Certificate != "" {
			done <- srv.ServeTLS(l, tls.Certificate, tls.Key)
			return
		}
		done <- srv.Serve(l)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := srv.Shutdown(stop)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
