package signin

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

var ctx = context.Background()

const (
	origin = "https://bank.example" // of the pages
	right  = "an owl reads by lamplight"
	wrong  = "an owl reads by moonlight"
)

// cheap is a hash that tests can afford by the thousand.
func cheap() HashParams { return HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1} }

// house is a service with everything around it that is real, and a mailbox
// where the world begins.
type house struct {
	t     testing.TB
	db    *db.DB
	clock *dbtest.Clock
	conf  Config
	jobs  *jobs.Jobs
	ns    *notify.Notifier
	box   *mailbox
	*Service
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

func each(t *testing.T, test func(t *testing.T, h *house)) {
	eachWith(t, Config{}, test)
}

func eachWith(t *testing.T, c Config, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock, c)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock, c Config) *house {
	t.Helper()
	c.Cell = "us"
	or(&c.Hash, cheap())
	or(&c.HashQueue, 1000)
	h := &house{t: t, db: d, clock: clock, conf: c, box: &mailbox{}}
	must(t, jobs.Migrate(ctx, d))
	h.jobs = jobs.New(d, slog.New(slog.DiscardHandler))
	catalogue, err := text.Load()
	must(t, err)
	h.ns = notify.New(d, h.jobs, catalogue, masterkey.Demo(), map[notify.Channel]notify.Sender{notify.Text: h.box, notify.Email: h.box})
	h.conf.Passkeys, err = passkey.New(d, masterkey.Demo(), passkey.Config{Kind: passkey.Member, RPID: "bank.example", Origins: []string{origin}, DisplayName: "Bank"})
	must(t, err)
	h.conf.Holdings = newHeld(d)
	h.Service = h.replica()
	return h
}

// replica is another process on the same database.
func (h *house) replica() *Service {
	h.t.Helper()
	s, err := New(h.db, member.New(h.db), h.ns, masterkey.Demo(), h.conf)
	must(h.t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// member makes a member who signs in with right.
func (h *house) member(name string) member.Member {
	h.t.Helper()
	var m member.Member
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		m, err = h.members.Create(ctx, tx, member.Spec{Username: name, DisplayName: name, Email: name + "@example.org", Phone: "+12025550142"})
		if err != nil {
			return err
		}
		return h.SetPassword(ctx, tx, m.ID, right)
	}))
	return m
}

// browser is one client with what it keeps.
func browser(flow string) *Client {
	return &Client{IP: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", FlowID: flow, Browser: true}
}

// enter signs in by password and, where it is asked for, by code.
func (h *house) enter(name string, c *Client, trust bool) Outcome {
	h.t.Helper()
	out, err := h.SignIn(ctx, name, right, *c)
	must(h.t, err)
	if out.Challenge != nil {
		out, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), trust, *c)
		must(h.t, err)
	}
	return c.keep(out)
}

// keep does what a client does with an outcome.
func (c *Client) keep(out Outcome) Outcome {
	if out.DeviceToken != "" {
		c.DeviceToken = out.DeviceToken
	}
	if out.Session != nil {
		c.SessionToken = out.Session.Token
	}
	return out
}

// codeOf reads the member's telephone, so to say.
func (h *house) codeOf(challengeID string) string {
	h.t.Helper()
	var code string
	must(h.t, h.db.View(ctx, func(tx *db.Tx) error {
		c, err := scanChallenge(tx.QueryRow(ctx, `SELECT `+challengeColumns+` FROM challenge WHERE id = $1`, challengeID))
		code = h.code(c)
		return err
	}))
	return code
}

// badCode is a code that is not the challenge's.
func (h *house) badCode(challengeID string) string {
	if h.codeOf(challengeID) == "000000" {
		return "000001"
	}
	return "000000"
}

func (h *house) check(tok string) Session {
	h.t.Helper()
	s, err := h.Check(ctx, tok, Change)
	must(h.t, err)
	return s
}

// number runs a query that gives one number.
func (h *house) number(query string, args ...any) (n int64) {
	h.t.Helper()
	must(h.t, h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) }))
	return n
}

func (h *house) want(err error, kind fault.Kind, code string) {
	h.t.Helper()
	e := fault.As(err)
	if e == nil || e.Kind != kind || e.Code != code {
		h.t.Fatalf("got %v, want kind %d and code %s", err, kind, code)
	}
	if (kind == fault.TooMany || kind == fault.Unavailable) && e.RetryAfter <= 0 {
		h.t.Fatalf("%v says not when to come back", err)
	}
}

func (h *house) wait(d time.Duration) {
	h.t.Helper()
	h.clock.Advance(d)
}
