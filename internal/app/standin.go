package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/overload"
	"standfast/internal/pki"
	"standfast/internal/standin/advice"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/site"
	"standfast/internal/standin/store"
	"standfast/internal/standin/teller"
	"standfast/internal/text"
)

// StandInKeys prints the public halves of a stand-in's keys, as core's
// configuration needs them. Keys that are not there yet are made.
func StandInKeys(configPath string, out io.Writer) error {
	c, err := LoadStandIn(configPath)
	if err != nil {
		return err
	}
	_, err = loadStandInKeys(c, out)
	return err
}

func loadStandInKeys(c StandInFile, out io.Writer) (entry.Keys, error) {
	keys, err := entry.LoadKeys(c.Keys)
	if err != nil {
		return keys, err
	}
	if err := os.WriteFile(c.Keys+".pub", []byte(keys.Public()), 0o644); err != nil {
		return keys, fault.Wrap(fault.Invalid, "config.keys", "The public keys cannot be written: "+c.Keys+".pub", err)
	}
	_, err = io.WriteString(out, keys.Public())
	return keys, err
}

// StandIn runs the stand-in until ctx ends.
func StandIn(ctx context.Context, configPath string, logTo io.Writer) error {
	c, err := LoadStandIn(configPath)
	if err != nil {
		return err
	}
	inside, admin, err := standInListeners(c)
	if err != nil {
		return err
	}
	defer inside.Close()
	defer admin.Close()
	s, err := openStandIn(ctx, c, slog.New(slog.NewJSONHandler(logTo, nil)))
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx, inside, admin)
}

// standInListeners opens the sockets, or takes them over: by their names, or in this order.
func standInListeners(c StandInFile) (inside, admin net.Listener, err error) {
	held := handedOver()
	if !held.named && held.n < 2 {
		held.n = 0
	}
	if err = held.open(door{"internal", c.Internal.Listen, &inside}, door{"admin", c.Listen.Admin, &admin}); err != nil && inside != nil {
		inside.Close()
	}
	return inside, admin, err
}

// standIn is one stand-in with everything that it runs.
type standIn struct {
	conf     StandInFile
	log      *slog.Logger
	known    *store.Known
	own      *store.Own
	desk     *entry.Desk
	consumer *feed.Consumer
	pusher   *advice.Pusher
	gate     *overload.Gate
	site     http.Handler
	stopping atomic.Bool
}

func (s *standIn) close() { _ = errors.Join(s.known.Close(), s.own.Close()) } // what counts is on the disk already

