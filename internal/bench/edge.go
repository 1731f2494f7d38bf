package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/app"
	"standfast/internal/journey"
	"standfast/internal/pki"
)

// What the edge may cost beside the plainest proxy that Go's library makes.
const (
	mostAdded     = 1.0 // ms at the 99th percentile, at a quiet load
	mostCPUOver   = 1.2 // × the CPU of a request
	leastOfRate   = 0.8 // × the requests a second
	edgeClients   = 32  // that ask without a pause
	quietClients  = 8   // that pause between two requests
	quietPause    = 20 * time.Millisecond
	edgeWarmUp    = time.Second
	edgeAnswer    = 6 << 10 // bytes: a member's page, compressed
	edgeBenchHost = "bench.example"
)

// edgeBench puts the edge and a bare httputil.ReverseProxy, each a process of its
// own, before the same target, both speaking mutual TLS with it, and asks them by
// the same clients in turns.
func edgeBench(ctx context.Context, c edgeCmd, r *Report) error {
	dir, err := os.MkdirTemp("", "standfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	target, stop, err := startTarget(dir)
	if err != nil {
		return err
	}
	defer stop()
	config := edgeBenchConfig(target)
	bare, err := startProxy(ctx, filepath.Join(dir, "bare.toml"), config, "bench", "edge", "--bare")
	if err != nil {
		return err
	}
	defer bare.child.stop()
	ours, err := startProxy(ctx, filepath.Join(dir, "edge.toml"), config, "edge", "--config")
	if err != nil {
		return err
	}
	defer ours.child.stop()
	if c.Profile != "" {
		return ours.profiled(ctx, c)
	}
	if err := inTurns(ctx, c, []*proxied{bare, ours}); err != nil {
		return err
	}
	compareProxies(r, bare, ours)
	return nil
}

func inTurns(ctx context.Context, c edgeCmd, both []*proxied) error {
	for round := range c.Rounds + 1 { // the first one warms up
		length := c.Duration
		if round == 0 {
			length = min(length, edgeWarmUp)
		}
		for _, p := range both {
			if err := p.measure(ctx, length, round > 0); err != nil {
				return err
			}
		}
		if round == 0 {
			continue
		}
		if err := quietly(ctx, length, both); err != nil {
			return err
		}
	}
	return nil
}

func compareProxies(r *Report, bare, ours *proxied) {
	for _, p := range []struct {
		name string
		*proxied
	}{{"bare proxy", bare}, {"edge", ours}} {
		slices.Sort(p.quiet)
		r.rate(p.name+", requests a second", p.rates, "/s")
		r.rate(p.name+", CPU of a request", p.cpu, "µs")
		r.add(p.name+", median of a quiet request", ms(percentile(p.quiet, 0.5)), "ms")
		r.add(p.name+", p99 of a quiet request", ms(percentile(p.quiet, 0.99)), "ms")
	}
	r.add("added at the p99", ms(percentile(ours.quiet, 0.99)-percentile(bare.quiet, 0.99)), "ms").atMost(mostAdded)
	r.add("ratio of CPU a request", median(ours.cpu)/median(bare.cpu), "×").atMost(mostCPUOver)
	r.add("ratio of requests a second", median(ours.rates)/median(bare.rates), "×").atLeast(leastOfRate)
	r.note("%d clients without a pause; %d clients that pause %s; answers of %d bytes", edgeClients, quietClients, quietPause, edgeAnswer)
}

// edgeBenchConfig is the configuration of both proxies.
func edgeBenchConfig(target string) app.EdgeConfig {
	c := app.EdgeDefaults()
	c.Listen = app.EdgeListenConfig{Public: "127.0.0.1:0", Admin: "127.0.0.1:0"}
	c.Internal = app.EdgeInternalConfig{CA: pki.AuthorityFile, Certificate: "edge.pem", Key: "edge.key"}
	c.Cells = []app.EdgeCellConfig{{Name: "us", Hosts: []string{edgeBenchHost}, Telephone: "1 800 555 0100", Locales: []string{"en-US"},
		Builds: []app.EdgeBuildConfig{{Name: "one", URL: target}}}}
	return c
}

// startTarget is what both proxies stand before: a core's internal listener that
// answers at once.
func startTarget(dir string) (url string, stop func() error, err error) {
	if err := pki.Create(dir, "us"); err != nil {
		return "", nil, err
	}
	conf, err := pki.Server(filepath.Join(dir, pki.AuthorityFile), pki.CertificateFile(dir, pki.Core), pki.KeyFile(dir, pki.Core), pki.Edge)
	if err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	page := []byte(strings.Repeat("x", edgeAnswer))
	srv := &http.Server{TLSConfig: conf, ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		journey.Set(w.Header(), journey.Dashboard, journey.Done)
		w.Header().Set("Standfast-Build", "one")
		if r.URL.Path == "/internal/v1/ready" {
			_, _ = w.Write([]byte(`{"ready":true,"build":"one"}`))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		_, _ = w.Write(page)
	})}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	return "https://" + l.Addr().String(), srv.Close, nil
}

