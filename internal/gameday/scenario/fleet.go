package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/app"
	"standfast/internal/gameday/fault"
	"standfast/internal/masterkey"
	"standfast/internal/pki"
)

// Places of the two builds of core.
const (
	placeA = "a"
	placeB = "b"
)

// fleet is a cell as operators run one: an edge, places for two builds of core on
// one database, and a stand-in, each a process of its own. Nothing in it is a demo.
type fleet struct {
	Options
	dir      string
	cell     app.CellConfig
	public   net.Listener // of the edge, whichever process answers it
	plain    net.Listener // held by nobody else: the edge's internal one
	edge     *process
	builds   map[string]*process
	webs     map[string]*fault.Web // before the builds where they shall go wrong
	standin  *process
	log      *tail
	step     time.Duration // of a rollout; 0 for the edge's own
	operator *http.Client
	visitors []*Member
}

// openFleet makes the folders, keys and certificates, casts the visitors, and
// starts the first build, the stand-in and the edge.
func openFleet(ctx context.Context, o Options, step time.Duration) (f *fleet, err error) {
	f = &fleet{Options: o, builds: map[string]*process{}, webs: map[string]*fault.Web{}, log: &tail{to: o.Log}, step: step}
	if f.Program == "" {
		if f.Program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	if f.dir, err = os.MkdirTemp("", "standfast-fleet-"); err != nil {
		return nil, err
	}
	if err := f.open(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *fleet) open(ctx context.Context) error {
	if f.Database == "" {
		f.Database = filepath.Join(f.dir, "core.db")
	}
	held, err := hold(2)
	if err != nil {
		return err
	}
	f.public, f.plain = held[0], held[1]
	f.cell = app.Defaults().Cell
	f.cell.PublicURL = "http://localhost:" + portOf(f.public)
	if err := errors.Join(pki.Create(f.pki(), f.cell.Name), makeKey(f.key())); err != nil {
		return err
	}
	if err := f.castVisitors(ctx); err != nil {
		return fmt.Errorf("the members could not be made: %w", err)
	}
	return f.startAll(ctx)
}

func makeKey(path string) error {
	_, err := masterkey.Create(path)
	return err
}

// startAll starts what is there before a release.
func (f *fleet) startAll(ctx context.Context) error {
	for _, place := range []string{placeA, placeB} {
		if err := f.place(place); err != nil {
			return err
		}
	}
	if err := errors.Join(f.writeStandIn(ctx), f.letIn()); err != nil {
		return err
	}
	if err := f.startBuild(ctx, placeA, "release 1"); err != nil {
		return err
	}
	if err := f.standin.start(ctx, f.Program, f.log); err != nil {
		return fmt.Errorf("%w\n%s", err, f.log)
	}
	return f.startEdge(ctx)
}

func (f *fleet) pki() string { return filepath.Join(f.dir, "pki") }
func (f *fleet) key() string { return filepath.Join(f.dir, "master.key") }

// certificate is how a process takes part between the processes.
func (f *fleet) certificate(role pki.Role) (ca, cert, key string) {
	return filepath.Join(f.pki(), pki.AuthorityFile), pki.CertificateFile(f.pki(), role), pki.KeyFile(f.pki(), role)
}

// place makes the sockets of a build, and the proxy in which it can go wrong.
func (f *fleet) place(name string) error {
	held, err := hold(3)
	if err != nil {
		return err
	}
	f.builds[name] = &process{name: "core " + name, names: []string{"public", "admin", "internal"}, sockets: held,
		args: []string{"core", "--config", filepath.Join(f.dir, name, "core.toml")}, ready: "http://" + held[1].Addr().String() + "/readyz"}
	ca, cert, key := f.certificate(pki.Core)
	taking, err := pki.Server(ca, cert, key, pki.Edge)
	if err != nil {
		return err
	}
	ca, cert, key = f.certificate(pki.Edge)
	making, err := pki.Client(ca, cert, key, f.cell.Name, pki.Core)
	if err != nil {
		return err
	}
	f.webs[name], err = fault.NewWeb("https://"+held[2].Addr().String(), fault.Encryption{Taking: taking, Making: making})
	return err
}

// startBuild starts a release in a place and waits until it is ready.
func (f *fleet) startBuild(ctx context.Context, place, release string) error {
	c := app.Defaults()
	p := f.builds[place]
	c.Cell, c.Database, c.MasterKey = f.cell, f.Database, f.key()
	c.Listen = app.ListenConfig{Public: p.sockets[0].Addr().String(), Admin: p.sockets[1].Addr().String()}
	ca, cert, key := f.certificate(pki.Core)
	c.Internal = app.InternalConfig{Listen: p.sockets[2].Addr().String(), CA: ca, Certificate: cert, Key: key, Build: release, Linger: c.Internal.Linger}
	c.Offline.Folder = filepath.Join(f.dir, place, "offline")
	c.Payments.SettleAfter = app.Duration{Duration: 3 * time.Second}
	if err := errors.Join(f.guest(&c), os.MkdirAll(filepath.Join(f.dir, place), 0o700), f.write(filepath.Join(place, "core.toml"), c)); err != nil {
		return err
	}
	if err := p.start(ctx, f.Program, f.log); err != nil {
		return fmt.Errorf("%w\n%s", err, f.log)
	}
	return nil
}

func (f *fleet) write(name string, conf any) error {
	b, err := toml.Marshal(conf)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.dir, name), b, 0o600)
}

