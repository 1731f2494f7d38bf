package passkey

import (
	"context"
	"testing"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

var ctx = context.Background()

const (
	origin = "https://bank.example"
	flow   = "flow-1"
)

// house is a Service of each kind on one database, as a cell has them.
type house struct {
	t     testing.TB
	db    *db.DB
	clock *dbtest.Clock
	*Service
	staff *Service
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	h := &house{t: t, db: d, clock: clock}
	h.Service = h.service(Config{})
	h.staff = h.service(Config{Kind: Staff})
	return h
}

// service is one with defaults of this house.
func (h *house) service(c Config) *Service {
	h.t.Helper()
	if c.Kind == "" {
		c.Kind = Member
	}
	if c.RPID == "" {
		c.RPID, c.Origins = "bank.example", []string{origin}
	}
	c.DisplayName = "Bank"
	s, err := New(h.db, masterkey.Demo(), c)
	must(h.t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Kind != kind || e.Code != code && (len(e.Fields) == 0 || e.Fields[0].Code != code) {
		t.Fatalf("got %v, want kind %d and code %s", err, kind, code)
	}
}

// register adds a passkey of an owner to an authenticator.
func (h *house) register(s *Service, owner string, a *softkey.Authenticator) Passkey {
	h.t.Helper()
	n, err := h.registered(s, owner, a)
	must(h.t, err)
	k, err := h.add(s, n)
	must(h.t, err)
	return k
}

func (h *house) registered(s *Service, owner string, a *softkey.Authenticator) (Registered, error) {
	h.t.Helper()
	p, err := s.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
	must(h.t, err)
	answer, err := a.Create(p.Options, s.conf.Origins[0])
	must(h.t, err)
	return s.VerifyRegistration(ctx, owner, "Phone", p.State, flow, answer)
}

func (h *house) add(s *Service, n Registered) (k Passkey, err error) {
	err = h.db.WithTx(ctx, func(tx *db.Tx) error {
		k, err = s.Add(ctx, tx, n, "192.0.2.7")
		return err
	})
	return k, err
}

// login answers a prompt of s with an authenticator.
func (h *house) login(s *Service, a *softkey.Authenticator) (Assertion, error) {
	h.t.Helper()
	p, err := s.BeginLogin(flow)
	must(h.t, err)
	answer, err := a.Get(p.Options, s.conf.Origins[0])
	must(h.t, err)
	v, err := s.VerifyLogin(ctx, p.State, flow, answer)
	if err != nil {
		return Assertion{}, err
	}
	return h.accept(s, v)
}

func (h *house) accept(s *Service, v Verified) (a Assertion, err error) {
	var refusal error
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error {
		a, refusal, err = s.Accept(ctx, tx, v, "192.0.2.7")
		return err
	}))
	return a, refusal
}

func (h *house) number(query string, args ...any) (n int64) {
	h.t.Helper()
	must(h.t, h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) }))
	return n
}