// proxied is one of the two, and what was measured of it.
type proxied struct {
	child *child
	rates []float64 // a second
	cpu   []float64 // µs a request
	quiet []time.Duration
}

func startProxy(ctx context.Context, path string, c app.EdgeConfig, command ...string) (*proxied, error) {
	b, err := toml.Marshal(c)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	k, err := newChild(append(command, path)...)
	if err != nil {
		return nil, err
	}
	if err := k.start(); err != nil {
		return nil, err
	}
	p := &proxied{child: k}
	if err := p.untilAnswers(ctx); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return p, nil
}

func (p *proxied) untilAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := p.once()
		if err == nil {
			return nil
		}
		select {
		case <-p.child.exit:
			return fmt.Errorf("a proxy ended: %s", p.child.log)
		case <-ctx.Done():
			return fmt.Errorf("a proxy does not answer (%w): %s", err, p.child.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *proxied) once() error {
	c, err := p.dial()
	if err != nil {
		return err
	}
	defer c.close()
	return c.get()
}

// dial opens a client's connection that gets a page as a browser would.
func (p *proxied) dial() (*conn, error) {
	c, err := dial(p.child.addr, "", "")
	if err != nil {
		return nil, err
	}
	c.head = []byte("GET /dashboard HTTP/1.1\r\nHost: " + edgeBenchHost + "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip\r\n" +
		"Cookie: __Host-us-session-1=" + strings.Repeat("t", 400) + "\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n\r\n")
	return c, nil
}

// get sends the request that the connection was opened with.
func (c *conn) get() error {
	if err := c.c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.c.Write(c.head); err != nil {
		return err
	}
	status, body, err := c.read()
	if err == nil && (status != http.StatusOK || len(body) != edgeAnswer) {
		err = fmt.Errorf("answered %d with %d bytes", status, len(body))
	}
	return err
}

// measure asks without a pause for the rate and its CPU.
func (p *proxied) measure(ctx context.Context, length time.Duration, counts bool) error {
	busy, spent, err := p.ask(ctx, length)
	if err != nil || !counts {
		return err
	}
	p.rates = append(p.rates, busy.perSecond())
	p.cpu = append(p.cpu, float64(spent)/float64(time.Microsecond)/float64(busy.done))
	return nil
}

// clients opens connections.
func (p *proxied) clients(n int) (list []*conn, done func(), err error) {
	done = func() {
		for _, c := range list {
			c.close()
		}
	}
	for range n {
		c, err := p.dial()
		if err != nil {
			done()
			return nil, nil, err
		}
		list = append(list, c)
	}
	return list, done, nil
}

// ask lets clients get pages without a pause, and gives the CPU that it took the proxy.
func (p *proxied) ask(ctx context.Context, length time.Duration) (l load, spent time.Duration, err error) {
	clients, done, err := p.clients(edgeClients)
	if err != nil {
		return l, 0, err
	}
	defer done()
	spent, err = p.child.spends(func() (err error) {
		l, err = drive(ctx, edgeClients, length, func(_ context.Context, caller, _ int) error { return clients[caller].get() })
		return err
	})
	return l, spent, err
}

// quietly lets clients pause before each request and ask the two in turns, so that
// whatever else the machine does meets both alike, and notes what each request took.
func quietly(ctx context.Context, length time.Duration, both []*proxied) error {
	clients := make([][]*conn, len(both))
	for i, p := range both {
		list, done, err := p.clients(quietClients)
		if err != nil {
			return err
		}
		defer done()
		clients[i] = list
	}
	times := make([][]time.Duration, quietClients*len(both))
	_, err := drive(ctx, quietClients, length, func(_ context.Context, caller, turn int) error {
		which := (turn + caller) % len(both)
		time.Sleep(quietPause)
		start := time.Now()
		err := clients[which][caller].get()
		mine := &times[which*quietClients+caller]
		*mine = append(*mine, time.Since(start))
		return err
	})
	for i, p := range both {
		p.quiet = append(p.quiet, slices.Concat(times[i*quietClients:(i+1)*quietClients]...)...)
	}
	return err
}

// profiled writes a CPU profile of the edge under load.
func (p *proxied) profiled(ctx context.Context, c edgeCmd) error {
	written := make(chan error, 1)
	go func() { written <- p.child.profile(ctx, c.Duration, c.Profile) }()
	_, _, err := p.ask(ctx, c.Duration+time.Second)
	return errors.Join(err, <-written)
}