func (f *fleet) standinFile(name string) string { return filepath.Join(f.dir, "standin", name) }

// writeStandIn writes the stand-in's file and has it make its keys. It follows the
// first build: whichever runs there has the same feed.
func (f *fleet) writeStandIn(ctx context.Context) error {
	held, err := hold(2)
	if err != nil {
		return err
	}
	f.standin = &process{name: "standin", names: []string{"internal", "admin"}, sockets: held,
		args: []string{"standin", "--config", f.standinFile("standin.toml")}, ready: "http://" + held[1].Addr().String() + "/healthz"}
	master, err := masterkey.Load(f.key())
	if err != nil {
		return err
	}
	ca, cert, key := f.certificate(pki.StandIn)
	conf := map[string]any{"store": f.standinFile("standin.db"), "keys": f.standinFile("standin.key"), "cell": f.cell,
		"listen":   map[string]any{"admin": held[1].Addr().String()},
		"internal": map[string]any{"listen": held[0].Addr().String(), "ca": ca, "certificate": cert, "key": key, "build": "release 0"},
		"core":     map[string]any{"url": "https://" + f.builds[placeA].sockets[2].Addr().String(), "also": []string{"https://" + f.builds[placeB].sockets[2].Addr().String()}, "feed_key": app.FeedKey(master)}}
	if err := errors.Join(os.MkdirAll(filepath.Join(f.dir, "standin"), 0o700), f.write("standin/standin.toml", conf)); err != nil {
		return err
	}
	return f.makeStandinKeys(ctx)
}

// newEdge writes an edge's file, with an admin listener of its own beside the
// public one that all edges of the fleet take over.
func (f *fleet) newEdge() (*process, error) {
	held, err := hold(1)
	if err != nil {
		return nil, err
	}
	c := app.EdgeDefaults()
	c.Limits.PerClient = 0 // the whole crowd comes from this machine
	c.Store = filepath.Join(f.dir, "edge.db")
	c.Listen = app.EdgeListenConfig{Public: f.public.Addr().String(), Admin: held[0].Addr().String(), Linger: app.Duration{Duration: 2 * time.Second}}
	ca, cert, key := f.certificate(pki.Edge)
	c.Internal = app.EdgeInternalConfig{Listen: f.plain.Addr().String(), CA: ca, Certificate: cert, Key: key}
	c.Rollout.Step, c.Rollout.Idle = app.Duration{Duration: f.step}, app.Duration{Duration: f.step}
	c.Cells = []app.EdgeCellConfig{{Name: f.cell.Name, Hosts: []string{"localhost"}, Telephone: f.cell.Telephone, Brand: "Standfast", Locales: f.cell.Locales,
		Builds:  []app.EdgeBuildConfig{{Name: placeA, URL: f.webs[placeA].URL()}, {Name: placeB, URL: f.webs[placeB].URL()}},
		Standin: app.EdgeStandinConfig{URL: "https://" + f.standin.sockets[0].Addr().String()}}}
	path := fmt.Sprintf("edge-%s.toml", portOf(held[0]))
	p := &process{name: "edge", names: []string{"public", "internal", "admin"}, sockets: []net.Listener{f.public, f.plain, held[0]},
		args: []string{"edge", "--config", filepath.Join(f.dir, path)}, ready: "http://" + held[0].Addr().String() + "/readyz"}
	return p, f.write(path, c)
}

