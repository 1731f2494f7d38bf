package staff

import (
	"context"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

var ctx = context.Background()

const origin = "https://staff.bank.example"

var here = Client{IP: "192.0.2.7", Flow: "flow-1"}

// house is the staff of a cell on a clock of its own.
type house struct {
	*testing.T
	*Service
	db    *db.DB
	clock *dbtest.Clock
}

func each(t *testing.T, test func(h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		s, err := New(d, masterkey.Demo(), Config{Origin: origin, Issuer: "Bank"})
		h := &house{T: t, Service: s, db: d, clock: clock}
		h.must(err)
		test(h)
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) want(err error, code string) {
	h.Helper()
	e := fault.As(err)
	if e == nil || e.Code != code && (len(e.Fields) == 0 || e.Fields[0].Code != code) {
		h.Fatalf("got %v, want %s", err, code)
	}
}

// worker is somebody with an authenticator.
type worker struct {
	id    string
	key   *softkey.Authenticator
	token string
}

func ticketOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

func (h *house) setUp(link, name string) (worker, error) {
	h.Helper()
	d, err := h.BeginSetUp(ctx, ticketOf(link), here)
	if err != nil {
		return worker{}, err
	}
	w := worker{key: &softkey.Authenticator{Counts: true}}
	answer, err := w.key.Create(d.Prompt.Options, origin)
	h.must(err)
	w.token, err = h.FinishSetUp(ctx, SetUp{Link: ticketOf(link), Name: name, PasskeyName: "Key", State: d.Prompt.State, Answer: answer}, here)
	if err == nil {
		w.id = h.session(w).Person.ID
	}
	return w, err
}

// operator is the first one.
func (h *house) operator() worker {
	h.Helper()
	link, err := h.FirstLink(ctx)
	h.must(err)
	w, err := h.setUp(link, "Olga Operator")
	h.must(err)
	return w
}

// hire invites somebody, who uses the link.
func (h *house) hire(by worker, i Invitation) worker {
	h.Helper()
	if i.OrganisationID == "" {
		i.OrganisationID = h.session(by).Person.Organisation.ID
	}
	_, link, err := h.Invite(ctx, h.session(by), here, i)
	h.must(err)
	w, err := h.setUp(link, "")
	h.must(err)
	return w
}

func (h *house) session(w worker) Session {
	h.Helper()
	s, err := h.Check(ctx, w.token)
	h.must(err)
	return s
}

func (h *house) answer(w worker) (state string, answer []byte) {
	h.Helper()
	p, err := h.BeginSignIn(here)
	h.must(err)
	answer, err = w.key.Get(p.Options, origin)
	h.must(err)
	return p.State, answer
}

func (h *house) signIn(w worker) (string, error) {
	h.Helper()
	state, answer := h.answer(w)
	return h.SignIn(ctx, state, answer, here)
}

// wrong is a try with the right passkey and a signature that does not hold.
func (h *house) wrong(w worker) error {
	h.Helper()
	other := &softkey.Authenticator{}
	p, err := h.BeginSignIn(here)
	h.must(err)
	mine := w.key.Key()
	if _, err := other.Create([]byte(`{"publicKey":{"rp":{"id":"staff.bank.example"},"challenge":"AA","user":{"id":"AA"}}}`), origin); err != nil {
		h.Fatal(err)
	}
	other.Tamper = func(a *softkey.Answer) { a.ID, a.Handle = mine.ID, mine.Handle }
	answer, err := other.Get(p.Options, origin)
	h.must(err)
	_, err = h.SignIn(ctx, p.State, answer, here)
	return err
}

func (h *house) number(query string, args ...any) (n int) {
	h.Helper()
	h.must(h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) }))
	return n
}

func (h *house) supplier(by worker) Organisation {
	h.Helper()
	o, err := h.AddOrganisation(ctx, h.session(by), here, "Call Centre Ltd")
	h.must(err)
	return o
}

func (h *house) in(d time.Duration) time.Time { return h.clock.Now().Add(d) }
