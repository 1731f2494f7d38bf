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

// sockets are where a core answers.
type sockets struct {
	public, admin net.Listener
	console       net.Listener // nil without a console
	internal      net.Listener // nil where no other process comes
}

func (s sockets) close() {
	for _, l := range []net.Listener{s.public, s.admin, s.console, s.internal} {
		if l != nil {
			l.Close()
		}
	}
}

// listeners opens the public, the admin, the console's and the internal socket, or
// takes them over from the supervisor or systemd, in this order, less those that
// are not configured. Inherited sockets stay open while the process is replaced,
// so that connections wait for the next one instead of being refused.
func listeners(c Config) (s sockets, err error) {
	passed, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	os.Unsetenv("LISTEN_FDS")
	if passed < 2 {
		passed = 0 // the first two come together
	}
	all := []struct {
		to   *net.Listener
		addr string
		open bool
	}{{&s.public, c.Listen.Public, true}, {&s.admin, c.Listen.Admin, true},
		{&s.console, c.Console.Listen, c.Console.PublicURL != ""}, {&s.internal, c.Internal.Listen, c.Internal.Listen != ""}}
	taken := 0
	for _, l := range all {
		switch {
		case !l.open:
			continue
		case taken < passed:
			*l.to, err = inherited(uintptr(firstInherited + taken))
		default:
			*l.to, err = listen(l.addr)
		}
		taken++
		if err != nil {
			s.close()
			return sockets{}, err
		}
	}
	return s, nil
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

// serve answers on l until ctx ends, then finishes the requests under way. A server
// that has a TLS configuration of its own needs no files here.
func serve(ctx context.Context, srv *http.Server, l net.Listener, tls TLSConfig) error {
	done := make(chan error, 1)
	go func() {
		if tls.Certificate != "" || srv.TLSConfig != nil {
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
