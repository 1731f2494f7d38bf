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
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/fault"
)

// DemoOptions are the flags of `standfast demo`.
type DemoOptions struct {
	Listen    string // loopback only
	Data      string // folder; empty keeps nothing
	Database  string // postgres:// URL instead of the folder's SQLite file
	JSON      bool
	NoRestart bool
	Cells     []string
	Edge      bool              // members come through an edge in a process of its own
	Texts     string            // URL of a `standfast sim sms` that carries text messages in the mailbox's place
	Sources   map[string]string // URLs of reference sources of accounts, by name
	Out       io.Writer
	Log       *slog.Logger
}

// Ready is the line that `standfast demo --json` prints once everything answers.
type Ready struct {
	Ready   bool         `json:"ready"`
	Portal  string       `json:"portal"`
	Mailbox string       `json:"mailbox"`
	API     string       `json:"api"`
	Admin   string       `json:"admin"`
	Console string       `json:"console"`
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
	s := &supervisor{o: o, dir: dir, pids: map[string]int{}}
	if err := s.openSockets(); err != nil {
		return err
	}
	defer s.closeSockets()
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
	o                            DemoOptions
	dir                          string
	public, admin, console, mail net.Listener
	edge                         *demoEdge // nil where core answers members itself

	mu   sync.Mutex
	pids map[string]int // of the processes that serve, by name
}

func (s *supervisor) openSockets() (err error) {
	if s.public, err = listen(s.o.Listen); err != nil {
		return err
	}
	if s.admin, err = listen("localhost:0"); err != nil {
		return err
	}
	if s.console, err = listen("localhost:0"); err != nil {
		return err
	}
	if s.o.Edge {
		if s.edge, err = openDemoEdge(); err != nil {
			return err
		}
	}
	s.mail, err = listen("localhost:0")
	return err
}

func (s *supervisor) closeSockets() {
	for _, l := range []net.Listener{s.public, s.admin, s.console, s.mail} {
		if l != nil {
			l.Close()
		}
	}
	if s.edge != nil {
		s.edge.close()
	}
}

// url gives a socket's address with the name localhost: WebAuthn refuses 127.0.0.1.
func (s *supervisor) url(l net.Listener) string {
	return "http://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (s *supervisor) configPath() string { return filepath.Join(s.dir, demoConfig) }

// demoConfig is the configuration file in a demo's folder.
const demoConfig = "demo.toml"

// setUpPath is where core leaves the first operator's link.
func (s *supervisor) setUpPath() string { return filepath.Join(s.dir, "operator-link") }

// operators gives the link that core left, if there is one.
func (s *supervisor) operators() []DemoOperator {
	link, err := os.ReadFile(s.setUpPath())
	if err != nil || len(link) == 0 {
		return nil
	}
	return []DemoOperator{{SetUp: string(link)}}
}

// writeConfig writes the file that core reads; a demo needs nobody to write one.
func (s *supervisor) writeConfig() error {
	c := Defaults()
	c.Cell.PublicURL = s.url(s.public)
	c.Listen = ListenConfig{Public: s.public.Addr().String(), Admin: s.admin.Addr().String()}
	c.Database, c.MasterKey = demoStore(s.dir, s.o.Data, s.o.Database)
	c.Payments.SettleAfter = Duration{3 * time.Second}
	c.Console = ConsoleConfig{PublicURL: s.url(s.console), Listen: s.console.Addr().String()}
	c.Demo = DemoConfig{Mailbox: s.url(s.mail), SetUpFile: s.setUpPath()}
	if err := s.simulatedTexts(&c); err != nil {
		return err
	}
	if err := s.simulatedSources(&c); err != nil {
		return err
	}
	if s.edge != nil {
		s.edge.behind(&c, s.pki())
		if err := errors.Join(s.certify(c.Cell.Name), s.writeEdgeConfig(c)); err != nil {
			return err
		}
	}
	b, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(s.configPath(), b, 0o600)
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
	core := &child{name: "core", args: []string{"core", "--config", s.configPath()}, env: []string{"GOMEMLIMIT=100MiB"},
		sockets: []net.Listener{s.public, s.admin, s.console}, ready: s.url(s.admin) + "/readyz", stays: s.o.NoRestart}
	if s.edge == nil {
		return []*child{core}
	}
	core.sockets = []net.Listener{s.edge.core, s.admin, s.console, s.edge.internal}
	return []*child{core, s.edgeChild()}
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
	ready := Ready{Ready: true, Portal: s.url(s.public) + "/", Mailbox: s.url(s.mail), API: s.url(s.public) + "/api/v1", Admin: s.url(s.admin),
		Console: s.url(s.console) + "/", Operators: s.operators(), Members: demoMembers(), PIDs: pids}
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
