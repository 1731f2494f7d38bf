package payment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

func TestAPaymentIsHeldSubmittedAndSettled(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		p := h.pay(ada, 250_00)
		if p.Date != "2026-03-02" || p.CreditedOn != "2026-03-02" || !p.CanCancel || p.MethodDisplay != "•••• 6789" {
			h.Fatalf("%+v", p)
		}
		h.wants(p, Held, -1000_00, 250_00)
		h.drain()
		p = h.wants(p, Settled, -750_00, 0)
		var way []string
		for _, e := range p.Events {
			way = append(way, string(e.Status))
		}
		if got := strings.Join(way, " "); got != "held submitted settled" || p.CanCancel {
			h.Fatal(got)
		}
		h.drain()
		if h.bank.calls != 1 || h.bank.taken[p.ID] != 1 {
			h.Fatal(h.bank.calls, h.bank.taken)
		}
		for _, what := range []string{"We have your payment", "has arrived"} {
			if m := h.told(what, "$250.00", "Everyday •••• 4242", Grouped(p.ConfirmationNumber)); m.To != "ada@example.org" {
				h.Fatal(m.To)
			}
		}
		h.clean()
	})
}

func TestTheSameKeyNeverPaysTwice(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		q := h.request(ada, 10_00)
		first, err := h.Submit(ctx, q)
		must(h, err)
		h.drain()
		for range 3 {
			again, err := h.Submit(ctx, q)
			must(h, err)
			if again.ID != first.ID || again.ConfirmationNumber != first.ConfirmationNumber {
				h.Fatal(again)
			}
		}
		for _, change := range []func(*Request){
			func(q *Request) { q.Amount = usd(10_01) },
			func(q *Request) { q.Date = "2026-03-05" },
			func(q *Request) { q.AccountID = bob.card.ID },
			func(q *Request) { q.MethodID = bob.method.ID },
		} {
			other := q
			change(&other)
			_, err := h.Submit(ctx, other)
			refused(h, err, fault.Conflict, "idempotency.key-reused")
		}
		other := h.request(bob, 10_00) // another member's key is another key
		other.Key = q.Key
		if p, err := h.Submit(ctx, other); err != nil || p.ID == first.ID {
			h.Fatal(p, err)
		}
		h.wants(first, Settled, -990_00, 0)
		h.clean()
	})
}

// What has changed since does not matter to a repeat: the answer stands.
func TestARepeatIsAnsweredWhateverHasChanged(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		q := h.request(ada, 10_00)
		q.Date = "2026-03-02"
		first, err := h.Submit(ctx, q)
		must(h, err)
		h.drain()
		must(h, h.RemoveMethod(ctx, ada.ID, ada.method.ID))
		h.clock.Advance(48 * time.Hour)
		if again, err := h.Submit(ctx, q); err != nil || again.ID != first.ID {
			h.Fatal(again, err)
		}
	})
}

func TestWhatARailSays(t *testing.T) {
	for name, c := range map[string]struct {
		answer Answer
		status Status
		posted int64
		note   string
		method instrument.Status
	}{
		"paid":           {Answer{Outcome: Paid}, Settled, -900_00, "", instrument.Verified},
		"refused":        {Answer{Outcome: Refused, Code: "R03"}, Declined, -1000_00, "no-account", instrument.Verified},
		"bounced":        {Answer{Outcome: SentBack, Code: "R01"}, Returned, -1000_00, "insufficient-funds", instrument.Verified},
		"not authorized": {Answer{Outcome: SentBack, Code: "R10"}, Returned, -1000_00, "not-authorized", instrument.Stopped},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				ada := h.person("ada")
				h.bank.answers[""] = c.answer
				p := h.pay(ada, 100_00)
				h.drain()
				p = h.wants(p, c.status, c.posted, 0)
				if last := p.Events[len(p.Events)-1]; last.Note != c.note || p.Code != c.answer.Code {
					h.Fatalf("%+v", p)
				}
				m, err := h.Instruments.Get(ctx, ada.ID, ada.method.ID)
				if err != nil || m.Status != c.method {
					h.Fatal(m.Status, err)
				}
				h.drain()
				h.clean()
			})
		})
	}
}

