package fault

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Web stands before an HTTP server and can break what passes. At any time it has
// one fault or none; a fault may be limited to some requests.
type Web struct {
	listener net.Listener
	server   *http.Server
	pass     *httputil.ReverseProxy
	scheme   string

	mu     sync.Mutex
	to     *url.URL
	fault  webFault
	healed chan struct{} // closed when the fault is taken away
}

// webFault takes a request in the server's place. It passes the request on, or
// does not; requests that only does not name go through as they are.
type webFault struct {
	only func(*http.Request) bool // nil: every request
	do   func(w http.ResponseWriter, r *http.Request, healed <-chan struct{})
}

// Encryption is how a Web takes calls and makes its own; the zero value is plain HTTP.
type Encryption struct{ Taking, Making *tls.Config }

const webHeader = 10 * time.Second // for a caller's headers

// NewWeb listens on a free port of loopback and passes everything on to
// upstream, a URL of scheme and host. Close ends it.
func NewWeb(upstream string, e Encryption) (*Web, error) {
	w := &Web{scheme: "http", healed: make(chan struct{})}
	if err := w.To(upstream); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.listener = l
	w.pass = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(w.upstream())
		p.Out.Host = p.In.Host
		p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"] // a fault changes nothing else
	}, Transport: &http.Transport{TLSClientConfig: e.Making, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0), FlushInterval: -1}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: webHeader, TLSConfig: e.Taking, ErrorLog: log.New(io.Discard, "", 0)}
	if e.Taking != nil {
		w.scheme = "https"
		go func() { _ = w.server.ServeTLS(l, "", "") }()
		return w, nil
	}
	go func() { _ = w.server.Serve(l) }()
	return w, nil
}

// To passes on to another server from now on, for proxies that are there before it.
func (w *Web) To(upstream string) error {
	to, err := url.Parse(upstream)
	if err != nil || to.Host == "" {
		return errors.New("the server's URL cannot be read")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	return nil
}

func (w *Web) upstream() *url.URL {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to
}

// URL is where the proxy answers.
func (w *Web) URL() string { return w.scheme + "://" + w.listener.Addr().String() }

// Close ends the proxy and every connection through it.
func (w *Web) Close() error {
	w.Heal()
	return w.server.Close()
}

// ServeHTTP passes a request on, or does with it what the fault says.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f, healed := w.fault, w.healed
	w.mu.Unlock()
	if f.do == nil || f.only != nil && !f.only(r) {
		w.pass.ServeHTTP(rw, r)
		return
	}
	f.do(rw, r, healed)
}

// Heal takes the fault away; requests that hang are cut off.
func (w *Web) Heal() { w.set(webFault{}) }

func (w *Web) set(f webFault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.healed)
	w.fault, w.healed = f, make(chan struct{})
}

// Delay passes requests on after some time.
func (w *Web) Delay(by time.Duration, only func(*http.Request) bool) {
	w.set(webFault{only, func(rw http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
		select {
		case <-time.After(by):
		case <-healed:
		case <-r.Context().Done():
		}
		w.pass.ServeHTTP(rw, r)
	}})
}

// Hang takes requests and answers nothing; the server behind never sees them.
func (w *Web) Hang(only func(*http.Request) bool) {
	w.set(webFault{only, func(_ http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
		_, _ = io.Copy(io.Discard, r.Body)
		hang(r, healed)
	}})
}

// HangAfter passes requests on and keeps the answers, as a process does that
// stops between its commit and its answer.
func (w *Web) HangAfter(only func(*http.Request) bool) {
	w.set(webFault{only, func(_ http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
		w.pass.ServeHTTP(nowhere{http.Header{}}, r)
		hang(r, healed)
	}})
}

// Drop closes the connection without an answer.
func (w *Web) Drop(only func(*http.Request) bool) {
	w.set(webFault{only, func(http.ResponseWriter, *http.Request, <-chan struct{}) { panic(http.ErrAbortHandler) }})
}

// Reset breaks the connection with a TCP reset. Over HTTP/2 it resets the stream.
func (w *Web) Reset(only func(*http.Request) bool) {
	w.set(webFault{only, func(rw http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		if h, ok := rw.(http.Hijacker); ok {
			if c, _, err := h.Hijack(); err == nil {
				if t, ok := c.(*net.TCPConn); ok {
					_ = t.SetLinger(0)
				}
				_ = c.Close()
				return
			}
		}
		panic(http.ErrAbortHandler)
	}})
}

// Answer answers with a status and a header in the server's place, as a build does
// that is wrong and says who it is.
func (w *Web) Answer(status int, header http.Header, only func(*http.Request) bool) {
	w.set(webFault{only, func(rw http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(status)
	}})
}

// Empty answers 200 with nothing.
func (w *Web) Empty(only func(*http.Request) bool) { w.wrong("", only) }

// Foreign answers 200 with a page of somebody else.
func (w *Web) Foreign(only func(*http.Request) bool) {
	w.wrong("<!doctype html><title>Welcome</title><p>It works!</p>\n", only)
}

func (w *Web) wrong(page string, only func(*http.Request) bool) {
	w.set(webFault{only, func(rw http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, page)
	}})
}

// hang waits until the caller has gone or the fault is over, and cuts him off then.
func hang(r *http.Request, healed <-chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-healed:
	}
	panic(http.ErrAbortHandler)
}

// nowhere takes an answer that is not to arrive.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Flush()                      {}
