// Package edge is the listener that members reach: TLS with certificates that
// are read again when they change, HTTP/2, time limits for slow clients, and the
// way from http to https. What happens to a request is package proxy's.
package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Times of a client's connection. Whoever is slower is cut off.
const (
	headerTime = 5 * time.Second  // for the header, from its first byte
	bodyTime   = 20 * time.Second // for header and body
	answerTime = 90 * time.Second // for all of an exchange
	idleTime   = 75 * time.Second // between two requests
	stopTime   = 20 * time.Second // for requests under way when the process stops
)

// maxHeader bounds the header of a request in bytes; net/http lets 4096 more through.
const maxHeader = 28 << 10

// maxStreams is how many requests one HTTP/2 connection may have at once.
const maxStreams = 100

// Server is one public listener.
type Server struct {
	Handler     http.Handler
	TLS         *tls.Config // nil: plain
	Connections int         // at once; more wait to be accepted
	Log         *slog.Logger
}

// Serve answers on l until ctx ends. Then it takes no new connections, tells
// HTTP/2 clients to go (GOAWAY), and finishes the requests under way.
func (s Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s.Handler, TLSConfig: s.TLS,
		ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: idleTime, PingTimeout: headerTime, WriteByteTimeout: bodyTime},
		ErrorLog: slog.NewLogLogger(quiet{s.Log.Handler()}, slog.LevelDebug),
	}
	if s.Connections > 0 {
		l = netutil.LimitListener(l, s.Connections)
	}
	done := make(chan error, 1)
	go func() {
		if s.TLS != nil {
			done <- srv.ServeTLS(l, "", "")
			return
		}
		done <- srv.Serve(l)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := srv.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Log.Warn("requests were cut off when the process stopped")
		err = srv.Close()
	}
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// quiet logs what net/http says about connections only where somebody wants to
// see it: anybody on the Internet can make it say something.
type quiet struct{ slog.Handler }
