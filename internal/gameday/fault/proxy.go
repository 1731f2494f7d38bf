// Package fault breaks things from outside the process under test: the way to
// its database, its database file, the process itself. Nothing in the process
// knows that it is being tested.
package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Proxy stands between a process and a TCP server, PostgreSQL as a rule, and can
// break what passes. At any time it has one fault or none. Its methods are for
// one goroutine.
type Proxy struct {
	proxy  *toxiproxy.Proxy
	toxics []string // names of the faults that are set
}

// NewProxy listens on a free port of loopback and passes everything on to
// upstream, which is "host:port". Close ends it.
func NewProxy(upstream string) (*Proxy, error) {
	registerAnswers()
	log := zerolog.Nop()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), log)
	p := toxiproxy.NewProxy(server, "database", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("the proxy cannot listen: %w", err)
	}
	return &Proxy{proxy: p}, nil
}

// NewPostgres makes a proxy before the server of a postgres:// URL and gives the
// URL that leads through it.
func NewPostgres(target string) (*Proxy, string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, "", errors.New("the database's URL cannot be read") // the cause could hold a password
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "5432")
	}
	p, err := NewProxy(host)
	if err != nil {
		return nil, "", err
	}
	u.Host = p.Addr()
	return p, u.String(), nil
}

// Addr is where the proxy listens, as "host:port". It stays the same however
// often the server is taken down.
func (p *Proxy) Addr() string { return p.proxy.Listen }

// Close ends the proxy and every connection through it.
func (p *Proxy) Close() { p.proxy.Stop() }

// Down refuses new connections and cuts those that are open, as a server does
// whose process has ended.
func (p *Proxy) Down() error {
	if err := p.Heal(); err != nil {
		return err
	}
	p.proxy.Stop()
	return nil
}

// Stall takes what is sent and answers nothing, on open connections and on new
// ones, as a server does that hangs or a network that drops packets.
func (p *Proxy) Stall() error {
	return p.set(toxic{Type: "timeout", Stream: "downstream", Attributes: map[string]any{"timeout": 0}})
}

// Slow delays each answer by about the given time.
func (p *Proxy) Slow(by time.Duration) error {
	return p.set(toxic{Type: "latency", Stream: "downstream", Attributes: map[string]any{"latency": by.Milliseconds(), "jitter": by.Milliseconds() / 4}})
}

// Reset breaks connections with a TCP reset as soon as something is answered.
func (p *Proxy) Reset() error {
	return p.set(toxic{Type: "reset_peer", Stream: "downstream", Attributes: map[string]any{"timeout": 0}})
}

// Errors answers every statement of PostgreSQL with an error of the given
// SQLSTATE (PostgreSQL 15, appendix A). The server has run the statement all the same.
func (p *Proxy) Errors(sqlState string) error {
	return p.set(toxic{Type: answersType, Stream: "downstream", Attributes: map[string]any{"error": sqlState}})
}

// Empty answers every statement of PostgreSQL as though no row had been found,
// as a server does that was restored from the wrong backup.
func (p *Proxy) Empty() error {
	return p.set(toxic{Type: answersType, Stream: "downstream", Attributes: map[string]any{"empty": true}})
}

// Heal takes the fault away. Connections that were broken stay so; new ones are whole.
func (p *Proxy) Heal() error {
	for _, name := range p.toxics {
		if err := p.proxy.Toxics.RemoveToxic(context.Background(), name); err != nil {
			return fmt.Errorf("the fault %s cannot be taken away: %w", name, err)
		}
	}
	p.toxics = nil
	if p.proxy.Enabled {
		return nil
	}
	if err := p.proxy.Start(); err != nil {
		return fmt.Errorf("the proxy cannot listen again: %w", err)
	}
	return nil
}

// toxic is a fault in the form that toxiproxy reads.
type toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Attributes map[string]any `json:"attributes"`
}

// set replaces the fault by another one.
func (p *Proxy) set(t toxic) error {
	if err := p.Heal(); err != nil {
		return err
	}
	t.Name = t.Type
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	w, err := p.proxy.Toxics.AddToxicJson(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the fault %s cannot be set: %w", t.Type, err)
	}
	p.toxics = append(p.toxics, w.Name)
	return nil
}

// registerAnswers makes the fault of wrong answers known to toxiproxy, which
// keeps such a register for the process. Registering it again changes nothing.
func registerAnswers() { toxics.Register(answersType, new(answers)) }
