// Package proxy carries members' requests to a core build or a stand-in and
// their answers back. It decides nothing about where: it asks Routes, reports
// what came of it, and repeats a request only where nothing can be done twice.
// When nothing behind it answers, it answers itself, honestly.
package proxy

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// Routes decides where requests go (route.Router does). Its methods stand in the
// way of every request: they are cheap and never wait. Each target that it gives
// is reported exactly once.
type Routes interface {
	// Pick chooses who answers; false means that there is no such cell.
	Pick(cell string, e route.Errand, sticky string) (route.Target, bool)
	// Again gives another target for a request that the first could not answer.
	Again(first route.Target, e route.Errand) (route.Target, bool)
	// Left tells whether a member for whom a target was picked is sent elsewhere by now.
	Left(t route.Target, e route.Errand, sticky string) bool
	// Overdue says that a request is waited for longer than is good; it is reported too.
	Overdue(t route.Target, e route.Errand, a route.Answer)
	// Exercise tells whether another target shall be shown a copy of the request.
	Exercise(cell string, e route.Errand, sticky string) (route.Target, bool)
	// Report says what came of a request.
	Report(t route.Target, e route.Errand, a route.Answer)
}

// Cell is what the edge itself must know of a cell.
type Cell struct {
	Name      string
	Hosts     []string // exact host names, without a port
	Brand     string
	Telephone string
	Locales   []string // the first one is the default
	StatusURL string   // "" for none
	Label     string   // of its region, as the front offers it
	URL       string   // that its members type
}

// Front is the host of all cells together: who comes there chooses a region.
type Front struct {
	Brand string
	Cells []Cell
}

// Reason is why the edge answers by itself.
type Reason string

// The reasons.
const (
	Down     Reason = "down"      // nothing behind the cell answers
	Busy     Reason = "busy"      // what is behind it has no room
	Crowded  Reason = "crowded"   // the client's address has as much under way as one may
	Unknown  Reason = "unknown"   // what was sent may or may not have been done
	TooLarge Reason = "too-large" // more was sent than is taken
	TooSlow  Reason = "too-slow"  // what was announced did not arrive in time
)

// Apology is an answer of the edge's own.
type Apology struct {
	Cell       Cell
	Reason     Reason
	RetryAfter time.Duration // 0: coming back by itself would not help
}

// Pages writes the edge's own answers.
type Pages interface {
	Apologize(w http.ResponseWriter, r *http.Request, a Apology)
	// Choose answers at a host that belongs to no cell: where the cells are.
	Choose(w http.ResponseWriter, r *http.Request, f Front)
	// Serve answers for the files that these pages need; false for any other path.
	Serve(w http.ResponseWriter, r *http.Request) bool
}

// Answer is one answer, for the metrics.
type Answer struct {
	Target  route.Target // zero where the edge answered itself
	Cell    string
	Journey journey.Name // "" for none
	Outcome journey.Outcome
	Took    time.Duration
}

// Config is what a proxy is made of.
type Config struct {
	Cells   []Cell
	Front   []string // hosts that lead to the cells' own; may be empty
	Brand   string   // of the front
	Targets []route.Target
	Routes  Routes
	Errand  func(*http.Request) route.Errand
	// Sticky is what stays the same of a member from request to request; "" where nothing does.
	Sticky  func(cell string, r *http.Request) string
	Pages   Pages
	Observe func(Answer) // of every answer of a known cell; never waits
	Limits  Limits
	// TLS gives what a target's connections are made with, where its address says https.
	TLS func(route.Target) (*tls.Config, error)
	// Compared is told whether a copy of a request got the figures that the member
	// got. A copy that was only older is not told of.
	Compared func(cell string, j journey.Name, same bool)
	Settle   time.Duration // between looks at a copy whose figures differ; 0: 3 s
	Log      *slog.Logger
	Now      func() time.Time // the clock; nil for the machine's
}

// Proxy is the handler of the edge's public listener.
type Proxy struct {
	cells     map[string]*Cell     // by host
	fronts    map[string]bool      // hosts that lead to the cells' own
	upstreams map[string]*upstream // by target's URL
	buffers   sync.Pool
	copies    chan struct{} // a place for each copy of a request that is under way
	doubts    chan struct{} // and for each whose figures are looked into
	showings  sync.WaitGroup
	clients   clients
	Config
}

// New makes a proxy. A host of two cells, or a target without a usable URL, is an error.
func New(c Config) (*Proxy, error) {
	c.Limits = c.Limits.orDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Settle == 0 {
		c.Settle = settle
	}
	if c.Compared == nil {
		c.Compared = func(string, journey.Name, bool) {}
	}
	if c.Observe == nil {
		c.Observe = func(Answer) {}
	}
	p := &Proxy{Config: c, cells: map[string]*Cell{}, fronts: map[string]bool{}, upstreams: map[string]*upstream{}, buffers: sync.Pool{New: newBuffer}, copies: make(chan struct{}, maxCopies), doubts: make(chan struct{}, maxDoubts),
		clients: clients{most: c.Limits.PerClient, held: map[netip.Prefix]int{}}}
	for i := range c.Cells {
		for _, h := range c.Cells[i].Hosts {
			h = strings.ToLower(h)
			if p.cells[h] != nil {
				return nil, fault.New(fault.Invalid, "edge.host-twice", h+" is the host of two cells.")
			}
			p.cells[h] = &c.Cells[i]
		}
	}
	for _, h := range c.Front {
		h = strings.ToLower(h)
		if p.cells[h] != nil {
			return nil, fault.New(fault.Invalid, "edge.host-twice", h+" is the host of a cell, and cannot lead to all of them.")
		}
		p.fronts[h] = true
	}
	for _, t := range c.Targets {
		u, err := newUpstream(t, c)
		if err != nil {
			return nil, err
		}
		p.upstreams[t.URL] = u
	}
	return p, nil
}

// Close ends the connections that rest.
func (p *Proxy) Close() {
	for _, u := range p.upstreams {
		u.transport.CloseIdleConnections()
	}
}

// ServeHTTP answers one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := nameOf(r.Host)
	cell := p.cells[host]
	if cell == nil && !p.fronts[host] {
		misdirected(w)
		return
	}
	if status, why := refusal(r); status != 0 {
		refuse(w, status, why)
		return
	}
	if p.Pages.Serve(w, r) {
		return
	}
	if cell == nil {
		p.Pages.Choose(w, r, Front{Brand: p.Brand, Cells: p.Cells})
		return
	}
	x := exchange{p: p, cell: cell, w: w, in: r, start: p.Now(), errand: p.Errand(r)}
	leave, ok := p.clients.enter(r)
	if !ok {
		if !reads(r.Method) {
			w.Header().Set("Connection", "close") // its body is not read
		}
		x.apologize(Crowded)
		return
	}
	defer leave()
	x.run()
}

// nameOf gives the name of a Host header as hosts are kept; "" for one with a port
// that is none. The port is no part of the name: the edge may stand behind another
// one than members type.
func nameOf(host string) string {
	if !strings.Contains(host, ":") {
		return strings.ToLower(host)
	}
	if name, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return ""
		}
		host = name
	}
	return strings.ToLower(host)
}
