package proofing

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

var ctx = context.Background()

const (
	origin = "https://staff.bank.example"
	old    = "an owl reads by lamplight"
	fresh  = "a heron waits in shallow water"
	phone  = "+12025550142" // on file
	newTel = "+12025550177"
)

var desk = staff.Client{IP: "192.0.2.7", Flow: "desk"}

// house is proofing with everything around it real, and a mailbox where the world begins.
type house struct {
	*testing.T
	*Service
	db    *db.DB
	clock *dbtest.Clock
	jobs  *jobs.Jobs
	in    *signin.Service
	staff *staff.Service
	box   *mailbox
	chief worker
}

// mailbox keeps what was sent.
type mailbox struct {
	mu   sync.Mutex
	mail []notify.Outgoing
}

func (b *mailbox) Send(_ context.Context, m notify.Outgoing) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mail = append(b.mail, m)
	return nil
}

// to gives what an address was sent since the last call with it.
func (b *mailbox) to(address string) (list []notify.Outgoing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mail {
		if m.To == address {
			list = append(list, m)
		}
	}
	return list
}

func each(t *testing.T, test func(h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) { test(newHouse(t, d, clock)) })
}

func newHouse(t *testing.T, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	h := &house{T: t, db: d, clock: clock, box: &mailbox{}}
	h.must(jobs.Migrate(ctx, d))
	h.jobs = jobs.New(d, slog.New(slog.DiscardHandler))
	texts, err := text.Load()
	h.must(err)
	key := masterkey.Demo()
	n := notify.New(d, h.jobs, texts, key, map[notify.Channel]notify.Sender{notify.Text: h.box, notify.Email: h.box})
	h.in, err = signin.New(d, member.New(d), n, key, signin.Config{Cell: "us", Now: clock.Now, Jobs: h.jobs, HashQueue: 100,
		Hash: signin.HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1}, StopAssisted: func(token string) string { return "https://bank.example/stop/" + token }})
	h.must(err)
	h.staff, err = staff.New(d, key, staff.Config{Origin: origin, Issuer: "Bank"})
	h.must(err)
	h.Service = New(d, h.staff, h.in, Config{})
	link, err := h.staff.FirstLink(ctx)
	h.must(err)
	h.chief = h.setUp(link, "Olga")
	return h
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

// worker is somebody of staff with an authenticator.
type worker struct {
	key   *softkey.Authenticator
	token string
	id    string
}

func (h *house) setUp(link, name string) worker {
	h.Helper()
	ticket := link[strings.LastIndex(link, "/")+1:]
	d, err := h.staff.BeginSetUp(ctx, ticket, desk)
	h.must(err)
	w := worker{key: &softkey.Authenticator{Counts: true}}
	answer, err := w.key.Create(d.Prompt.Options, origin)
	h.must(err)
	w.token, err = h.staff.FinishSetUp(ctx, staff.SetUp{Link: ticket, Name: name, PasskeyName: "Key", State: d.Prompt.State, Answer: answer}, desk)
	h.must(err)
	w.id = h.session(w).Person.ID
	return w
}

func (h *house) session(w worker) staff.Session {
	h.Helper()
	s, err := h.staff.Check(ctx, w.token)
	h.must(err)
	return s
}

func (h *house) hire(name string, role staff.Role) worker {
	h.Helper()
	own := h.session(h.chief).Person.Organisation.ID
	_, link, err := h.staff.Invite(ctx, h.session(h.chief), desk, staff.Invitation{Name: name, Role: role, OrganisationID: own})
	h.must(err)
	return h.setUp(link, "")
}

// member makes a member who signs in with old.
func (h *house) member(name string) (m member.Member) {
	h.Helper()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		m, err = member.New(h.db).Create(ctx, tx, member.Spec{Username: name, DisplayName: name, Email: name + "@example.org", Phone: phone})
		if err != nil {
			return err
		}
		return h.in.SetPassword(ctx, tx, m.ID, old)
	}))
	return m
}

func browser(flow string) signin.Client {
	return signin.Client{IP: "198.51.100.9", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", FlowID: flow, Browser: true}
}

// asks begins a claim and gives it.
func (h *house) asks(name string) signin.AssistedClaim {
	h.Helper()
	c, err := h.in.BeginAssisted(ctx, name, browser(name))
	h.must(err)
	return c
}

// content is what an agent enters.
func content(reference string) Content {
	return Content{Reference: signin.InGroups(reference), Proofs: []Proof{DocumentSeen, CallBack}}
}

func (h *house) submit(w worker, c Content) (string, error) {
	h.Helper()
	sess := h.session(w)
	c, prompt, err := h.Review(ctx, sess, desk, c)
	if err != nil {
		return "", err
	}
	return h.Submit(ctx, sess, desk, c, h.answer(w, prompt))
}

func (h *house) answer(w worker, p staff.Prompt) staff.Proof {
	h.Helper()
	answer, err := w.key.Get(p.Options, origin)
	h.must(err)
	return staff.Proof{State: p.State, Answer: answer}
}

func (h *house) decide(w worker, d Decision) error {
	h.Helper()
	sess := h.session(w)
	prompt, err := h.AskDecision(ctx, sess, desk, d.CaseID, d.Approve)
	if err != nil {
		return err
	}
	return h.Decide(ctx, sess, desk, d, h.answer(w, prompt))
}

func (h *house) approve(w worker, id string) error {
	return h.decide(w, Decision{CaseID: id, Approve: true})
}

func (h *house) drain() { h.Helper(); h.must(h.jobs.Drain(ctx)) }

func (h *house) number(query string, args ...any) (n int) {
	h.Helper()
	h.must(h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) }))
	return n
}

func (h *house) in24() time.Time { return h.clock.Now().Add(24 * time.Hour) }

// signsIn tells whether a password is the member's: the code that follows is asked for.
func (h *house) signsIn(name, password string) bool {
	h.Helper()
	_, err := h.in.SignIn(ctx, name, password, browser("again"))
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		h.Fatal(err)
	}
	return err == nil
}

// codes gives a member three recovery codes.
func (h *house) codes(memberID string) {
	h.Helper()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
		for i := range 3 {
			if _, err := tx.Exec(ctx, `INSERT INTO recovery_code (member_id, hash, made_at, used_at) VALUES ($1, $2, $3, 0)`, memberID, []byte{byte(i)}, db.Micros(tx.Now)); err != nil {
				return err
			}
		}
		return nil
	}))
}
