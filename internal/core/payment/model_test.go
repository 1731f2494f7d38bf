package payment

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"pgregory.net/rapid"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// model is what must be true of one card's payments, in plain terms.
type model struct {
	*house
	person
	keys  map[string]Request // of requests that were acknowledged
	paid  map[string]Payment // by key: the first answer
	order []string           // keys, oldest first
}

// Whatever members, rails, clocks and crashes do, in any order: one key is
// collected once at most, a cancelled payment never, every payment ends, the
// card has exactly what settled, and the ledger adds up.
func TestPaymentsAgainstAModel(t *testing.T) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock()
			h := newHouse(t, open(t, db.Options{Now: clock.Now}), clock, Config{Rules: USRules()})
			others := []*Service{h.Service, h.replica(h.db)}
			round := 0
			rapid.Check(t, func(rt *rapid.T) {
				round++
				h.Service = others[0]
				h.bank.lose, h.bank.mute, h.bank.answers = false, false, map[string]Answer{}
				m := &model{house: h, person: h.someone(member.Spec{Username: fmt.Sprintf("member-%d", round)}), keys: map[string]Request{}, paid: map[string]Payment{}}
				rt.Repeat(map[string]func(*rapid.T){
					"pay":    m.submit,
					"repeat": m.repeat,
					"cancel": m.cancel,
					"work":   m.work,
					"crash":  m.crash,
					"wait": func(rt *rapid.T) {
						clock.Advance(time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "seconds")) * time.Second)
					},
					"trouble": m.trouble,
					"report":  m.report,
					"replica": func(rt *rapid.T) { h.Service = rapid.SampledFrom(others).Draw(rt, "process") },
				})
				m.finish(rt)
			})
			h.Service = others[0]
			h.clean()
		})
	}
}

func (m *model) submit(rt *rapid.T) {
	q := m.request(m.person, rapid.Int64Range(1, 400_00).Draw(rt, "amount"))
	if rapid.Bool().Draw(rt, "scheduled") {
		q.Date = m.calendar.plus(m.calendar.date(m.clock.Now()), rapid.IntRange(0, 3).Draw(rt, "days"))
	}
	p, err := m.Submit(ctx, q)
	if err != nil {
		rt.Fatal(err)
	}
	m.keys[q.Key], m.paid[q.Key] = q, p
	m.order = append(m.order, q.Key)
}

// one draws a payment that was acknowledged; ok is false when there is none.
func (m *model) one(rt *rapid.T) (p Payment, ok bool) {
	if len(m.order) == 0 {
		return p, false
	}
	return m.paid[rapid.SampledFrom(m.order).Draw(rt, "payment")], true
}

func (m *model) repeat(rt *rapid.T) {
	if len(m.order) == 0 {
		return
	}
	key := rapid.SampledFrom(m.order).Draw(rt, "key")
	p, err := m.Submit(ctx, m.keys[key])
	if err != nil || p.ID != m.paid[key].ID {
		rt.Fatalf("a repeat gave %+v, %v", p, err)
	}
}

func (m *model) cancel(rt *rapid.T) {
	if p, ok := m.one(rt); ok {
		before := m.now(rt, p).Status
		after, err := m.Cancel(ctx, p.MemberID, p.ID)
		switch can := before.cancellable() || before == Cancelled; {
		case can && (err != nil || after.Status != Cancelled):
			rt.Fatal(before, after.Status, err)
		case !can && !fault.Is(err, fault.Conflict):
			rt.Fatal(before, err)
		}
	}
}

func (m *model) now(rt *rapid.T, p Payment) Payment {
	got, err := m.Get(ctx, p.MemberID, p.ID)
	if err != nil {
		rt.Fatal(err)
	}
	return got
}

// work has a worker look at a payment. It may find a contradiction that report made.
func (m *model) work(rt *rapid.T) {
	if p, ok := m.one(rt); ok {
		var again *river.JobSnoozeError
		if err := m.advance(ctx, p.ID); err != nil && !errors.As(err, &again) && fault.As(err).Code != "payment.contradiction" {
			rt.Fatal(err)
		}
	}
}

// crash takes a single step and loses the worker.
func (m *model) crash(rt *rapid.T) {
	if p, ok := m.one(rt); ok {
		r, err := m.load(ctx, p.ID)
		if err == nil {
			_, _, err = m.step(ctx, &r)
		}
		if err != nil && fault.As(err).Code != "payment.contradiction" {
			rt.Fatal(err)
		}
	}
}

// trouble changes how the rail behaves from now on.
func (m *model) trouble(rt *rapid.T) {
	m.bank.lose = rapid.Bool().Draw(rt, "lose")
	m.bank.mute = rapid.Bool().Draw(rt, "mute")
	if p, ok := m.one(rt); ok && m.bank.taken[p.ID] == 0 {
		m.bank.answers[p.ID] = rapid.SampledFrom([]Answer{
			{Outcome: Paid}, {Outcome: Paid, AskIn: time.Hour}, {Outcome: Refused, Code: "R03"}, {Outcome: SentBack, Code: "R01"}, {Outcome: Pending}, {Outcome: Pending, AskIn: time.Minute},
		}).Draw(rt, "answer")
	}
}

// report has the rail speak by itself, after it took a payment: it was sent back.
func (m *model) report(rt *rapid.T) {
	p, ok := m.one(rt)
	if !ok || m.bank.taken[p.ID] == 0 {
		return
	}
	m.bank.answers[p.ID] = Answer{Outcome: SentBack, Code: "R01"}
	if err := m.Report(ctx, p.ID, m.bank.answers[p.ID]); err != nil && fault.As(err).Code != "payment.contradiction" {
		rt.Fatal(err)
	}
}

// finish ends all trouble, works everything off, and counts.
func (m *model) finish(rt *rapid.T) {
	m.bank.lose, m.bank.mute = false, false
	for id, a := range m.bank.answers {
		if a.Outcome == Pending {
			m.bank.answers[id] = Answer{Outcome: Paid}
		}
	}
	card := int64(-1000_00)
	for _, key := range m.order {
		p := m.settle(rt, m.paid[key])
		switch taken := m.bank.taken[p.ID]; {
		case p.Status.Open():
			rt.Fatalf("%s did not end: %+v", key, p)
		case taken > 1:
			rt.Fatalf("collected %d times: %+v", taken, p)
		case p.Status == Settled && taken != 1, (p.Status == Cancelled || p.Status == Declined) && taken != 0:
			rt.Fatalf("collected %d times: %+v", taken, p)
		}
		if p.Status == Settled {
			card += p.Amount.Minor
		}
	}
	b, err := m.Ledger.Balance(ctx, m.card.ID)
	if err != nil || b.Posted.Minor != card || b.PendingIn.Minor != 0 {
		rt.Fatalf("the card has %+v, want %d: %v", b, card, err)
	}
}

// settle works on a payment until there is nothing left to do.
func (m *model) settle(rt *rapid.T, p Payment) Payment {
	for range 10 {
		m.clock.Advance(24 * time.Hour)
		if err := m.advance(ctx, p.ID); err == nil {
			break
		}
	}
	return m.now(rt, p)
}
