package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/gather"
	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/ledger"
	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	"standfast/internal/db"
)

// Contact is what payments must know of a member.
type Contact struct {
	Email, Phone string // either may be empty
	Locale       string
	Synthetic    bool // one of ours: the payment reaches no rail and is undone
}

// Deps are the rooms that payments work with.
type Deps struct {
	Accounts    *account.Service
	Ledger      *ledger.Ledger
	Instruments *instrument.Service
	SignIn      *signin.Service
	Notify      *notify.Notifier
	Contact     func(ctx context.Context, memberID string) (Contact, error)
	Log         *slog.Logger // slog.Default when nil
}

// Config is what an issuer decides about payments. Zero fields take the default.
type Config struct {
	Zone    *time.Location // of the cell; UTC
	CutOff  time.Duration  // time of day in Zone, as 20*time.Hour, which is the default; at least 17 h
	MaxDays int            // how far ahead a payment may be scheduled; 365
	Maximum int64          // of one payment, minor units; 25,000.00 of a currency with two decimals
	Rules   Rules
	Route   func(m instrument.Method) string // names the rail of a method; nil where there is one rail
}

// Service takes payments and follows them. It is safe for use by many goroutines
// and processes.
type Service struct {
	Deps
	db       *db.DB
	jobs     *jobs.Jobs
	rails    map[string]Rail
	calendar calendar
	config   Config
	opened   sync.Map // currency → true, once its clearing accounts are open
	ours     syntheticCache
	queue    *gather.Queue[*order, verdict]
}

// railTimeout bounds one step of a payment, the call of the rail included.
const railTimeout = 45 * time.Second

// New makes a Service and registers its job.
func New(d *db.DB, j *jobs.Jobs, deps Deps, rails map[string]Rail, c Config) (*Service, error) {
	if err := c.complete(rails); err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	s := &Service{
		Deps: deps, db: d, jobs: j, config: c, rails: map[string]Rail{syntheticRail: undone{}},
		calendar: calendar{zone: c.Zone, cutOff: c.CutOff, days: c.MaxDays},
	}
	for name, r := range rails {
		s.rails[name] = r
	}
	s.queue = s.newQueue()
	jobs.Handle(j, railTimeout, func(ctx context.Context, a advanceJob, _ jobs.Attempt) error { return s.advance(ctx, a.PaymentID) })
	return s, nil
}

// complete fills in the defaults and refuses what cannot be.
func (c *Config) complete(rails map[string]Rail) error {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.CutOff == 0 {
		c.CutOff = 20 * time.Hour
	}
	if c.MaxDays == 0 {
		c.MaxDays = 365
	}
	if c.Maximum == 0 {
		c.Maximum = 25_000_00
	}
	if c.CutOff < earliestCutOff || c.CutOff >= 24*time.Hour {
		return errors.New("the cut-off lies between 17:00 and midnight (12 CFR 1026.10)")
	}
	if _, taken := rails[syntheticRail]; taken {
		return fmt.Errorf("no rail may be called %q", syntheticRail)
	}
	if c.Route != nil {
		return nil
	}
	if len(rails) != 1 {
		return errors.New("with several rails, Route says which one takes a method")
	}
	for name := range rails {
		c.Route = func(instrument.Method) string { return name }
	}
	return nil
}

// advanceJob takes the next steps of a payment.
type advanceJob struct {
	PaymentID string `json:"payment_id"`
}

// Kind names the job.
func (advanceJob) Kind() string { return "payment.advance" }

// lookAt has somebody look at a payment at an instant. There is one job a payment
// at any time; it goes on until the last word.
func lookAt(id string, at time.Time) jobs.Job {
	return jobs.Job{Args: advanceJob{id}, Options: jobs.Options{At: at, UniqueByArgs: true}}
}

// enqueue has somebody look at payments when they are due.
func (s *Service) enqueue(ctx context.Context, tx *db.Tx, list []*record) error {
	all := make([]jobs.Job, len(list))
	for i, r := range list {
		all[i] = lookAt(r.ID, r.nextAt)
	}
	return s.jobs.EnqueueAll(ctx, tx, all)
}

// clearingAccount gives the id of a rail's clearing account in the ledger.
// Everybody's payments pass through it, so it is folded; a payment debits it when
// it settles, and the rail's own settlement with the issuer's bank will credit it.
func clearingAccount(rail, currency string) string {
	return ledger.SystemID("clearing/"+rail, currency)
}

// openClearing opens the clearing accounts of all rails in a currency, once a process.
func (s *Service) openClearing(ctx context.Context, currency string) error {
	if _, done := s.opened.Load(currency); done {
		return nil
	}
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		for _, rail := range slices.Sorted(maps.Keys(s.rails)) {
			spec := ledger.AccountSpec{ID: clearingAccount(rail, currency), Currency: currency, Book: "clearing", Folded: true}
			if err := s.Ledger.OpenAccount(ctx, tx, spec); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.opened.Store(currency, true)
	}
	return err
}

// sweepEvery is how often Run looks, and sweepAfter how late a payment must be
// for it to step in: its own job is then lost, given up, or the queue is behind.
const (
	sweepEvery = time.Minute
	sweepAfter = 15 * time.Minute
	sweepLimit = 500
)

// Run takes up payments that nobody looked at when they were due, as after a
// restored backup or a job that was given up, until ctx ends. It then waits for
// payments that are being taken.
func (s *Service) Run(ctx context.Context) error {
	defer s.queue.Drain()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "overdue payments could not be taken up", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Sweep gives overdue payments a job where they have none, and tells how many it found.
func (s *Service) Sweep(ctx context.Context) (n int, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		ids, err := overdue(ctx, tx, tx.Now.Add(-sweepAfter), sweepLimit)
		if err != nil {
			return err
		}
		n = len(ids)
		all := make([]jobs.Job, n)
		for i, id := range ids {
			all[i] = lookAt(id, tx.Now)
		}
		return s.jobs.EnqueueAll(ctx, tx, all)
	})
	return n, err
}
