package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/thejerf/suture/v4"

	"standfast/internal/core/account"
	"standfast/internal/core/advice"
	"standfast/internal/core/api"
	"standfast/internal/core/audit"
	"standfast/internal/core/breached"
	"standfast/internal/core/feed"
	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/ledger"
	"standfast/internal/core/locator"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/outbox"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal"
	"standfast/internal/core/replica"
	"standfast/internal/core/signin"
	"standfast/internal/core/spool"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/overload"
	"standfast/internal/text"
)

// envDemo marks a process that the demo's supervisor started: only there the
// configuration may name a mailbox, and demo members are seeded.
const envDemo = "STANDFAST_DEMO"

// DemoMark is the same as an entry of an environment, for game days that start a
// process of a demo again which its supervisor leaves dead.
const DemoMark = envDemo + "=1"

// Rooms are the wired rooms of a core process; main, the bench and the
// end-to-end tests share them.
type Rooms struct {
	DB          *db.DB
	Key         *masterkey.Key
	Texts       *text.Catalogue
	Jobs        *jobs.Jobs
	Notify      *notify.Notifier
	Members     *member.Store
	SignIn      *signin.Service
	Ledger      *ledger.Ledger
	Accounts    *account.Service
	Instruments *instrument.Service
	Payments    *payment.Service
	Locator     *locator.Store
	Sequencer   *outbox.Sequencer
	Gate        *overload.Gate
	Feed        *feed.Service
	Advice      *advice.Service
	Later       *spool.Spool     // nil in commands that serve nobody, as the next
	Replica     *replica.Replica // of what signing in needs
	Handler     http.Handler
	Staff       *staff.Service // nil without a console
	Console     http.Handler   // nil without a console
	breached    *breached.List // nil without a file
	log         *slog.Logger
}

// Core runs the core process until ctx ends.
func Core(ctx context.Context, configPath string, logTo io.Writer) error {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	c.Offline.serves = true
	if c.Demo != (DemoConfig{}) && os.Getenv(envDemo) == "" {
		return fault.Wrap(fault.Invalid, "config.demo", "[demo] belongs to `standfast demo`.", errNoDemo)
	}
	log := slog.New(slog.NewJSONHandler(logTo, nil))
	at, err := listeners(c)
	if err != nil {
		return err
	}
	defer at.close()
	tele, err := startTelemetry(ctx, c)
	if err != nil {
		return err
	}
	defer tele.stop(log)
	health := &health{}
	adminDone := make(chan error, 1)
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	go func() { adminDone <- serve(adminCtx, newServer(health.handler(tele)), at.admin, TLSConfig{}) }()

	rooms, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	defer rooms.Close()
	if c.Demo.Mailbox != "" {
		if err := SeedDemo(ctx, rooms, c); err != nil {
			return err
		}
	}
	if err := rooms.announceSetUp(ctx, c); err != nil {
		return err
	}
	return rooms.run(ctx, c, health, at, tele)
}

// run serves until ctx ends: first readiness goes, then requests finish, then
// the loops stop, so that nothing accepted is lost.
func (r *Rooms) run(ctx context.Context, c Config, h *health, at sockets, tele *telemetry) error {
	loops, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoops()
	looping := r.background().ServeBackground(loops)
	if err := r.Jobs.Start(loops); err != nil {
		return err
	}
	if err := tele.observe(r); err != nil {
		return err
	}
	serving, done, other, err := r.open(ctx, c, h, at, tele)
	if err != nil {
		return err
	}
	defer done()
	h.set(r.DB)
	watch := watchedBy()
	watch.serves(serving, at.admin.Addr())
	defer context.AfterFunc(ctx, func() { watch.say("STOPPING=1") })()
	err = r.serveAll(serving, at, tele.wrap(r.Handler), other, c.TLS)
	h.set(nil)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err = errors.Join(err, r.Jobs.Stop(stop), r.Accounts.Flush(stop))
	stopLoops()
	if e := <-looping; e != nil && !errors.Is(e, context.Canceled) {
		err = errors.Join(err, e)
	}
	return err
}

