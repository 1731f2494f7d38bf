package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"standfast/internal/fault"
)

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
// takes them over, in this order where they have no names, less those that are not
// configured.
func listeners(c Config) (s sockets, err error) {
	held := handedOver()
	if !held.named && held.n < 2 {
		held.n = 0 // the first two come together
	}
	defer func() {
		if err != nil {
			s.close()
			s = sockets{}
		}
	}()
	console, internal := "", c.Internal.Listen
	if c.Console.PublicURL != "" {
		console = c.Console.Listen
	}
	err = held.open(door{"public", c.Listen.Public, &s.public}, door{"admin", c.Listen.Admin, &s.admin},
		door{"console", console, &s.console}, door{"internal", internal, &s.internal})
	return s, err
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

// partingWith asks connections to close after each answer while the process stops:
// "Connection: close" does it over HTTP/1.1, and net/http makes a GOAWAY of it over
// HTTP/2. So none is left resting, into which a request could be written in the
// moment in which it closes.
func partingWith(h http.Handler, stopping func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
