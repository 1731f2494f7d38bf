package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/fault"
)

// Times of the connections behind. A connection rests for less time than the
// server there keeps it (two minutes), so that it is rarely used while it closes.
const (
	dialTimeout = 2 * time.Second
	restTimeout = 45 * time.Second
	keepAlive   = 15 * time.Second
)

// unreachable is the error of a request of which not one byte was sent: no
// connection was to be had. Whatever it was, it may be sent elsewhere.
type unreachable struct{ cause error }

func (e *unreachable) Error() string { return "no connection: " + e.cause.Error() }
func (e *unreachable) Unwrap() error { return e.cause }

// errBusy means that a target has no place and its queue no room.
var errBusy = errors.New("the target is busy")

// upstream is one target: its connections, and its places.
type upstream struct {
	scheme, host string
	transport    *http.Transport
	places       chan struct{} // one for each request at the target
	waiting      atomic.Int64
	queue        int64
	wait         time.Duration
	throttles
}

func newUpstream(t route.Target, c Config) (*upstream, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return nil, fault.Wrap(fault.Invalid, "edge.target", fmt.Sprintf("%q is no address of a target, such as https://core-1:8444.", t.URL), err)
	}
	up := &upstream{scheme: u.Scheme, host: u.Host, places: make(chan struct{}, c.Limits.InFlight), queue: int64(c.Limits.Queue), wait: c.Limits.Wait}
	up.transport = &http.Transport{
		DialContext:            dialer(nil),
		MaxIdleConns:           c.Limits.InFlight,
		MaxIdleConnsPerHost:    c.Limits.InFlight,
		IdleConnTimeout:        restTimeout,
		DisableCompression:     true, // bodies pass as they are
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        8 << 10,
		ReadBufferSize:         8 << 10,
	}
	if u.Scheme == "https" {
		if c.TLS == nil {
			return nil, fault.New(fault.Invalid, "edge.target-tls", "There is no certificate to reach "+t.URL+" with.")
		}
		conf, err := c.TLS(t)
		if err != nil {
			return nil, err
		}
		up.transport.DialTLSContext = dialer(conf)
	}
	return up, nil
}

// dialer makes connections, with the TLS handshake where conf is set. All its
// errors are unreachable: no request has been sent by then.
func dialer(conf *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, &unreachable{err}
		}
		if conf == nil {
			return c, nil
		}
		t := tls.Client(c, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, &unreachable{err}
		}
		return t, nil
	}
}

// Ask gets an internal address of a target, such as whether it is ready. It needs
// no place: who is asked how busy they are must be heard while they are.
func (p *Proxy) Ask(ctx context.Context, t route.Target, path string) (*http.Response, error) {
	u := p.upstreams[t.URL]
	if u == nil {
		return nil, &unreachable{errors.New("the target is not configured: " + t.URL)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.scheme+"://"+u.host+path, nil)
	if err != nil {
		return nil, err
	}
	return u.transport.RoundTrip(r)
}

// Rest closes the connections to a target that nobody uses. Whoever is about to
// close them at the other end has said so: a request that is written into one as
// it closes may not be sent again.
func (p *Proxy) Rest(t route.Target) {
	if u := p.upstreams[t.URL]; u != nil {
		u.transport.CloseIdleConnections()
	}
}
