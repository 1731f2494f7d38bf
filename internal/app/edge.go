package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"standfast/internal/edge"
	"standfast/internal/edge/page"
	"standfast/internal/edge/proxy"
	"standfast/internal/edge/route"
	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/pki"
	"standfast/internal/text"
)

// Edge runs the edge process until ctx ends.
func Edge(ctx context.Context, configPath string, logTo io.Writer) error {
	c, err := LoadEdgeConfig(configPath)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(logTo, nil))
	at, err := edgeListeners(c)
	if err != nil {
		return err
	}
	defer at.close()
	e, err := openEdge(c, log)
	if err != nil {
		return err
	}
	defer e.proxy.Close()
	return e.run(ctx, at)
}

// edgeSockets are where an edge answers.
type edgeSockets struct{ public, admin, internal, plain net.Listener } // the last two may be nil

func (s edgeSockets) close() {
	for _, l := range []net.Listener{s.public, s.admin, s.internal, s.plain} {
		if l != nil {
			l.Close()
		}
	}
}

// edgeListeners opens the sockets, or takes them over from the supervisor or
// systemd: by their names, or in this order, less those that are not configured.
func edgeListeners(c EdgeConfig) (s edgeSockets, err error) {
	held := handedOver()
	if err = held.open(door{"public", c.Listen.Public, &s.public}, door{"admin", c.Listen.Admin, &s.admin},
		door{"internal", c.Internal.Listen, &s.internal}, door{"http", c.Listen.HTTP, &s.plain}); err != nil {
		s.close()
		return edgeSockets{}, err
	}
	return s, nil
}

// edgeProcess is a wired edge.
type edgeProcess struct {
	config EdgeConfig
	proxy  *proxy.Proxy
	routes *routing
	tele   *edgeTelemetry
	tls    *tls.Config // nil: plain
	plain  http.Handler
	ready  atomic.Bool
	log    *slog.Logger
}

func openEdge(c EdgeConfig, log *slog.Logger) (*edgeProcess, error) {
	texts, err := text.Load()
	if err != nil {
		return nil, err
	}
	e := &edgeProcess{config: c, log: log, plain: edge.Redirect(c.hosts(), portOf(c.Listen.Public))}
	if e.tele, err = newEdgeTelemetry(); err != nil {
		return nil, err
	}
	if err := e.openTLS(); err != nil {
		return nil, err
	}
	if e.routes, err = newRouting(c, log); err != nil {
		return nil, err
	}
	p := proxy.Config{Routes: e.routes, Errand: e.routes.errands.Of, Sticky: e.routes.sticky, Pages: page.New(texts), Front: c.Front.Hosts, Brand: c.Front.Brand,
		Observe: e.tele.count, Compared: e.compared, Log: log,
		Limits: proxy.Limits{Body: c.Limits.Body, Deadline: c.Limits.Deadline.Duration, Patience: c.Limits.Patience.Duration,
			InFlight: c.Limits.InFlight, Queue: c.Limits.Queue, Wait: c.Limits.Wait.Duration, PerClient: c.Limits.PerClient}}
	for _, cell := range c.Cells {
		p.Cells = append(p.Cells, proxy.Cell{Name: cell.Name, Hosts: cell.Hosts, Brand: cell.Brand, Telephone: cell.Telephone, Locales: cell.Locales, StatusURL: cell.StatusURL, Label: cell.Label, URL: cell.URL})
		p.Targets = append(p.Targets, cell.targets()...)
	}
	p.TLS = e.towards
	if e.proxy, err = proxy.New(p); err != nil {
		return nil, err
	}
	e.routes.ask, e.routes.rest = e.proxy.Ask, e.proxy.Rest
	return e, nil
}

// compared counts an exercise of the stand-in, and says it aloud when a member
// would have read other figures there.
func (e *edgeProcess) compared(cell string, j journey.Name, same bool) {
	e.tele.compared(cell, j, same)
	if !same {
		e.log.Error("the stand-in shows other figures than core", "cell", cell, "journey", j)
	}
}

// towards gives what connections to a target are made with: the edge's own
// certificate, and the demand that the other end is of that cell and role.
func (e *edgeProcess) towards(t route.Target) (*tls.Config, error) {
	role := pki.Core
	if t.Side == route.Standin {
		role = pki.StandIn
	}
	return pki.Client(e.config.Internal.CA, e.config.Internal.Certificate, e.config.Internal.Key, t.Cell, role)
}

func (e *edgeProcess) openTLS() error {
	c := e.config.TLS
	switch {
	case c.ACME.Folder != "":
		a := edge.NewACME(c.ACME.Folder, c.ACME.Directory, c.ACME.Email, e.config.hosts())
		e.tls, e.plain = a.TLS(), a.Challenges(e.plain)
	case c.Certificate != "":
		pair, err := edge.LoadCertificate(c.Certificate, c.Key, e.log)
		if err != nil {
			return err
		}
		e.tls = pair.TLS()
	case !loopback(e.config.Listen.Public):
		return fault.New(fault.Invalid, "config.tls", "Without a certificate the edge listens on this machine only, such as on localhost:8080.")
	}
	return nil
}

// loopback tells whether an address is reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// portOf is the port that members type, "" for the usual one.
func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "443" || port == "https" {
		return ""
	}
	return port
}

// run serves until ctx ends. Then readiness goes first, connections are still
// taken while whoever stands before the edge notices, and the requests under way
// finish; the admin listener answers to the end.
func (e *edgeProcess) run(ctx context.Context, at edgeSockets) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	admin, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	routed := make(chan struct{})
	go func() { defer close(routed); e.routes.run(admin) }()
	adminDone := make(chan error, 1)
	go func() { adminDone <- serve(admin, newServer(e.admin()), at.admin, TLSConfig{}) }()
	internalDone := make(chan error, 1)
	if at.internal != nil {
		go func() { internalDone <- e.serveInternal(admin, at.internal) }()
	} else {
		internalDone <- nil
	}
	doors := map[net.Listener]edge.Server{at.public: {Handler: partingWith(e.proxy, e.stopping), TLS: e.tls, Connections: e.config.Limits.Connections, Log: e.log}}
	if at.plain != nil {
		doors[at.plain] = edge.Server{Handler: e.plain, Connections: e.config.Limits.Connections, Log: e.log}
	}
	done := make(chan error, len(doors))
	for l, s := range doors {
		go func() { done <- s.Serve(serving, l) }()
	}
	e.ready.Store(true)
	watch := watchedBy()
	watch.serves(serving, at.admin.Addr())
	defer context.AfterFunc(ctx, func() { watch.say("STOPPING=1") })()
	var errs []error
	waiting := len(doors)
	select {
	case <-ctx.Done():
		e.ready.Store(false)
		e.linger()
	case err := <-done: // one door fell shut: the process goes, and is started again
		errs = append(errs, err)
		waiting--
	}
	stop()
	for range waiting {
		errs = append(errs, <-done)
	}
	stopAdmin()
	<-routed
	return errors.Join(append(errs, <-adminDone, <-internalDone)...)
}

func (e *edgeProcess) linger() {
	if d := e.config.Listen.Linger.Duration; d > 0 {
		time.Sleep(d)
	}
}

func (e *edgeProcess) stopping() bool { return !e.ready.Load() }

// admin gives the admin listener, as core's.
func (e *edgeProcess) admin() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("alive\n")) })
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !e.ready.Load() {
			http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ready\n"))
	})
	m.Handle("GET /metrics", e.tele.handler())
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return m
}