func TestAReturnAfterSettlingReverses(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.bank.answers[""] = Answer{Outcome: Paid, AskIn: time.Hour}
		p := h.pay(ada, 100_00)
		h.drain()
		h.wants(p, Settled, -900_00, 0)
		h.bank.answers[""] = Answer{Outcome: SentBack, Code: "R01"}
		h.clock.Advance(59 * time.Minute)
		h.drain()
		h.wants(p, Settled, -900_00, 0)
		h.clock.Advance(2 * time.Minute)
		h.drain()
		h.wants(p, Returned, -1000_00, 0)
		must(h, h.Report(ctx, p.ID, Answer{Outcome: SentBack, Code: "R01"})) // said again
		h.wants(p, Returned, -1000_00, 0)
		h.told("returned", "$100.00")
		h.clean()
	})
}

// A rail that contradicts itself moves no money.
func TestContradictionsAreNotActedOn(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.bank.answers[""] = Answer{Outcome: Refused, Code: "R03"}
		p := h.pay(ada, 100_00)
		h.drain()
		for _, a := range []Answer{{Outcome: Paid}, {Outcome: SentBack, Code: "R01"}, {Outcome: Pending}, {Outcome: "nonsense"}} {
			refused(h, h.Report(ctx, p.ID, a), fault.Internal, "payment.contradiction")
		}
		h.wants(p, Declined, -1000_00, 0)
		h.clean()
	})
}

func TestAnUnknownOutcomeStaysSubmittedUntilItIsKnown(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.bank.mute = true
		p := h.pay(ada, 100_00)
		for range 5 {
			h.drain()
			h.wants(p, Submitted, -1000_00, 100_00)
			h.clock.Advance(2 * time.Hour)
		}
		if h.bank.calls < 5 || h.bank.taken[p.ID] != 1 {
			h.Fatal(h.bank.calls, h.bank.taken)
		}
		h.bank.mute = false
		h.drain()
		h.wants(p, Settled, -900_00, 0)
		h.clean()
	})
}

func TestWhatNeverReachedTheRailIsHandedOverAgain(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.bank.lose = true
		p := h.pay(ada, 100_00)
		h.drain()
		h.wants(p, Submitted, -1000_00, 100_00)
		h.bank.lose = false
		h.clock.Advance(time.Minute)
		h.drain()
		h.wants(p, Settled, -900_00, 0)
		h.clean()
	})
}

func TestCancel(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		p := h.pay(ada, 100_00)
		_, err := h.Cancel(ctx, bob.ID, p.ID)
		refused(h, err, fault.NotFound, "payment.not-found")
		for range 2 {
			if c, err := h.Cancel(ctx, ada.ID, p.ID); err != nil || c.Status != Cancelled || c.CanCancel {
				h.Fatal(c, err)
			}
		}
		h.drain()
		h.wants(p, Cancelled, -1000_00, 0)
		if h.bank.calls != 0 {
			h.Fatal("the rail heard of a cancelled payment")
		}
		h.bank.mute = true
		p = h.pay(ada, 100_00)
		h.drain()
		_, err = h.Cancel(ctx, ada.ID, p.ID)
		refused(h, err, fault.Conflict, "payment.cancel-submitted")
		h.bank.mute = false
		h.clock.Advance(time.Hour)
		h.drain()
		_, err = h.Cancel(ctx, ada.ID, p.ID)
		refused(h, err, fault.Conflict, "payment.cancel-settled")
		h.clean()
	})
}

func TestScheduled(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		q := h.request(ada, 100_00)
		q.Date = "2026-03-09" // a day after clocks go forward in New York
		p, err := h.Submit(ctx, q)
		must(h, err)
		h.wants(p, Scheduled, -1000_00, 0)
		h.drain()
		h.told("We have your payment", Grouped(p.ConfirmationNumber)) // at once
		h.clock.Set(time.Date(2026, 3, 9, 3, 59, 0, 0, time.UTC))     // 23:59 of the 8th
		h.drain()
		h.wants(p, Scheduled, -1000_00, 0)
		h.clock.Advance(2 * time.Minute)
		h.drain()
		p = h.wants(p, Settled, -900_00, 0)
		if p.CreditedOn != "2026-03-09" || p.Events[1].Status != Held {
			h.Fatalf("%+v", p)
		}
		h.clean()
	})
}