// open gives the server for the cell's other processes, where one is configured,
// and until when to serve: a core that others send members to says first that it
// goes, and goes a little later.
func (r *Rooms) open(ctx context.Context, c Config, h *health, at sockets, tele *telemetry) (context.Context, func(), *http.Server, error) {
	if at.internal == nil {
		return ctx, func() {}, nil, nil
	}
	other, err := internalServer(c.Internal, partingWith(r.newInternal(c, h, tele).handler(), h.stopping), r.log)
	if err != nil {
		return nil, nil, nil, err
	}
	serving, done := lingering(ctx, c.Internal.Linger.Duration, func() { h.set(nil) })
	return serving, done, other, nil
}

// background gives the supervised loops of a core; one that fails is started again.
func (r *Rooms) background() *suture.Supervisor {
	s := suture.New("core", suture.Spec{EventHook: func(e suture.Event) { r.log.Error("background loop", "event", e.String()) }})
	for name, run := range map[string]func(context.Context) error{
		"database": r.DB.Watch, "sequencer": r.Sequencer.Run, "sign-in": r.SignIn.Run, "ledger": r.Ledger.Run, "payments": r.Payments.Run,
		"gate": r.Gate.Run, "feed": r.Feed.Run, "later": r.runLater, "replica": r.runReplica,
	} {
		s.Add(loop{name, run})
	}
	if r.breached != nil {
		s.Add(loop{"breached passwords", r.breached.Run})
	}
	return s
}

type loop struct {
	name string
	run  func(context.Context) error
}

func (l loop) Serve(ctx context.Context) error { return l.run(ctx) }
func (l loop) String() string                  { return l.name }

// Open opens the database, brings its schema up and wires the rooms. Nothing
// runs yet.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Rooms, error) {
	key, err := openKey(c.MasterKey)
	if err != nil {
		return nil, err
	}
	return openWith(ctx, c, key, log, signin.New)
}

// signInMaker makes the sign-in: signin.New, or for commands that sign nobody in
// signin.Offline.
type signInMaker func(*db.DB, *member.Store, *notify.Notifier, signin.Sealer, signin.Config) (*signin.Service, error)

