package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"standfast/internal/fault"
	"standfast/internal/pki"
)

// DemoOptions are the flags of `standfast demo`.
type DemoOptions struct {
	Listen    string // loopback only
	Data      string // folder; empty keeps nothing
	Database  string // postgres:// URL instead of the folder's SQLite file
	JSON      bool
	NoRestart bool
	Cells     []string
	Direct    bool              // core answers members itself, without an edge and a stand-in
	Texts     string            // URL of a `standfast sim sms` that carries text messages in the mailbox's place
	Sources   map[string]string // URLs of reference sources of accounts, by name
	Out       io.Writer
	Log       *slog.Logger
}

// Ready is the line that `standfast demo --json` prints once everything answers.
type Ready struct {
	Ready   bool   `json:"ready"`
	Portal  string `json:"portal"`
	Mailbox string `json:"mailbox"`
	API     string `json:"api"`
	Admin   string `json:"admin"`
	Console string `json:"console"`
	// Edge and StandIn are their admin listeners, as Admin is core's; empty where there are none.
	Edge    string       `json:"edge,omitempty"`
	StandIn string       `json:"standin,omitempty"`
	Members []DemoMember `json:"members"`
	// Operators can be made while there is none.
	Operators []DemoOperator `json:"operators,omitempty"`
	PIDs      map[string]int `json:"pids"`
}

// DemoMember is a seeded member, with the password in clear: demo data only.
type DemoMember struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Region   string `json:"region"`
}

// DemoOperator is an operator to be: whoever opens the link first.
type DemoOperator struct {
	SetUp string `json:"set_up"`
}

// Demo runs the supervisor: it holds the sockets and the mailbox, starts each
// process on its own, starts it again when it dies, and ends with ctx.
func Demo(ctx context.Context, o DemoOptions) error {
	if len(o.Cells) != 1 || o.Cells[0] != "us" {
		return fault.New(fault.Invalid, "usage", "This release runs the cell us only: --cells us.")
	}
	if err := loopbackOnly(o.Listen); err != nil {
		return err
	}
	dir, cleanup, err := demoFolder(o.Data)
	if err != nil {
		return err
	}
	defer cleanup()
	s := &supervisor{o: o, dir: dir, cell: &demoCell{name: o.Cells[0], dir: dir}, pids: map[string]int{}}
	s.cell.database, s.cell.key = demoStore(dir, o.Data, o.Database)
	defer s.closeSockets()
	if err := s.openSockets(); err != nil {
		return err
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	mail := newServer(&mailbox{})
	go serve(ctx, mail, s.mail, TLSConfig{})
	return s.run(ctx)
}

// loopbackOnly refuses to show demo passwords to a network.
func loopbackOnly(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fault.Wrap(fault.Invalid, "usage", "--listen is host:port, such as localhost:8080.", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fault.New(fault.Invalid, "usage", "The demo has known passwords and only listens on this machine: use localhost.")
	}
	return nil
}

func demoFolder(data string) (dir string, cleanup func(), err error) {
	if data != "" {
		return data, func() {}, os.MkdirAll(data, 0o700)
	}
	dir, err = os.MkdirTemp("", "standfast-demo-")
	return dir, func() { os.RemoveAll(dir) }, err
}

type supervisor struct {
	o            DemoOptions
	dir          string
	public, mail net.Listener
	edge         demoEdge
	cell         *demoCell

	mu   sync.Mutex
	pids map[string]int // of the processes that serve, by name
}

// openSockets opens what processes will answer on. They stay open while a process
// is replaced.
func (s *supervisor) openSockets() (err error) {
	if s.public, err = listen(s.o.Listen); err != nil {
		return err
	}
	if s.mail, err = listen("localhost:0"); err != nil {
		return err
	}
	return errors.Join(s.edge.open(), s.cell.open())
}

func (s *supervisor) closeSockets() {
	closeAll(&s.public, &s.mail)
	s.edge.close()
	s.cell.close()
}

// writeConfig writes the files that the processes read; a demo needs nobody to
// write one.
func (s *supervisor) writeConfig() error {
	c := Defaults()
	c.Cell.PublicURL = localURL(s.public)
	c.Listen = ListenConfig{Public: s.cell.core.door.Addr().String(), Admin: s.cell.core.admin.Addr().String()}
	c.Database, c.MasterKey = s.cell.database, s.cell.key
	c.Payments.SettleAfter = Duration{3 * time.Second}
	c.Console = ConsoleConfig{PublicURL: localURL(s.cell.core.console), Listen: s.cell.core.console.Addr().String()}
	c.Demo = DemoConfig{Mailbox: localURL(s.mail), SetUpFile: s.cell.setUpPath()}
	if err := errors.Join(s.simulatedTexts(&c), s.simulatedSources(&c)); err != nil {
		return err
	}
	if s.o.Direct {
		c.Listen.Public = s.public.Addr().String()
	} else if err := s.besideCore(&c); err != nil {
		return err
	}
	return writeTOML(filepath.Join(s.cell.dir, demoConfig), c)
}

// besideCore writes what the edge and the stand-in need, and tells core of them.
func (s *supervisor) besideCore(c *Config) error {
	if err := s.cell.certify(); err != nil {
		return err
	}
	c.Internal = s.cell.inside(s.cell.core.internal, pki.Core)
	return errors.Join(s.cell.follow(c), s.writeEdgeConfig(*c))
}

// simulatedTexts has text messages go through the reference gateway, with the
// credential and the key that it has by itself.
func (s *supervisor) simulatedTexts(c *Config) error {
	if s.o.Texts == "" {
		return nil
	}
	for name, contents := range map[string]string{"text.secret": "Bearer " + SimToken, "text-receipts.secret": SimSecret} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(contents), 0o600); err != nil {
			return err
		}
	}
	c.Text = GatewayConfig{URL: s.o.Texts, From: brand, SecretFile: "text.secret", Receipts: ReceiptsConfig{SecretFile: "text-receipts.secret"}}
	return nil
}