func TestAScheduledPaymentOfAMethodThatWasStoppedIsDeclined(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		q := h.request(ada, 100_00)
		q.Date = "2026-03-09"
		p, err := h.Submit(ctx, q)
		must(h, err)
		refused(h, h.RemoveMethod(ctx, ada.ID, ada.method.ID), fault.Conflict, "method.in-use")
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.Instruments.Stop(ctx, tx, ada.ID, ada.method.ID, "R10") }))
		h.clock.Advance(8 * 24 * time.Hour)
		h.drain()
		p = h.wants(p, Declined, -1000_00, 0)
		if p.Events[1].Note != "method-stopped" || h.bank.calls != 0 {
			h.Fatalf("%+v", p)
		}
		_, err = h.Submit(ctx, h.request(ada, 1_00))
		refused(h, err, fault.Conflict, "method.stopped")
		h.clean()
	})
}

// Regulation Z: what comes in before the cut-off is credited as of that day.
func TestTheCutOffDecidesTheDate(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		zone := newYork(h)
		for _, c := range []struct {
			at       time.Time
			credited string
		}{
			{time.Date(2026, 3, 2, 19, 59, 59, 0, zone), "2026-03-02"},
			{time.Date(2026, 3, 2, 20, 0, 0, 0, zone), "2026-03-03"},
			{time.Date(2026, 3, 2, 23, 30, 0, 0, zone), "2026-03-03"},
			{time.Date(2026, 3, 8, 19, 59, 0, 0, zone), "2026-03-08"}, // the day has 23 hours
			{time.Date(2026, 12, 31, 21, 0, 0, 0, zone), "2027-01-01"},
		} {
			h.clock.Set(c.at)
			o, err := h.Options(ctx, ada.ID, ada.card.ID)
			must(h, err)
			p := h.pay(ada, 1_00)
			if p.CreditedOn != c.credited || o.CreditsOn != c.credited || p.Date != o.Today || !o.CutOff.After(c.at) {
				h.Errorf("%v: credited %s, offered %+v", c.at, p.CreditedOn, o)
			}
		}
	})
}

func TestOptions(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		h.pay(ada, 100_00)
		q := h.request(ada, 50_00)
		q.Date = "2026-04-01"
		_, err := h.Submit(ctx, q)
		must(h, err)
		o, err := h.Options(ctx, ada.ID, ada.card.ID)
		must(h, err)
		if o.Minimum.Minor != 25_00 || o.Statement.Minor != 800_00 || o.Current.Minor != 1000_00 || o.Pending != usd(150_00) || o.Remaining.Minor != 850_00 ||
			o.Today != "2026-03-02" || o.MaxDate != "2027-03-02" || o.DueOn != "2026-03-25" || o.CutOff.UTC() != time.Date(2026, 3, 3, 1, 0, 0, 0, time.UTC) {
			h.Fatalf("%+v", o)
		}
		_, err = h.Options(ctx, bob.ID, ada.card.ID)
		refused(h, err, fault.NotFound, "account.not-found")
	})
}

func TestBadRequests(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		savings := h.savings(ada)
		for _, c := range []struct {
			change func(*Request)
			kind   fault.Kind
			code   string
		}{
			{func(q *Request) { q.Amount = usd(0) }, fault.Invalid, "amount.positive"},
			{func(q *Request) { q.Amount = usd(-1) }, fault.Invalid, "amount.positive"},
			{func(q *Request) { q.Amount = usd(25_000_01) }, fault.Invalid, "payment.maximum"},
			{func(q *Request) { q.Amount = usd(1<<63 - 1) }, fault.Invalid, "payment.maximum"},
			{func(q *Request) { q.Amount = money.New(100, "EUR") }, fault.Invalid, "amount.currency"},
			{func(q *Request) { q.Amount = money.New(100, "XXQ") }, fault.Invalid, "amount.currency"},
			{func(q *Request) { q.Key = "" }, fault.Invalid, "idempotency.key"},
			{func(q *Request) { q.Key = strings.Repeat("k", 129) }, fault.Invalid, "idempotency.key"},
			{func(q *Request) { q.Key = "a\x00b" }, fault.Invalid, "idempotency.key"},
			{func(q *Request) { q.Key = "\xff" }, fault.Invalid, "idempotency.key"},
			{func(q *Request) { q.AccountID = bob.card.ID }, fault.NotFound, "account.not-found"},
			{func(q *Request) { q.AccountID = db.NewID() }, fault.NotFound, "account.not-found"},
			{func(q *Request) { q.AccountID = "'; DROP TABLE payment; --" }, fault.NotFound, "account.not-found"},
			{func(q *Request) { q.AccountID = savings.ID }, fault.Invalid, "payment.not-a-card"},
			{func(q *Request) { q.MethodID = bob.method.ID }, fault.NotFound, "method.not-found"},
			{func(q *Request) { q.MethodID = "x" }, fault.NotFound, "method.not-found"},
			{func(q *Request) { q.Date = "2026-03-01" }, fault.Invalid, "date.past"},
			{func(q *Request) { q.Date = "2027-03-03" }, fault.Invalid, "date.far"},
			{func(q *Request) { q.Date = "2026-02-30" }, fault.Invalid, "date.form"},
			{func(q *Request) { q.Date = "tomorrow" }, fault.Invalid, "date.form"},
			{func(q *Request) { q.Date = "<b>2026" }, fault.Invalid, "date.form"},
		} {
			q := h.request(ada, 10_00)
			c.change(&q)
			_, err := h.Submit(ctx, q)
			refused(h, err, c.kind, c.code)
		}
		if list, _, err := h.List(ctx, ada.ID, "", "", 0); err != nil || len(list) != 0 {
			h.Fatal("something was stored", list, err)
		}
		h.clean()
	})
}