func openWith(ctx context.Context, c Config, key *masterkey.Key, log *slog.Logger, makeSignIn signInMaker) (*Rooms, error) {
	texts, err := text.Load()
	if err != nil {
		return nil, err
	}
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	r := &Rooms{DB: d, Key: key, Texts: texts.Among(c.Cell.Locales), log: log, Members: member.New(d), Locator: locator.New(d)}
	if err := r.wire(c, makeSignIn); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// openDatabase opens and migrates.
func openDatabase(ctx context.Context, target string) (*db.DB, error) {
	d, err := db.Open(ctx, target, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Migrate(ctx), jobs.Migrate(ctx, d)); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// brand is the name that members know.
const brand = "Standfast"

// demoKey in place of a path names the demo's fixed key.
const demoKey = "demo:"

func openKey(path string) (*masterkey.Key, error) {
	if path == demoKey && os.Getenv(envDemo) != "" {
		return masterkey.Demo(), nil
	}
	key, err := masterkey.Load(path)
	if errors.Is(err, os.ErrNotExist) && os.Getenv(envDemo) != "" {
		return masterkey.Create(path)
	}
	if err == nil && key.IsDemo() && os.Getenv(envDemo) == "" {
		return nil, fault.New(fault.Invalid, "config.master_key", path+" holds the published key of demos. Make one of your own with `standfast init`.")
	}
	return key, err
}

// Close closes the database, and what waits for it.
func (r *Rooms) Close() error { return errors.Join(r.closeOffline(), r.closeBreached(), r.DB.Close()) }

func (r *Rooms) wire(c Config, makeSignIn signInMaker) error {
	cell, err := newCell(c)
	if err != nil {
		return err
	}
	r.Jobs = jobs.New(r.DB, r.log)
	senders, err := newSenders(c)
	if err != nil {
		return err
	}
	r.Notify = notify.New(r.DB, r.Jobs, r.Texts, r.Key, senders,
		notify.In(notify.Cell{Brand: brand, Telephone: c.Cell.Telephone, Host: cell.host, Zone: cell.zone}), notify.Within(c.tariff()))
	if err := r.openOffline(c.Offline); err != nil {
		return err
	}
	places, err := loadPlaces(c.Places)
	if err != nil {
		return err
	}
	stolen, err := r.openBreached(c.SignIn)
	if err != nil {
		return err
	}
	guests, err := c.StandIn.guests()
	if err != nil {
		return err
	}
	if r.SignIn, err = makeSignIn(r.DB, r.Members, r.Notify, r.Key, signin.Config{Cell: c.Cell.Name, Brand: brand, SessionIdle: c.rest(),
		SessionMax: c.SignIn.Max.Duration, DeviceTrust: c.SignIn.DeviceTrust.Duration, DeviceNeedsKey: c.Cell.Rules != "us", CodeEvery: c.codeEvery(), Place: places.Of, Passkeys: r.newPasskeys(cell), Replica: r.Replica, Later: r.Later,
		ContactDelay: c.SignIn.ContactDelay.Duration, StopLink: stopLink(c.Cell.PublicURL),
		Breached: stolen, Guests: guests, NoEmailCode: c.Cell.Rules != "us", Jobs: r.Jobs, Landing: r.lands, Holdings: holdings{r}, HashApart: c.hashApart(), CodesPerSecond: c.Messages.CodesPerSecond, StopAssisted: stopPage(c.Cell.PublicURL)}); err != nil {
		return err
	}
	r.Ledger = ledger.New(r.DB, ledger.Options{Log: r.log})
	sources, err := newSources(c, r.Ledger)
	if err != nil {
		return err
	}
	r.Accounts = account.New(r.DB, r.Ledger, r.Members, sources, account.Config{Zone: cell.zone, Later: r.Later, Log: r.log})
	if err := r.wirePayments(c, cell); err != nil {
		return err
	}
	if r.Feed, err = r.newFeed(c); err != nil {
		return err
	}
	r.Advice = advice.New(r.DB, r.Payments, r.Accounts, r.SignIn, r.Jobs, r.log)
	r.Sequencer = outbox.NewSequencer(r.DB, r.log, outbox.Table, audit.Table, ledger.Batches)
	receipts, err := newReceipts(c, r.Notify)
	if err != nil {
		return err
	}
	r.Gate = overload.New(overload.Limits{})
	r.Handler = r.handler(cell, receipts)
	return r.wireConsole(c, cell)
}

// handler gives the API below /api/, gateways' receipts, and the members' pages elsewhere.
func (r *Rooms) handler(cell cell, receipts http.Handler) http.Handler {
	calls := api.New(api.Services{Members: r.Members, SignIn: r.SignIn, Accounts: r.Accounts, Instruments: r.Instruments,
		Payments: r.Payments, Locator: r.Locator, Cookies: cell.cookies(), Health: r.state, Gate: r.Gate, Log: r.log,
		Cell: api.Cell{Currency: cell.Currency, PublicURL: cell.PublicURL, Zone: cell.zone}})
	pages := portal.New(portal.Services{Members: r.Members, SignIn: r.SignIn, Accounts: r.Accounts, Instruments: r.Instruments,
		Payments: r.Payments, Texts: r.Texts, Cookies: cell.cookies(), Gate: r.Gate, Log: r.log,
		Cell: portal.Cell{Name: brand, Telephone: cell.Telephone, Currency: cell.Currency, Zone: cell.zone, PublicURL: cell.PublicURL, Secure: cell.secure, Regions: cell.regions}})
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch {
		case strings.HasPrefix(q.URL.Path, api.Prefix):
			calls.ServeHTTP(w, q)
		case strings.HasPrefix(q.URL.Path, receiptsPath):
			receipts.ServeHTTP(w, q)
		default:
			pages.ServeHTTP(w, q)
		}
	})
}

// state is what the public status says of this process: its channels work while
// the database answers. What members really meet is the edge's to judge.
func (r *Rooms) state(ctx context.Context) api.Health {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s := api.Operational
	if r.DB.Ping(ctx) != nil {
		s = api.Degraded
	}
	return api.Health{AsOf: r.DB.Now(), Components: []api.Component{{Name: "Members' pages", Channel: "web", State: s}, {Name: "API", Channel: "api", State: s}}}
}
