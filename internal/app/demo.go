package app

import (
	"cmp"
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
	Direct    bool   // core answers members itself, without an edge and a stand-in
	Through   string // URL at which the edge reaches core, where something stands between them
	Day       DemoDay
	Texts     string            // URL of a `standfast sim sms` that carries text messages in the mailbox's place
	Sources   map[string]string // URLs of reference sources of accounts, by name
	Out       io.Writer
	Log       *slog.Logger
}

// DemoDay is when the business day of a demo's cells ends, where it is not as each
// cell has it: for game days, on which it ends while something is broken.
type DemoDay struct {
	TimeZone string // IANA name; "" is the cell's own
	CutOff   string // HH:MM there; "" is the usual one
}

// Ready is the line that `standfast demo --json` prints once everything answers.
// What it says itself of a cell is the first one's.
type Ready struct {
	Ready bool `json:"ready"`
	ReadyCell
	Mailbox string         `json:"mailbox"`
	Edge    string         `json:"edge,omitempty"` // the edge's admin listener; "" without an edge
	PIDs    map[string]int `json:"pids"`           // "edge", "core" and "standin"; of several cells "us/core" and so on
	Cells   []ReadyCell    `json:"cells"`
}

// ReadyCell is where one cell answers. Admin and StandIn are the admin listeners
// of its core and its stand-in; the latter is empty where there is none.
type ReadyCell struct {
	Name    string       `json:"name,omitempty"`
	Portal  string       `json:"portal"`
	API     string       `json:"api"`
	Admin   string       `json:"admin"`
	Console string       `json:"console"`
	StandIn string       `json:"standin,omitempty"`
	Members []DemoMember `json:"members"`
	// Operators can be made while there is none.
	Operators []DemoOperator `json:"operators,omitempty"`
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
	if err := errors.Join(o.checkCells(), loopbackOnly(o.Listen)); err != nil {
		return err
	}
	dir, cleanup, err := demoFolder(o.Data)
	if err != nil {
		return err
	}
	defer cleanup()
	s := &supervisor{o: o, dir: dir, pids: map[string]int{}}
	if s.cells, err = o.castCells(dir); err != nil {
		return err
	}
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
	cells        []*demoCell // at least one

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
	err = s.edge.open()
	for _, c := range s.cells {
		err = errors.Join(err, c.open())
	}
	return err
}

func (s *supervisor) closeSockets() {
	closeAll(&s.public, &s.mail)
	s.edge.close()
	for _, c := range s.cells {
		c.close()
	}
}

// writeConfig writes the files that the processes read; a demo needs nobody to
// write one.
func (s *supervisor) writeConfig() error {
	if !s.o.Direct {
		if err := s.certify(); err != nil {
			return err
		}
	}
	var all []Config
	for _, cell := range s.cells {
		c, err := s.cellConfig(cell)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	if s.o.Direct {
		return nil
	}
	return s.writeEdgeConfig(all)
}

// cellConfig writes what a cell's core and stand-in read, and gives core's.
func (s *supervisor) cellConfig(cell *demoCell) (Config, error) {
	c := Defaults()
	c.Cell = CellUnder(cell.name)
	c.Cell.PublicURL, c.Regions = s.publicURL(cell), s.regions()
	c.Listen = ListenConfig{Public: cell.core.door.Addr().String(), Admin: cell.core.admin.Addr().String()}
	c.Database, c.MasterKey = cell.database, cell.key
	c.Payments.SettleAfter = Duration{3 * time.Second}
	c.Cell.TimeZone, c.Payments.CutOff = cmp.Or(s.o.Day.TimeZone, c.Cell.TimeZone), cmp.Or(s.o.Day.CutOff, c.Payments.CutOff)
	c.Console = ConsoleConfig{PublicURL: localURL(cell.core.console), Listen: cell.core.console.Addr().String()}
	c.Demo = DemoConfig{Mailbox: localURL(s.mail), SetUpFile: cell.setUpPath()}
	if err := errors.Join(s.simulatedTexts(cell, &c), s.simulatedSources(&c)); err != nil {
		return c, err
	}
	if s.o.Direct {
		c.Listen.Public = s.public.Addr().String()
	} else {
		c.Internal = cell.inside(cell.core.internal, pki.Core)
		c.Edge = ConsoleEdgeConfig{URL: insideURL(s.edge.internal), Certificate: pki.CertificateFile(cell.pki(), pki.Console), Key: pki.KeyFile(cell.pki(), pki.Console)}
		if err := cell.follow(&c); err != nil {
			return c, err
		}
	}
	return c, writeTOML(filepath.Join(cell.dir, demoConfig), c)
}

// simulatedTexts has text messages go through the reference gateway, with the
// credential and the key that it has by itself.
func (s *supervisor) simulatedTexts(cell *demoCell, c *Config) error {
	if s.o.Texts == "" {
		return nil
	}
	for name, contents := range map[string]string{"text.secret": "Bearer " + SimToken, "text-receipts.secret": SimSecret} {
		if err := os.WriteFile(filepath.Join(cell.dir, name), []byte(contents), 0o600); err != nil {
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
	behind, last := context.WithCancel(context.WithoutCancel(ctx))
	defer last()
	for i, c := range children {
		front := i == len(children)-1 // members are turned to what is behind it until it has gone
		go func() {
			if !front {
				ended <- c.keep(behind, s.o.Log, log, s.started(c.name, serving))
				return
			}
			defer last()
			ended <- c.keep(ctx, s.o.Log, log, s.started(c.name, serving))
		}()
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

// children gives the processes of the demo: last the one that members reach.
func (s *supervisor) children() []*child {
	if s.o.Direct {
		core := s.cells[0].children(s.o.NoRestart)[0]
		core.sockets = []net.Listener{s.public, s.cells[0].core.admin, s.cells[0].core.console}
		return []*child{core}
	}
	var list []*child
	for _, c := range s.cells {
		list = append(list, c.children(s.o.NoRestart)...)
	}
	return append(list, s.edgeChild())
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
	ready := s.readiness(pids)
	if s.o.JSON {
		_ = json.NewEncoder(s.o.Out).Encode(ready)
		return
	}
	var b strings.Builder
	fmt.Fprint(&b, "Standfast is running.\n")
	for _, c := range ready.Cells {
		c.tell(&b, ready.Mailbox, len(ready.Cells) > 1)
	}
	if len(ready.Cells) > 1 {
		fmt.Fprintf(&b, "\n  All regions      %s\n", localURL(s.public)+"/")
	}
	fmt.Fprintln(&b, "\nStop with Ctrl-C.")
	_, _ = io.WriteString(s.o.Out, b.String())
}

// readiness says where everything answers; of several cells the first one's is on
// the outside, as if it were the only one.
func (s *supervisor) readiness(pids map[string]int) Ready {
	r := Ready{Ready: true, Mailbox: localURL(s.mail), PIDs: pids}
	for _, c := range s.cells {
		r.Cells = append(r.Cells, s.readyCell(c))
	}
	r.ReadyCell = r.Cells[0]
	r.Name = ""
	if !s.o.Direct {
		r.Edge = localURL(s.edge.admin)
	}
	return r
}

var errNoDemo = errors.New("only `standfast demo` may set [demo]")