func (h *house) savings(p person) (a account.Account) {
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		a, err = h.Accounts.Open(ctx, tx, account.Spec{Ref: "savings-" + p.Username, Kind: account.Savings, Currency: "USD", Name: "Savings"})
		if err != nil {
			return err
		}
		return h.members.AddHolder(ctx, tx, p.ID, a.ID, member.Owner)
	}))
	return a
}

func TestAnUnprovedMethodPaysNothing(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		var m instrument.Method
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
			m, _, err = h.Instruments.Add(ctx, tx, instrument.Addition{MemberID: ada.ID, Request: instrument.Request{Kind: instrument.KindBankAccount,
				Country: "US", RoutingNumber: "021000021", AccountNumber: "55556666", HolderName: "Ada"}})
			return err
		}))
		q := h.request(ada, 10_00)
		q.MethodID = m.ID
		_, err := h.Submit(ctx, q)
		refused(h, err, fault.Conflict, "method.not-proved")
	})
}

func TestListsArePagedAndAMembersOwn(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		var want []string
		for i := range 7 {
			h.clock.Advance(time.Millisecond)
			want = append([]string{h.pay(ada, int64(i+1)).ID}, want...)
			h.pay(bob, 1)
		}
		for _, account := range []string{"", ada.card.ID} {
			var got []string
			for cursor := ""; ; {
				page, next, err := h.List(ctx, ada.ID, account, cursor, 3)
				must(h, err)
				for _, p := range page {
					got = append(got, p.ID)
				}
				if cursor = next; next == "" {
					break
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				h.Fatal(got, want)
			}
		}
		_, _, err := h.List(ctx, ada.ID, bob.card.ID, "", 0)
		refused(h, err, fault.NotFound, "account.not-found")
		_, _, err = h.List(ctx, ada.ID, "", "x", 0)
		refused(h, err, fault.Invalid, "query.cursor")
		_, _, err = h.List(ctx, ada.ID, "", "", 201)
		refused(h, err, fault.Invalid, "query.limit")
		mine := h.pay(ada, 1)
		if p, err := h.ByConfirmation(ctx, ada.ID, strings.ToLower(Grouped(mine.ConfirmationNumber))); err != nil || p.ID != mine.ID {
			h.Fatal(p, err)
		}
		_, err = h.ByConfirmation(ctx, bob.ID, mine.ConfirmationNumber)
		refused(h, err, fault.NotFound, "payment.not-found")
		_, err = h.Get(ctx, bob.ID, mine.ID)
		refused(h, err, fault.NotFound, "payment.not-found")
	})
}

// Our own members' payments reach no rail, tell nobody, and leave nothing behind.
func TestSyntheticPaymentsUndoThemselves(t *testing.T) {
	each(t, func(h *house) {
		robot := h.someone(member.Spec{Username: "robot", Synthetic: true})
		p := h.pay(robot, 100_00)
		h.drain()
		h.wants(p, Settled, -900_00, 0)
		h.clock.Advance(2 * time.Minute)
		h.drain()
		h.wants(p, Returned, -1000_00, 0)
		if h.bank.calls != 0 || len(h.box.mail) != 0 {
			h.Fatal(h.bank.calls, h.box.mail)
		}
		b, err := h.Ledger.Balance(ctx, clearingAccount(syntheticRail, "USD"))
		if err != nil || !b.Posted.IsZero() {
			h.Fatal(b, err)
		}
		h.clean()
	})
}
