package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/money"
	"standfast/internal/text"
)

var ctx = context.Background()

// bank is a rail with a memory, so that a test can count what it did, and with
// faults that a test can switch on.
type bank struct {
	mu      sync.Mutex
	taken   map[string]int    // collections by payment; more than one is the worst that can happen
	answers map[string]Answer // by payment; Paid for others
	lose    bool              // what it is told does not reach it, and gets no answer
	mute    bool              // it does what it is told and does not answer
	calls   int
	before  func() // runs at each call
}

var errNoAnswer = errors.New("no answer")

func (b *bank) Submit(_ context.Context, in Instruction) (Answer, error) {
	return b.call(in, func() Answer {
		if b.taken[in.PaymentID] == 0 && b.answer(in).Outcome != Refused {
			b.taken[in.PaymentID]++
		}
		return b.answer(in)
	})
}

func (b *bank) Ask(_ context.Context, in Instruction) (Answer, error) {
	return b.call(in, func() Answer {
		if b.taken[in.PaymentID] == 0 && b.answer(in).Outcome != Refused {
			return Answer{Outcome: NeverArrived}
		}
		return b.answer(in)
	})
}

func (b *bank) call(in Instruction, do func() Answer) (Answer, error) {
	if b.before != nil {
		b.before()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if in.From.Account == "" || in.Amount.Minor <= 0 || in.SubmittedAt.IsZero() {
		panic(fmt.Sprintf("half an instruction: %+v", in))
	}
	if b.lose {
		return Answer{}, errNoAnswer
	}
	a := do()
	if b.mute {
		return Answer{}, errNoAnswer
	}
	return a, nil
}

func (b *bank) answer(in Instruction) Answer {
	if a, ok := b.answers[in.PaymentID]; ok {
		return a
	}
	if a, ok := b.answers[""]; ok {
		return a
	}
	return Answer{Outcome: Paid}
}

// mailbox keeps what members were told.
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

// find gives the newest message that holds all of parts.
func (b *mailbox) find(parts ...string) (found notify.Outgoing, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mail {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(m.Subject+"\n"+m.Text, p)
		}
		if all {
			found, ok = m, true
		}
	}
	return found, ok
}

// told wants a message that holds all of parts, once everything is sent.
func (h *house) told(parts ...string) notify.Outgoing {
	h.Helper()
	h.drain()
	m, ok := h.box.find(parts...)
	if !ok {
		h.Fatalf("nobody was told %q, but %v", parts, h.box.mail)
	}
	return m
}

// house is a Service with everything around it that is real, and a bank and a
// mailbox where the world begins.
type house struct {
	testing.TB
	*Service
	clock   *dbtest.Clock
	bank    *bank
	box     *mailbox
	members *member.Store
	conf    Config
	n       int
}

// person is a member with a card that owes 1,000.00 and a verified account.
type person struct {
	member.Member
	session signin.Session
	card    account.Account
	method  instrument.Method
}

// newYork is far enough from UTC for the date to differ.
func newYork(t testing.TB) *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func each(t *testing.T, test func(h *house)) {
	eachWith(t, Config{Rules: USRules()}, test)
}

func eachWith(t *testing.T, c Config, test func(h *house)) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock() // Monday, 2 March 2026, 12:00 UTC: 07:00 in New York
			test(newHouse(t, open(t, db.Options{Now: clock.Now}), clock, c))
		})
	}
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock, c Config) *house {
	t.Helper()
	if c.Zone == nil {
		c.Zone = newYork(t)
	}
	h := &house{TB: t, clock: clock, conf: c, box: &mailbox{}, bank: &bank{taken: map[string]int{}, answers: map[string]Answer{}}}
	must(t, jobs.Migrate(ctx, d))
	h.Service = h.replica(d)
	return h
}

// replica is another process on the same database.
func (h *house) replica(d *db.DB) *Service {
	h.Helper()
	quiet := slog.New(slog.DiscardHandler)
	j := jobs.New(d, quiet)
	texts, err := text.Load()
	must(h, err)
	h.members = member.New(d)
	key := masterkey.Demo()
	n := notify.New(d, j, texts, key, map[notify.Channel]notify.Sender{notify.Email: h.box, notify.Text: h.box})
	s, err := signin.New(d, h.members, n, key, signin.Config{Cell: "us", Hash: signin.HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1}})
	must(h, err)
	l := ledger.New(d, ledger.Options{Log: quiet})
	accounts := account.New(d, l, h.members, map[string]account.Source{account.LedgerSource: ledgersource.New(l)}, account.Config{Zone: h.conf.Zone, TileWait: time.Minute})
	methods := instrument.NewService(d, j, key, nil, nobody{}, instrument.Config{Currency: "USD"})
	p, err := New(d, j, Deps{Accounts: accounts, Ledger: l, Instruments: methods, SignIn: s, Notify: n, Contact: h.contact, Log: quiet}, map[string]Rail{"bank": h.bank}, h.conf)
	must(h, err)
	return p
}

type nobody struct{}

