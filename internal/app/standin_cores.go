package app

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Times of the stand-in's connections to core.
const (
	coreDial = 3 * time.Second
	coreTLS  = 3 * time.Second
)

// cores finds a build of core that answers. All builds of a cell have one database,
// and so the same feed and the same list of advices: what one was asked in vain can
// be asked of another, whatever it was, because both calls may be repeated.
type cores struct {
	urls []*url.URL
	at   atomic.Int64 // of the one that answered last
	to   http.RoundTripper
}

func newCores(c StandInFileCore, conf *tls.Config) (*cores, error) {
	dial := &net.Dialer{Timeout: coreDial}
	list := &cores{to: &http.Transport{TLSClientConfig: conf, DialContext: dial.DialContext, TLSHandshakeTimeout: coreTLS, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}}
	for _, s := range append([]string{c.URL}, c.Also...) {
		u, err := url.Parse(s)
		if err != nil {
			return nil, err
		}
		list.urls = append(list.urls, u)
	}
	return list, nil
}

// RoundTrip asks the core that answered last, and then the others.
func (c *cores) RoundTrip(r *http.Request) (a *http.Response, err error) {
	for range c.urls {
		at := c.at.Load()
		if a, err = c.ask(r, c.urls[at]); err == nil || r.Context().Err() != nil {
			return a, err
		}
		c.at.CompareAndSwap(at, (at+1)%int64(len(c.urls)))
	}
	return nil, err
}

func (c *cores) ask(r *http.Request, at *url.URL) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.Host = at.Scheme, at.Host, ""
	if r.GetBody != nil {
		var err error
		if out.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return c.to.RoundTrip(out)
}