func (f *fleet) startEdge(ctx context.Context) (err error) {
	if f.edge, err = f.newEdge(); err != nil {
		return err
	}
	ca, cert, key := f.certificate(pki.Operator)
	conf, err := pki.Client(ca, cert, key, pki.AnyCell, pki.Edge)
	if err != nil {
		return err
	}
	f.operator = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: conf}}
	if err := f.edge.start(ctx, f.Program, f.log); err != nil {
		return fmt.Errorf("%w\n%s", err, f.log)
	}
	return nil
}

// replaceEdge starts another edge on the same socket and then stops the first:
// at no moment does nobody answer.
func (f *fleet) replaceEdge(ctx context.Context) error {
	next, err := f.newEdge()
	if err != nil {
		return err
	}
	if err := next.start(ctx, f.Program, f.log); err != nil {
		return err
	}
	old := f.edge
	f.edge = next
	return old.stop()
}

// routed is what the edge says of the cell.
type routed struct {
	Cells []struct {
		Processes []struct {
			Side     string
			Build    string
			Says     string
			Ready    bool
			Share    int
			Drained  bool
			InFlight int `json:"in_flight"`
		}
	}
	Decisions []struct {
		At      time.Time
		Kind    string
		Journey string
		Build   string
		Share   int
		Cause   string
	}
}

// share has a build get its members.
func (f *fleet) share(ctx context.Context, build string, share int, reason string) error {
	body, err := json.Marshal(map[string]any{"cell": f.cell.Name, "build": build, "share": share, "who": "game day", "reason": reason})
	if err != nil {
		return err
	}
	_, err = f.tell(ctx, http.MethodPost, "/edge/v1/shares", body)
	return err
}

// tell calls the edge as an operator.
func (f *fleet) tell(ctx context.Context, method, path string, body []byte) (r routed, err error) {
	q, err := http.NewRequestWithContext(ctx, method, "https://"+f.plain.Addr().String()+path, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	q.Header.Set("Content-Type", "application/json")
	a, err := f.operator.Do(q)
	if err != nil {
		return r, err
	}
	defer a.Body.Close()
	said, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil || a.StatusCode != http.StatusOK {
		return r, fmt.Errorf("the edge says %s: %s %w", a.Status, said, err)
	}
	return r, json.Unmarshal(said, &r)
}

func (f *fleet) close() error {
	var err error
	for _, p := range []*process{f.edge, f.standin, f.builds[placeA], f.builds[placeB]} {
		if p != nil {
			err = errors.Join(err, p.leave())
		}
	}
	for _, w := range f.webs {
		if w != nil {
			err = errors.Join(err, w.Close())
		}
	}
	return errors.Join(err, os.RemoveAll(f.dir))
}

func portOf(l net.Listener) string {
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	return port
}

// rooms opens core's rooms in this process, for what no member can do.
func (f *fleet) rooms(ctx context.Context) (*app.Rooms, error) {
	c := app.Defaults()
	c.Cell, c.Database, c.MasterKey = f.cell, f.Database, f.key()
	return app.Open(ctx, c, slog.New(slog.NewTextHandler(f.log, nil)))
}