// simulatedSources has accounts held by reference sources, with the credential
// that they have by themselves.
func (s *supervisor) simulatedSources(c *Config) error {
	for name, url := range s.o.Sources {
		token := "source-" + name + ".secret"
		if err := os.WriteFile(filepath.Join(s.dir, token), []byte(SimToken), 0o600); err != nil {
			return err
		}
		if c.Sources == nil {
			c.Sources = map[string]SourceConfig{}
		}
		c.Sources[name] = SourceConfig{URL: url, TokenFile: token}
	}
	return nil
}

// run keeps the processes running until ctx ends, and says once that all of
// them serve.
func (s *supervisor) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	children := s.children()
	log := &together{to: os.Stderr}
	serving := make(chan string, len(children))
	ended := make(chan error, len(children))
	for _, c := range children {
		go func() { ended <- c.keep(ctx, s.o.Log, log, s.started(c.name, serving)) }()
	}
	go s.announceOnce(ctx, len(children), serving)
	var err error
	for range children {
		if e := <-ended; e != nil && err == nil {
			err = e
			cancel()
		}
	}
	return err
}

// children gives the processes of the demo.
func (s *supervisor) children() []*child {
	list := s.cell.children(s.o.NoRestart)
	if !s.o.Direct {
		return append(list, s.edgeChild())
	}
	core := list[0]
	core.sockets = []net.Listener{s.public, s.cell.core.admin, s.cell.core.console}
	return list[:1]
}

// started notes a process's id, and the first time that it serves.
func (s *supervisor) started(name string, serving chan<- string) func(pid int) {
	var once sync.Once
	return func(pid int) {
		s.mu.Lock()
		s.pids[name] = pid
		s.mu.Unlock()
		once.Do(func() { serving <- name })
	}
}

// announceOnce waits until n processes serve.
func (s *supervisor) announceOnce(ctx context.Context, n int, serving <-chan string) {
	for range n {
		select {
		case <-serving:
		case <-ctx.Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce(maps.Clone(s.pids))
}

func (s *supervisor) announce(pids map[string]int) {
	ready := Ready{Ready: true, Portal: localURL(s.public) + "/", Mailbox: localURL(s.mail), API: localURL(s.public) + "/api/v1", Admin: localURL(s.cell.core.admin),
		Console: localURL(s.cell.core.console) + "/", Operators: s.cell.operators(), Members: demoMembers(cellUnder(s.cell.name)), PIDs: pids}
	if !s.o.Direct {
		ready.Edge, ready.StandIn = localURL(s.edge.admin), localURL(s.cell.standin.admin)
	}
	if s.o.JSON {
		_ = json.NewEncoder(s.o.Out).Encode(ready)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Standfast is running.\n\n  Members' pages   %s\n  Staff console    %s\n  JSON API         %s\n  Mailbox          %s   (codes and notices arrive here)\n  Health, metrics  %s/metrics\n\n", ready.Portal, ready.Console, ready.API, ready.Mailbox, ready.Admin)
	for _, m := range ready.Members {
		fmt.Fprintf(&b, "  Sign in as %-6s password %s\n", m.Username, m.Password)
	}
	for _, o := range ready.Operators {
		fmt.Fprintf(&b, "\n  To become the first operator of the console, open\n  %s\n", o.SetUp)
	}
	fmt.Fprintln(&b, "\nStop with Ctrl-C.")
	_, _ = io.WriteString(s.o.Out, b.String())
}

var errNoDemo = errors.New("only `standfast demo` may set [demo]")
