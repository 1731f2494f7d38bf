package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"standfast/internal/core/advice/desk"
	"standfast/internal/core/console"
	"standfast/internal/core/passkey"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/pki"
	"standfast/internal/steer"
)

// ConsoleConfig says where staff sign in. It is a host of its own, because
// browsers give cookies and passkeys by the host; without one there is no console.
type ConsoleConfig struct {
	PublicURL string `toml:"public_url"` // scheme and host that staff type; empty: no console
	Listen    string `toml:"listen"`
}

// ConsoleEdgeConfig is the edge whose routing the console shows and changes.
type ConsoleEdgeConfig struct {
	URL         string `toml:"url"`         // of its internal listener; empty: the console shows none
	CA          string `toml:"ca"`          // empty: that of [internal]
	Certificate string `toml:"certificate"` // of the role console
	Key         string `toml:"key"`
}

// traffic gives what the console asks the edge with; nil without one.
func (r *Rooms) traffic(c Config) (*traffic.Service, error) {
	e := c.Edge
	if e.URL == "" {
		return nil, nil
	}
	if e.CA == "" {
		e.CA = c.Internal.CA
	}
	conf, err := pki.Client(e.CA, e.Certificate, e.Key, pki.AnyCell, pki.Edge)
	if err != nil {
		return nil, err
	}
	return traffic.New(r.Staff, steer.New(e.URL, conf), c.Cell.Name), nil
}

func (c Config) checkEdge(no func(key, why string)) {
	if e := c.Edge; e.URL != "" && (e.Certificate == "" || e.Key == "" || e.CA == "" && c.Internal.CA == "") {
		no("edge", "needs certificate and key of the role console, as `standfast certificates` makes them, and a ca")
	}
}

// checkConsole keeps members' and staff's hosts apart. On one machine, in a demo,
// they differ by their port; there the cookies' names alone keep them apart.
func (c Config) checkConsole(no func(key, why string)) {
	if c.Console == (ConsoleConfig{}) {
		return
	}
	u, err := url.Parse(c.Console.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "localhost" {
		no("console.public_url", "is the address that staff type, such as https://staff.example.com")
		return
	}
	if members, err := url.Parse(c.Cell.PublicURL); err == nil && strings.EqualFold(members.Hostname(), u.Hostname()) && (u.Hostname() != "localhost" || u.Port() == members.Port()) {
		no("console.public_url", "is another host than members' pages have")
	}
	if c.Console.Listen == "" {
		no("console.listen", "is where the console answers, such as :8444")
	}
}

// ProofingConfig says how much proof lets a member back in who has lost every way
// in; see docs/operations.md.
type ProofingConfig struct {
	Proofs int `toml:"proofs"` // different ones that a case needs, one of them a document; empty: 2
}

func (c Config) checkProofing(no func(key, why string)) {
	if n := c.Proofing.Proofs; n != 0 && (n < proofing.MinimumLeast || n > proofing.MinimumMost) {
		no("proofing.proofs", "is 2, 3 or 4: how many different proofs let a member back in")
	}
}

// stopPage is the address that a notice gives to stop a recovery with an agent's help.
func stopPage(publicURL string) func(token string) string {
	return func(token string) string {
		return strings.TrimSuffix(publicURL, "/") + string(route.AssistedStop.URL(token))
	}
}

// newStaff gives the staff of a cell that has a console.
func newStaff(d *db.DB, key passkey.Sealer, c Config) (*staff.Service, error) {
	return staff.New(d, key, staff.Config{Origin: originOf(c.Console.PublicURL), Issuer: brand})
}

// wireConsole makes staff and their pages, where the configuration has a place for them.
func (r *Rooms) wireConsole(c Config, cell cell) (err error) {
	if c.Console.PublicURL == "" {
		return nil
	}
	if r.Staff, err = newStaff(r.DB, r.Key, c); err != nil {
		return err
	}
	steered, err := r.traffic(c)
	if err != nil {
		return err
	}
	origin := originOf(c.Console.PublicURL)
	r.Console = console.New(console.Services{Staff: r.Staff, Traffic: steered, Advices: desk.New(r.Staff, r.Members, r.Accounts), Cases: proofing.New(r.DB, r.Staff, r.SignIn, proofing.Config{Minimum: c.Proofing.Proofs}), Texts: r.Texts, Brand: brand, Zone: cell.zone, Origin: origin, Log: r.log,
		Cookies: console.Cookies{Cell: cell.Name, Secure: strings.HasPrefix(origin, "https:")}, Clients: signin.Cookies{Proxies: cell.proxies}})
	return nil
}

// announceSetUp says how the first operator gets in, for as long as there is none.
// In a demo the link goes to its supervisor instead.
func (r *Rooms) announceSetUp(ctx context.Context, c Config) error {
	if r.Staff == nil {
		return nil
	}
	link, err := r.Staff.FirstLink(ctx)
	if err != nil {
		return err
	}
	if c.Demo.SetUpFile != "" {
		return os.WriteFile(c.Demo.SetUpFile, []byte(link), 0o600)
	}
	if link != "" {
		r.log.Info("nobody runs this service yet: open this link to become its first operator; it works once, for 24 hours", "url", link)
	}
	return nil
}

// serveAll answers members, staff and the cell's other processes until ctx ends, or one of them cannot be answered.
func (r *Rooms) serveAll(ctx context.Context, s sockets, members http.Handler, internal *http.Server, tls TLSConfig) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 3)
	start := func(h http.Handler, l net.Listener) int {
		go func() { ended <- serve(ctx, newServer(h), l, tls) }()
		return 1
	}
	running := start(members, s.public)
	if internal != nil {
		go func() { ended <- serve(ctx, internal, s.internal, TLSConfig{}) }()
		running++
	}
	if r.Console != nil {
		running += start(r.Console, s.console)
	}
	var err error
	for range running {
		err = errors.Join(err, <-ended)
		cancel()
	}
	return err
}

// SetUpLink prints a link that makes an operator, for when nobody can get in.
func SetUpLink(ctx context.Context, t Target, out io.Writer) error {
	c := t.settings()
	if demo := filepath.Join(t.Data, demoConfig); t.config == nil && t.Data != "" {
		if found, err := LoadConfig(demo); err == nil {
			c = found
		}
	}
	if c.Console.PublicURL == "" {
		return fault.New(fault.Invalid, "usage", "No console is configured there. Say where it is with console.public_url in the file that --config names.")
	}
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	key, err := t.loadKey()
	if err != nil {
		return err
	}
	s, err := newStaff(d, key, c)
	if err != nil {
		return err
	}
	link, err := s.SetUpLink(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\nIt makes an operator, works once, and ends in 24 hours. That it was made is in the audit log.\n", link)
	return err
}
