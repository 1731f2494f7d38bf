package app

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/pki"
)

// demoCell is one cell of a demo: its core and its stand-in, each with sockets
// that the supervisor holds, in a folder of the cell's own.
type demoCell struct {
	name     string // of the cell, and of its rules
	host     string // that members type
	prefix   string // of its processes' names, as "gb/"; empty where it is the only cell
	dir      string
	database string // postgres:// URL or path
	key      string // path of the master key, or the demo's
	core     coreSockets
	standin  standinSockets
}

// coreSockets are where a demo's core answers. door is its own public listener,
// which nobody is told of where an edge stands before it.
type coreSockets struct{ door, admin, console, internal net.Listener }

// standinSockets are where a demo's stand-in answers.
type standinSockets struct{ internal, admin net.Listener }

// Files in a cell's folder.
const (
	demoConfig    = "demo.toml" // core's configuration
	standinConfig = "standin.toml"
	standinKeys   = "standin.key"
	standinStore  = "standin.db"
)

// demoLinger is how long a demo's process still serves while it says that it goes.
const demoLinger = 200 * time.Millisecond

func (c *demoCell) listeners() []*net.Listener {
	return []*net.Listener{&c.core.door, &c.core.admin, &c.core.console, &c.core.internal, &c.standin.internal, &c.standin.admin}
}

func (c *demoCell) open() error { return openAll(c.listeners()...) }

func (c *demoCell) close() { closeAll(c.listeners()...) }

// openAll opens sockets on ports that are free.
func openAll(to ...*net.Listener) error {
	for _, l := range to {
		var err error
		if *l, err = listen("localhost:0"); err != nil {
			return err
		}
	}
	return nil
}

func closeAll(list ...*net.Listener) {
	for _, l := range list {
		if *l != nil {
			(*l).Close()
		}
	}
}

func (c *demoCell) pki() string { return filepath.Join(c.dir, "pki") }

// setUpPath is where core leaves the first operator's link.
func (c *demoCell) setUpPath() string { return filepath.Join(c.dir, "operator-link") }

// operators gives the link that core left, if there is one.
func (c *demoCell) operators() []DemoOperator {
	link, err := os.ReadFile(c.setUpPath())
	if err != nil || len(link) == 0 {
		return nil
	}
	return []DemoOperator{{SetUp: string(link)}}
}

// inside is how a process of the role takes part between the processes.
func (c *demoCell) inside(l net.Listener, role pki.Role) InternalConfig {
	return InternalConfig{Listen: l.Addr().String(), CA: filepath.Join(c.pki(), pki.AuthorityFile),
		Certificate: pki.CertificateFile(c.pki(), role), Key: pki.KeyFile(c.pki(), role), Linger: Duration{demoLinger}}
}

// follow gives core's file what it must know of its stand-in, and writes the file
// of a stand-in that follows it.
func (c *demoCell) follow(core *Config) error {
	conf := standInDefaults()
	conf.Cell, conf.Store, conf.Keys = core.Cell, filepath.Join(c.dir, standinStore), filepath.Join(c.dir, standinKeys)
	conf.Listen.Admin, conf.Internal = c.standin.admin.Addr().String(), c.inside(c.standin.internal, pki.StandIn)
	conf.SignIn = StandInFileSignIn{Idle: core.SignIn.Idle, Max: core.SignIn.Max}
	conf.Payments = StandInFilePayments{CutOff: core.Payments.CutOff, StepUpAbove: core.Payments.StepUpAbove}
	master, err := Target{Data: c.dir, MasterKey: c.existingKey()}.loadKey()
	if err != nil {
		return err
	}
	conf.Core = StandInFileCore{URL: insideURL(c.core.internal), FeedKey: FeedKey(master)}
	keys, err := loadStandInKeys(conf, io.Discard)
	if err != nil {
		return err
	}
	if err := toml.Unmarshal([]byte(keys.Public()), &core.StandIn); err != nil {
		return err
	}
	return writeTOML(filepath.Join(c.dir, standinConfig), conf)
}

// existingKey is the master key's path as loadKey takes it: one in the cell's own
// folder is made where it is missing.
func (c *demoCell) existingKey() string {
	if c.key == filepath.Join(c.dir, keyFile) {
		return ""
	}
	return c.key
}

func insideURL(l net.Listener) string { return "https://localhost:" + port(l) }

func writeTOML(path string, conf any) error {
	b, err := toml.Marshal(conf)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// children gives the cell's processes.
func (c *demoCell) children(stays bool) []*child {
	core := &child{name: c.prefix + "core", args: []string{"core", "--config", filepath.Join(c.dir, demoConfig)}, env: []string{"GOMEMLIMIT=100MiB"},
		sockets: []net.Listener{c.core.door, c.core.admin, c.core.console, c.core.internal}, ready: localURL(c.core.admin) + "/readyz", stays: stays}
	// The stand-in serves once it has heard of core's data: that it lives is enough here.
	standin := &child{name: c.prefix + "standin", args: []string{"standin", "--config", filepath.Join(c.dir, standinConfig)}, env: []string{"GOMEMLIMIT=60MiB"},
		sockets: []net.Listener{c.standin.internal, c.standin.admin}, ready: localURL(c.standin.admin) + "/healthz", stays: stays}
	return []*child{core, standin}
}