// openStandIn opens the stores and joins the parts.
func openStandIn(ctx context.Context, c StandInFile, log *slog.Logger) (s *standIn, err error) {
	s = &standIn{conf: c, log: log}
	if s.own, err = store.OpenOwn(ctx, c.Store, time.Now()); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "standin.store", "The stand-in's store cannot be opened: "+c.Store, err)
	}
	if s.known, err = store.OpenKnown(ctx, c.Store+".known"); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, "standin.store", "The copy of core's data cannot be opened.", err), s.own.Close())
	}
	if err := errors.Join(s.meet(ctx), s.join(ctx)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// join makes the rooms from outside in: who comes, what they get, what core hears.
func (s *standIn) join(ctx context.Context) error {
	c := s.conf
	keys, err := loadStandInKeys(c, io.Discard)
	if err != nil {
		return err
	}
	tlsTo, err := pki.Client(c.Internal.CA, c.Internal.Certificate, c.Internal.Key, c.Cell.Name, pki.Core)
	if err != nil {
		return err
	}
	builds, err := newCores(c.Core, tlsTo)
	if err != nil {
		return fault.Wrap(fault.Invalid, "config.standin", "core.url and core.also are addresses such as https://core.internal:9444.", err)
	}
	client := &http.Client{Transport: builds}
	party, err := entry.NewParty(c.Cell.PublicURL, brand)
	if err != nil { // members sign in as they would without them
		s.log.Warn("no passkeys: browsers make none at cell.public_url", "err", err)
	}
	s.desk, err = entry.New(ctx, entry.Config{Cell: c.Cell.Name, Rules: c.Cell.Rules, Keys: keys, Known: s.known, Own: s.own, Party: party,
		Ages: entry.Ages{Look: c.Limits.Look.Duration, Pay: c.Limits.Pay.Duration}, Idle: c.rest(), Max: c.SignIn.Max.Duration, Hash: runtime.GOMAXPROCS(0), Now: standInNow})
	if err != nil {
		return err
	}
	feedKey, err := feed.ParseKey(c.Core.FeedKey)
	if err != nil {
		return err
	}
	s.consumer = feed.NewConsumer(feed.Config{Cell: c.Cell.Name, Key: feedKey, Source: feed.Source{URL: c.Core.URL, Client: client}, Known: s.known,
		Log: s.log, Now: standInNow, Changed: s.changed})
	s.pusher = &advice.Pusher{URL: c.Core.URL, Client: client, Own: s.own, Log: s.log, Now: standInNow}
	if err := s.pusher.Recall(ctx); err != nil {
		return err
	}
	return s.open()
}

func standInNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// open makes the pages and the API.
func (s *standIn) open() error {
	c := s.conf
	texts, err := text.Load()
	if err != nil {
		return err
	}
	zone, _ := time.LoadLocation(c.Cell.TimeZone)             // checked with the file, as what follows
	at, _ := time.Parse("15:04", c.Payments.CutOff)           //
	above, _ := money.Parse(c.stepUpAbove(), c.Cell.Currency) //
	limits, _ := c.limits()
	freeTotal, freeCount := c.free()
	t := teller.New(teller.Config{Known: s.known, Own: s.own, Desk: s.desk, Zone: zone, CutOff: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute,
		StepUpAbove: above, FreeTotal: freeTotal, FreeCount: freeCount, Limits: limits, Now: standInNow})
	s.gate = overload.New(overload.Limits{})
	s.site = site.New(site.Config{Desk: s.desk, Teller: t, Texts: texts.Among(c.Cell.Locales), Log: s.log, Now: standInNow, Zone: zone, Cell: c.Cell.Name, Brand: brand,
		Telephone: c.Cell.Telephone, PublicURL: c.Cell.PublicURL, Halted: s.halted, Gate: s.gate})
	return nil
}

// run serves until ctx ends. While it stops it says first that it is not ready,
// and still serves, so that an edge looks elsewhere before connections close.
func (s *standIn) run(ctx context.Context, inside, admin net.Listener) error {
	c := s.conf.Internal
	secure, err := pki.Server(c.CA, c.Certificate, c.Key, pki.Edge, pki.Console, pki.Operator)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, work := errgroup.WithContext(ctx)
	g.Go(func() error { return s.consumer.Run(work) })
	g.Go(func() error { return s.pusher.Run(work) })
	g.Go(func() error { return s.keep(work) })
	g.Go(func() error { return s.gate.Run(serving) })
	srv := newServer(partingWith(s.inside(), s.stopping.Load))
	srv.TLSConfig = secure
	g.Go(func() error {
		err := srv.ServeTLS(inside, "", "")
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	g.Go(func() error { return serve(serving, newServer(s.admin()), admin, TLSConfig{}) })
	watch := watchedBy()
	watch.serves(serving, admin.Addr())
	g.Go(func() error {
		<-work.Done()
		watch.say("STOPPING=1")
		s.stopping.Store(true)
		time.Sleep(c.Linger.Duration)
		end, cancel := context.WithTimeout(serving, drainTime)
		defer cancel()
		defer stop()
		return srv.Shutdown(end)
	})
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// standInState is how the stand-in stands, as the edge and operators read it.
type standInState struct {
	Ready   bool      `json:"ready"`
	Build   string    `json:"build"`
	AsOf    time.Time `json:"as_of"`
	Since   time.Time `json:"since"` // when its copy was begun from a snapshot
	Reasons []string  `json:"reasons"`
	Waiting int64     `json:"advices_waiting"`
}

func (s *standIn) state(ctx context.Context) standInState {
	at := s.known.Position()
	st := standInState{Ready: true, Build: Config{Internal: s.conf.Internal}.build(), AsOf: at.Complete, Since: at.Since, Reasons: []string{}}
	no := func(ready bool, reason string) {
		st.Ready = st.Ready && ready
		st.Reasons = append(st.Reasons, reason)
	}
	if !s.desk.MayLook() {
		no(false, "nothing is known that is young enough to be shown")
	}
	if s.stopping.Load() {
		no(false, "stopping")
	}
	if e, _ := s.consumer.Trouble(); e != nil {
		no(true, e.Code+": "+e.Message)
	}
	if e := s.halted(); e != nil {
		no(true, e.Code+": "+e.Message)
	}
	_, waiting, err := s.own.FirstWaiting(ctx)
	if st.Waiting = waiting; err != nil {
		no(false, "the store does not answer")
	}
	return st
}

func (s *standIn) serveState(w http.ResponseWriter, r *http.Request) {
	st := s.state(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !st.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(st) // whoever has gone needs no answer
}

// inside answers the edge; staff's roles see the state alone.
func (s *standIn) inside() http.Handler {
	members := fromEdge(s.site)
	build := Config{Internal: s.conf.Internal}.build()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(buildHeader, build)
		r, done, err := bounded(r)
		if err != nil {
			fault.WriteProblem(w, err)
			return
		}
		defer done()
		_, role := pki.RoleOf(r)
		switch {
		case r.URL.Path == internalPrefix+"v1/ready":
			s.serveState(w, r)
		case role == pki.Edge:
			members.ServeHTTP(w, r)
		default:
			fault.WriteProblem(w, fault.New(fault.Forbidden, "internal.role", "This is not for your role."))
		}
	})
}

// admin answers on the admin listener.
func (s *standIn) admin() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive\n") })
	m.HandleFunc("GET /readyz", s.serveState)
	m.HandleFunc("GET /metrics", s.metrics)
	return m
}

// metrics writes the two figures that an operator must watch, in Prometheus' text form.
func (s *standIn) metrics(w http.ResponseWriter, r *http.Request) {
	st := s.state(r.Context())
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE standfast_standin_feed_age_seconds gauge\nstandfast_standin_feed_age_seconds %.3f\n", time.Since(st.AsOf).Seconds())
	fmt.Fprintf(w, "# TYPE standfast_standin_advices_waiting gauge\nstandfast_standin_advices_waiting %d\n", st.Waiting)
	fmt.Fprintf(w, "# TYPE standfast_standin_ready gauge\nstandfast_standin_ready %d\n", map[bool]int{true: 1}[st.Ready])
	answered, waiting, limit := s.gate.Full()
	fmt.Fprintf(w, "# TYPE standfast_gate_requests gauge\nstandfast_gate_requests{state=\"answered\"} %d\nstandfast_gate_requests{state=\"waiting\"} %d\nstandfast_gate_requests{state=\"limit\"} %d\n", answered, waiting, limit)
}
