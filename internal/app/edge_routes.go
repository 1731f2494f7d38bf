package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"standfast/internal/edge/proxy"
	"standfast/internal/edge/route"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// How often the edge asks what is behind it.
const (
	probeEvery   = time.Second
	probeTimeout = 1500 * time.Millisecond
	tickEvery    = 250 * time.Millisecond
	keysEvery    = 30 * time.Second
	keysTimeout  = 5 * time.Second
	maxInternal  = 1 << 20 // bytes of an answer of our own
	// rememberAtEdge is how many tokens a cell's keyring keeps read.
	rememberAtEdge = 20_000
)

// routing is the router with what it lives by: probes, ticks, and the keys that
// tell members apart.
type routing struct {
	*route.Router
	errands route.Errands
	rings   map[string]*token.Keyring // by cell; never changed
	cookies map[string][]string       // by cell: names of its session cookie
	ask     func(ctx context.Context, t route.Target, path string) (*http.Response, error)
	rest    func(t route.Target) // closes connections that nobody uses
	log     *slog.Logger

	decisions *decisions
}

func newRouting(c EdgeConfig, log *slog.Logger) (*routing, error) {
	r := &routing{errands: route.Table(), rings: map[string]*token.Keyring{}, cookies: map[string][]string{}, log: log, decisions: openDecisions(c.Store, log)}
	o := route.Options{Decided: r.tell, Rules: c.Rollout.rules()}
	for _, cell := range c.Cells {
		o.Cells = append(o.Cells, cell.route())
		r.rings[cell.Name] = token.NewKeyring(cell.Name, rememberAtEdge)
		name := "sf_" + cell.Name + "_session_v1"
		r.cookies[cell.Name] = []string{"__Host-" + name, name}
	}
	var err error
	if r.Router, err = route.New(o); err != nil {
		return nil, fault.Wrap(fault.Invalid, "config.cells", "The cells cannot be routed: "+err.Error(), err)
	}
	r.Restore(r.decisions.standing())
	return r, nil
}

// route gives the cell as the router knows it.
func (c EdgeCellConfig) route() route.Cell {
	cell := route.Cell{Name: c.Name, Standin: c.Standin.URL, Exercise: route.Share(c.Standin.Share)}
	for _, b := range c.Builds {
		cell.Builds = append(cell.Builds, route.Build{Name: b.Name, URL: b.URL, Share: route.Share(b.Share)})
	}
	return cell
}

// tell writes a decision to the log and the record; it must not call the router.
func (r *routing) tell(d route.Decision) {
	r.decisions.note(d)
	r.log.Warn("routing", "cell", d.Cell, "kind", d.Kind, "journey", d.Journey, "build", d.Build, "side", d.Side, "share", d.Share, "cause", d.Cause, "reason", d.Reason)
}

// sticky is the member of a request's session, and before there is one the
// address it comes from.
func (r *routing) sticky(cell string, q *http.Request) string {
	if tok := r.sessionToken(cell, q); tok != "" {
		if c, err := r.rings[cell].Read(tok); err == nil && c.MemberID != "" {
			return c.MemberID
		}
	}
	host, _, err := net.SplitHostPort(q.RemoteAddr)
	if err != nil {
		return q.RemoteAddr
	}
	return host
}

func (r *routing) sessionToken(cell string, q *http.Request) string {
	if scheme, tok, ok := strings.Cut(q.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(tok)
	}
	for _, name := range r.cookies[cell] {
		if c, err := q.Cookie(name); err == nil {
			return c.Value
		}
	}
	return ""
}

// run probes, ticks and reads keys until ctx ends.
func (r *routing) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { every(ctx, tickEvery, r.Tick) })
	all.Go(func() { r.decisions.run(ctx) })
	for _, t := range r.Targets() {
		all.Go(func() { every(ctx, probeEvery, func() { r.look(ctx, t) }) })
	}
	for cell := range r.rings {
		all.Go(func() { r.keepKeys(ctx, cell) })
	}
	all.Wait()
}

// every does something at once and then at each interval.
func every(ctx context.Context, d time.Duration, do func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// look probes a target. One that is about to stop is left in time: first by the
// requests to come, then by the connections that rest.
func (r *routing) look(ctx context.Context, t route.Target) {
	found := r.probe(ctx, t)
	r.Probed(t, found)
	if found.Answered && !found.Ready {
		r.rest(t)
	}
}

// probe asks a target whether it is ready.
func (r *routing) probe(ctx context.Context, t route.Target) route.Probe {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var said struct {
		Ready *bool  `json:"ready"`
		Build string `json:"build"`
	}
	status, err := r.read(ctx, t, "/internal/v1/ready", &said)
	if err != nil || said.Ready == nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
		return route.Probe{}
	}
	return route.Probe{Answered: true, Ready: *said.Ready && status == http.StatusOK, Build: said.Build}
}

// keepKeys reads a cell's keys until ctx ends, and again soon while nobody tells them.
func (r *routing) keepKeys(ctx context.Context, cell string) {
	for ctx.Err() == nil {
		next := probeEvery
		if r.readKeys(ctx, cell) {
			next = keysEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(next):
		}
	}
}

// readKeys takes the public keys of a cell's sessions from the first of its
// processes that tells them, and tells whether one did. Until then, members are told
// apart by their address.
func (r *routing) readKeys(ctx context.Context, cell string) bool {
	for _, t := range r.Targets() {
		if t.Cell != cell {
			continue
		}
		keys, err := r.keysOf(ctx, t)
		if err == nil && len(keys) > 0 {
			err = r.rings[cell].Replace(keys, token.Signer{})
		}
		if err == nil && len(keys) > 0 {
			return true
		}
	}
	return false
}

func (r *routing) keysOf(ctx context.Context, t route.Target) (list []token.PublicKey, err error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	var said struct {
		Keys []publicKey `json:"keys"`
	}
	if _, err := r.read(ctx, t, "/internal/v1/keys", &said); err != nil {
		return nil, err
	}
	for _, k := range said.Keys {
		raw, err := base64.RawURLEncoding.DecodeString(k.Public)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fault.New(fault.Invalid, "edge.key", "A public key is not one.")
		}
		list = append(list, token.PublicKey{ID: k.ID, Key: raw})
	}
	return list, nil
}

// read gets a small JSON document from a target.
func (r *routing) read(ctx context.Context, t route.Target, path string, into any) (status int, err error) {
	a, err := r.ask(ctx, t, path)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	return a.StatusCode, json.NewDecoder(io.LimitReader(a.Body, maxInternal)).Decode(into)
}

var _ proxy.Routes = (*route.Router)(nil)
