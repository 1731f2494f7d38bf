package scenario

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"standfast/internal/app"
	"standfast/internal/gameday/fault"
	"standfast/internal/masterkey"
)

// cells are several cells behind one edge, each with members of its own.
type cells struct {
	*Stage
	list []*cell
}

// cell is one of them.
type cell struct {
	home
	members []*Member
	dir     string // of its databases and keys
	core    int    // process ids
	standin int
}

// openCells makes each cell's database with members, and starts all cells, which
// stay dead when they die.
func openCells(ctx context.Context, o Options) (c *cells, err error) {
	dir, err := os.MkdirTemp("", "standfast-gameday-")
	if err != nil {
		return nil, err
	}
	c = &cells{Stage: &Stage{Options: o, dir: dir, log: &tail{to: o.Log}}}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// open gives each cell its part of the members, two at least.
func (c *cells) open(ctx context.Context) error {
	people := map[string][]person{}
	var names []string
	n := max(2, c.Options.Members/len(homes()))
	for _, h := range homes() {
		list, err := c.castHome(ctx, h, n)
		if err != nil {
			return fmt.Errorf("the members of %s could not be made: %w", h.cell, err)
		}
		people[h.cell], names = list, append(names, h.cell)
	}
	if err := c.launch(ctx, []string{"demo", "--json", "--no-restart", "--listen", "localhost:0", "--data", c.dir, "--cells", strings.Join(names, ",")}); err != nil {
		return err
	}
	for i, h := range homes() {
		c.list = append(c.list, c.cell(h, c.ready.Cells[i], people[h.cell]))
	}
	return nil
}

// castHome makes the members of a cell, past any fault.
func (c *cells) castHome(ctx context.Context, h home, n int) ([]person, error) {
	dir := filepath.Join(c.dir, h.cell)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	conf := app.Defaults()
	conf.Cell = app.CellUnder(h.cell)
	conf.Cell.PublicURL, conf.Database, conf.MasterKey = "http://localhost", filepath.Join(dir, "core.db"), filepath.Join(dir, "master.key")
	if _, err := masterkey.Create(conf.MasterKey); err != nil {
		return nil, err
	}
	rooms, err := app.Open(ctx, conf, slog.New(slog.NewTextHandler(c.log, nil)))
	if err != nil {
		return nil, err
	}
	defer rooms.Close()
	return castMembers(ctx, rooms, h, casting{members: n})
}

func (c *cells) cell(h home, r app.ReadyCell, people []person) *cell {
	made := &cell{home: h, dir: filepath.Join(c.dir, h.cell), core: c.ready.PIDs[h.cell+"/core"], standin: c.ready.PIDs[h.cell+"/standin"]}
	for _, p := range people {
		m := newMember(strings.TrimSuffix(r.Portal, "/"), c.ready.Mailbox, nil, p)
		m.way = byLocalhost()
		m.freshBrowser()
		m.http.Timeout = beyondEdge
		made.members = append(made.members, m)
	}
	return made
}

// beyondEdge is more than the edge takes for one request (30 s): what was sent to a
// cell that hangs, and cannot be repeated, is answered by then.
const beyondEdge = 40 * time.Second

// byLocalhost finds names under localhost on this machine, as browsers do
// (RFC 6761 section 6.3), whatever the machine's resolver thinks of them.
func byLocalhost() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dial := (&net.Dialer{}).DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, ".localhost") {
			addr = net.JoinHostPort("localhost", port)
		}
		return dial(ctx, network, addr)
	}
	return t
}

// halt stops both processes as they are; wake lets them go on.
func (c *cell) halt() error { return errors.Join(fault.Stop(c.core), fault.Stop(c.standin)) }
func (c *cell) wake() error { return errors.Join(fault.Continue(c.core), fault.Continue(c.standin)) }

// destroy kills both processes and deletes what they have stored.
func (c *cell) destroy() error {
	if err := errors.Join(fault.Kill(c.core), fault.Kill(c.standin)); err != nil {
		return err
	}
	stored, err := filepath.Glob(filepath.Join(c.dir, "*.db*"))
	if err == nil && len(stored) < 2 {
		err = fmt.Errorf("%s has no databases to lose", c.dir)
	}
	for _, path := range stored {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
