package notify_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// tracker takes every message under an id of its own.
type tracker struct{ outside }

func (o *tracker) Hand(ctx context.Context, m notify.Outgoing) (notify.Handed, error) {
	return notify.Handed{ID: "gw-" + m.ID}, o.Send(ctx, m)
}

// rankOf is the order in which a message passes the states, written out once more.
func rankOf(s notify.State) int {
	return map[notify.State]int{"": 0, "handed": 1, "accepted": 2, "sent": 3, "expired": 4, "failed": 5, "delivered": 6}[s]
}

// Receipts come late, twice and in any order: a message never goes back, and what
// is said about others, or in words that nobody knows, changes nothing.
func TestReceiptsOnlyEverLeadOn(t *testing.T) {
	out := &tracker{}
	each(t, map[notify.Channel]notify.Sender{notify.Text: out, notify.Voice: out}, func(t *testing.T, h house) {
		states := rapid.SliceOfN(rapid.SampledFrom([]notify.State{"accepted", "sent", "expired", "failed", "delivered", "handed", "", "nonsense"}), 1, 8)
		for seed := range 20 {
			member := db.NewID()
			h.send(t, code(member))
			h.drain(t)
			m := h.status(t, member)
			if m.Delivery != notify.StateAccepted {
				t.Fatalf("%+v", m)
			}
			want := notify.StateAccepted
			for i, s := range states.Example(seed) {
				id := m.ID
				if i%2 == 1 {
					id = "gw-" + m.ID // by the gateway's own id
				}
				news := []notify.Receipt{{ID: id, State: s}, {ID: db.NewID(), State: "delivered"}, {ID: "' OR 1=1 --", State: "delivered"}, {ID: id, State: s}}
				if err := h.n.Receive(ctx, notify.Text, news); err != nil {
					t.Fatal(err)
				}
				if err := h.n.Receive(ctx, notify.Voice, []notify.Receipt{{ID: m.ID, State: "delivered"}}); err != nil {
					t.Fatal(err) // another channel's gateway has no say
				}
				if s.Known() && rankOf(s) > rankOf(want) {
					want = s
				}
				if got := h.status(t, member).Delivery; got != want {
					t.Fatalf("seed %d: %q after %q, want %q", seed, got, s, want)
				}
			}
		}
	})
}

// A receipt that is faster than the answer to the message stands.
func TestAReceiptMayComeBeforeTheAnswer(t *testing.T) {
	var h house
	early := saying(func(m notify.Outgoing) error {
		return h.n.Receive(ctx, notify.Text, []notify.Receipt{{ID: m.ID, State: notify.StateDelivered}})
	})
	each(t, map[notify.Channel]notify.Sender{notify.Text: early}, func(t *testing.T, each house) {
		h = each
		h.send(t, code("m"))
		h.drain(t)
		if s := h.status(t, "m"); s.Delivery != notify.StateDelivered || s.Status != notify.Sent {
			t.Fatalf("%+v", s)
		}
	})
}

type saying func(notify.Outgoing) error

func (s saying) Send(_ context.Context, m notify.Outgoing) error { return s(m) }

func TestTheTariffDecidesWhereMessagesGo(t *testing.T) {
	out := &outside{}
	tariff := notify.Tariff{Prices: map[string]int64{"+1": 1, "+1809": 0, "+44": 3}, Budget: 8}
	eachWith(t, map[notify.Channel]notify.Sender{notify.Text: out, notify.Email: out}, tariff, func(t *testing.T, h house) {
		send := func(m notify.Message) error {
			return h.db.WithTx(ctx, func(tx *db.Tx) error { return h.n.Send(ctx, tx, m) })
		}
		to := func(number string) notify.Message {
			m := code("m")
			m.To = number
			return m
		}
		for number, kind := range map[string]fault.Kind{"+18095550100": fault.Unavailable, "+4915112345678": fault.Unavailable, "+88213000000": fault.Unavailable} {
			if err := send(to(number)); !fault.Is(err, kind) || fault.As(err).Code != "notify.channel-unavailable" {
				t.Fatal(number, err)
			}
		}
		for _, number := range []string{"+447700900123", "+447700900124", "+12025550100", "+12025550101"} { // 3 + 3 + 1 + 1
			if err := send(to(number)); err != nil {
				t.Fatal(number, err)
			}
		}
		if err := send(to("+12025550102")); !fault.Is(err, fault.Unavailable) {
			t.Fatal("beyond the budget:", err)
		}
		notice := notify.Message{MemberID: "late", To: "+12025550100", Channel: notify.Text, Locale: "en-US", Template: "password-changed"}
		if err := send(notice); err != nil {
			t.Fatal("a notice that cannot be paid undid what it tells of:", err)
		}
		if s := h.status(t, "late"); s.Status != notify.Failed {
			t.Fatalf("%+v", s)
		}
		mail := notify.Message{MemberID: "mail", To: "ada@example.com", Channel: notify.Email, Locale: "en-US", Template: "password-changed"}
		if err := send(mail); err != nil {
			t.Fatal("e-mail costs nothing:", err)
		}
		s, err := h.n.Spending(ctx)
		if err != nil || s.Units != 8 || s.Country[0].Prefix != "+44" || s.Country[0].Messages != 2 {
			t.Fatal(s, err)
		}
		h.clock.Advance(24 * time.Hour)
		if err := send(to("+12025550102")); err != nil {
			t.Fatal("the next day has a budget of its own:", err)
		}
	})
}