func (nobody) Deposit(context.Context, instrument.Credits) error { return nil }

func (h *house) contact(ctx context.Context, id string) (Contact, error) {
	m, err := h.members.ByID(ctx, id)
	return Contact{Email: m.Email, Phone: m.Phone, Locale: m.Locale, Synthetic: m.Synthetic}, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func (h *house) person(name string) person { return h.someone(member.Spec{Username: name}) }

func (h *house) someone(spec member.Spec) (p person) {
	h.Helper()
	h.n++
	spec.DisplayName, spec.Email, spec.Phone, spec.Region = spec.Username, spec.Username+"@example.org", "+12025550142", "us"
	limit, statement, minimum := usd(5000_00), usd(800_00), usd(25_00)
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		if p.Member, err = h.members.Create(ctx, tx, spec); err != nil {
			return err
		}
		p.card, err = h.Accounts.Open(ctx, tx, account.Spec{Ref: "card-" + spec.Username, Kind: account.Card, Currency: "USD", Name: "Everyday", Last4: "4242",
			CreditLimit: &limit, StatementBalance: &statement, MinimumDue: &minimum, DueOn: "2026-03-25"})
		if err != nil {
			return err
		}
		if err = h.members.AddHolder(ctx, tx, p.ID, p.card.ID, member.Owner); err != nil {
			return err
		}
		p.method, _, err = h.Instruments.ImportVerified(ctx, tx, p.ID, instrument.Request{Kind: instrument.KindBankAccount, Country: "US",
			RoutingNumber: "021000021", AccountNumber: "000123456789", HolderName: "Ada Lovelace"})
		return err
	}))
	p.session = signin.Session{ID: db.NewID(), MemberID: p.ID, AuthenticatedAt: h.clock.Now(), ExpiresAt: h.clock.Now().Add(24 * time.Hour)}
	h.spend(p.card.ID, 1000_00)
	return p
}

// spend has a card buy something.
func (h *house) spend(card string, minor int64) {
	h.Helper()
	shop := ledger.SystemID("shops", "USD")
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
		if err := h.Ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: shop, Currency: "USD", Book: "shops", Folded: true}); err != nil {
			return err
		}
		_, err := h.Ledger.PostTx(ctx, tx, ledger.Entry{Key: db.NewID(), Debit: card, Credit: shop, Amount: usd(minor), Kind: "purchase"})
		return err
	}))
}

// request is a payment that needs no proof.
func (h *house) request(p person, minor int64) Request {
	return Request{Key: db.NewID(), AccountID: p.card.ID, MethodID: p.method.ID, Amount: usd(minor), Session: p.session, Client: signin.Client{IP: "192.0.2.1", FlowID: "flow"}}
}

func (h *house) pay(p person, minor int64) Payment {
	h.Helper()
	paid, err := h.Submit(ctx, h.request(p, minor))
	must(h, err)
	return paid
}

func (h *house) drain() {
	h.Helper()
	must(h, h.jobs.Drain(ctx))
}

func (h *house) get(p Payment) Payment {
	h.Helper()
	got, err := h.Get(ctx, p.MemberID, p.ID)
	must(h, err)
	return got
}

// wants checks where a payment stands, and what its card has.
func (h *house) wants(p Payment, status Status, posted, pendingIn int64) Payment {
	h.Helper()
	got := h.get(p)
	b, err := h.Ledger.Balance(ctx, p.AccountID)
	must(h, err)
	if got.Status != status || b.Posted.Minor != posted || b.PendingIn.Minor != pendingIn {
		h.Fatalf("%s with %v posted and %v pending; want %s, %d, %d", got.Status, b.Posted, b.PendingIn, status, posted, pendingIn)
	}
	return got
}

// clean wants a ledger in which everything adds up, and no payment collected twice.
func (h *house) clean() {
	h.Helper()
	r, err := h.Ledger.Verify(ctx)
	must(h, err)
	if len(r.Problems) > 0 {
		h.Fatal(strings.Join(r.Problems, "\n"))
	}
	for id, n := range h.bank.taken {
		if n > 1 {
			h.Fatalf("payment %s was collected %d times", id, n)
		}
	}
}

// untilSomebodyWaits returns once another transaction waits for what tx has locked.
// On SQLite all wait for the one writer, from before they read.
func (h *house) untilSomebodyWaits(tx *db.Tx) {
	h.Helper()
	if tx.Engine() != db.PostgreSQL {
		return
	}
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for limit := time.Now().Add(time.Minute); ; <-pace.C {
		var n int
		must(h, tx.QueryRow(ctx, `SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`).Scan(&n))
		if n > 0 {
			return
		}
		if time.Now().After(limit) {
			h.Fatal("nobody waits")
		}
	}
}

// refused wants an error of a kind and code.
func refused(t testing.TB, err error, k fault.Kind, code string) {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Kind != k || e.Code != code && (len(e.Fields) != 1 || e.Fields[0].Code != code) {
		t.Fatalf("%v, want kind %v, code %s", err, k, code)
	}
}
