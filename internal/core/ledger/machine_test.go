package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
)

// model is the ledger in as few lines as it can be said: what each account has,
// what each key stands for, and what each transfer has become.
type model struct {
	accounts  map[string]*modelAccount
	keys      map[string]modelKey
	transfers map[string]*modelTransfer
}

type modelAccount struct{ floor, ceiling, posted, in, out int64 }

type modelKey struct{ asked, id string }

type modelTransfer struct {
	phase         ledger.Phase
	debit, credit string
	amount        int64
	end           string // id of what ended it
}

// order is one thing asked of the ledger.
type order struct {
	key           string
	phase         ledger.Phase
	debit, credit string
	amount        int64
	of            string // transfer to end
	fact          bool
}

// expect gives the code that an order must be answered with; the id of the first
// answer when it must be replayed.
func (m *model) expect(o order) (code, replayed string) {
	if o.phase == ledger.Reverse {
		if t := m.transfers[o.of]; t != nil && t.phase == ledger.Pending && t.end != "" && m.transfers[t.end].phase == ledger.Settle {
			o.of = t.end
		}
	}
	if k, ok := m.keys[o.key]; ok {
		if k.asked != o.asked() {
			return "ledger.key-reused", ""
		}
		return "", k.id
	}
	if o.of != "" {
		return m.expectEnd(o), ""
	}
	from, to := m.accounts[o.debit], m.accounts[o.credit]
	switch {
	case o.fact:
		return "", ""
	case from.posted-from.out-o.amount < from.floor:
		return "ledger.funds", ""
	case to.posted+to.in+o.amount > to.ceiling:
		return "ledger.limit", ""
	}
	return "", ""
}

func (m *model) expectEnd(o order) string {
	t := m.transfers[o.of]
	switch {
	case t == nil:
		return "ledger.transfer-not-found"
	case t.end != "":
		return "ledger.already-resolved"
	case (o.phase == ledger.Reverse) != (t.phase == ledger.Posted || t.phase == ledger.Settle), o.phase != ledger.Reverse && t.phase != ledger.Pending:
		return "ledger.phase"
	}
	return ""
}

func (o order) asked() string {
	return fmt.Sprint(o.phase, o.debit, o.credit, o.amount, o.of, o.fact)
}

// apply books what the ledger has accepted.
func (m *model) apply(o order, t ledger.Transfer) {
	if of := m.transfers[o.of]; of != nil && of.phase == ledger.Pending && o.phase == ledger.Reverse {
		o.of = of.end
	}
	m.keys[o.key] = modelKey{o.asked(), t.ID}
	m.transfers[t.ID] = &modelTransfer{phase: t.Phase, debit: t.Debit, credit: t.Credit, amount: t.Amount.Minor}
	if o.of != "" {
		m.transfers[o.of].end = t.ID
	}
	m.book(t)
}

func (m *model) book(t ledger.Transfer) {
	from, to, n := m.accounts[t.Debit], m.accounts[t.Credit], t.Amount.Minor
	switch t.Phase {
	case ledger.Pending:
		from.out, to.in = from.out+n, to.in+n
	case ledger.Void:
		from.out, to.in = from.out-n, to.in-n
	case ledger.Settle:
		from.out, to.in = from.out-n, to.in-n
		from.posted, to.posted = from.posted-n, to.posted+n
	default:
		from.posted, to.posted = from.posted-n, to.posted+n
	}
}

// machine drives a ledger and the model with the same orders.
type machine struct {
	*model
	b      *bank
	ids    []string // accounts
	known  []string // transfers
	orders []order  // accepted ones
}

const endless = int64(1) << 60

// newMachine opens fresh accounts on a bank: one with a floor of zero, a card, a
// bounded one and a folded one.
func newMachine(b *bank) *machine {
	m := &machine{b: b, model: &model{accounts: map[string]*modelAccount{}, keys: map[string]modelKey{}, transfers: map[string]*modelTransfer{}}}
	for _, a := range []modelAccount{{floor: 0, ceiling: endless}, {floor: -500, ceiling: 200}, {floor: -endless, ceiling: 300}, {floor: -endless, ceiling: endless}} {
		spec := ledger.AccountSpec{Folded: a.floor == -endless && a.ceiling == endless}
		if a.floor != -endless {
			spec.Floor = &a.floor
		}
		if a.ceiling != endless {
			spec.Ceiling = &a.ceiling
		}
		id := b.open(spec)
		m.ids, m.accounts[id] = append(m.ids, id), &a
	}
	return m
}

func (m *machine) draw(t *rapid.T) order {
	if len(m.orders) > 0 && rapid.IntRange(0, 9).Draw(t, "repeat") == 0 {
		o := rapid.SampledFrom(m.orders).Draw(t, "order")
		if rapid.Bool().Draw(t, "other contents") {
			o.amount, o.phase = o.amount+1, ledger.Posted
			if o.of != "" {
				o.debit, o.credit, o.of = m.ids[0], m.ids[1], ""
			}
		}
		return o
	}
	m.b.keys++
	o := order{key: fmt.Sprint("k", m.b.keys)}
	if len(m.known) > 0 && rapid.IntRange(0, 2).Draw(t, "end") == 0 {
		o.of = rapid.SampledFrom(append(m.known, m.b.no)).Draw(t, "of")
		o.phase = rapid.SampledFrom([]ledger.Phase{ledger.Settle, ledger.Void, ledger.Reverse}).Draw(t, "phase")
		return o
	}
	i := rapid.IntRange(0, 3).Draw(t, "debit")
	o.debit, o.credit = m.ids[i], m.ids[(i+rapid.IntRange(1, 3).Draw(t, "credit"))%4]
	o.amount = rapid.Int64Range(1, 250).Draw(t, "amount")
	o.phase = rapid.SampledFrom([]ledger.Phase{ledger.Posted, ledger.Pending}).Draw(t, "phase")
	o.fact = rapid.IntRange(0, 5).Draw(t, "fact") == 0
	return o
}

// do asks the ledger through a door.
func (m *machine) do(o order, door int) (got ledger.Transfer, err error) {
	ends := map[ledger.Phase]ender{ledger.Settle: m.b.SettleTx, ledger.Void: m.b.VoidTx, ledger.Reverse: m.b.ReverseTx}
	if f := ends[o.phase]; f != nil {
		return m.b.endKeyed(f, o.key, o.of)
	}
	e := ledger.Entry{Key: o.key, Debit: o.debit, Credit: o.credit, Amount: usd(o.amount), Kind: "test", Pending: o.phase == ledger.Pending, Fact: o.fact}
	switch door {
	case 0:
		return m.b.Post(ctx, e)
	case 1:
		r, err := m.b.PostAll(ctx, []ledger.Entry{e})
		if err != nil {
			return got, err
		}
		return r[0].Transfer, r[0].Err
	}
	err = m.b.d.WithTx(ctx, func(tx *db.Tx) error {
		list, err := m.b.PostTx(ctx, tx, e)
		if err == nil {
			got = list[0]
		}
		return err
	})
	return got, err
}

func (m *machine) step(t *rapid.T) {
	o := m.draw(t)
	want, replayed := m.expect(o)
	got, err := m.do(o, rapid.IntRange(0, 2).Draw(t, "door"))
	if code(err) != want || (replayed != "" && got.ID != replayed) {
		t.Fatalf("%+v: got %+v, %v, want %q %q", o, got, err, want, replayed)
	}
	if err == nil && replayed == "" {
		m.apply(o, got)
		m.orders, m.known = append(m.orders, o), append(m.known, got.ID)
	}
}

// check compares all balances.
func (m *machine) check(t interface{ Fatalf(string, ...any) }) {
	for id, a := range m.accounts {
		got, err := m.b.Balance(ctx, id)
		if err != nil || got.Posted.Minor != a.posted || got.PendingIn.Minor != a.in || got.PendingOut.Minor != a.out {
			t.Fatalf("balance %+v, %v, want %+v", got, err, *a)
		}
	}
}

// Whatever is asked, in whatever order and through whichever door, the ledger
// answers as the model says and has what the model has.
func TestTheLedgerIsItsModel(t *testing.T) {
	each(t, func(b *bank) {
		rapid.Check(b.T, func(t *rapid.T) {
			m := newMachine(b)
			t.Repeat(map[string]func(*rapid.T){
				"order": m.step, "more": m.step, "again": m.step,
				"fold": func(t *rapid.T) {
					if _, err := b.Fold(ctx); err != nil {
						t.Fatal(err)
					}
				},
				"later": func(*rapid.T) { b.clock.Advance(time.Second) },
				"check": func(t *rapid.T) { m.check(t) },
			})
			m.check(t)
		})
		b.sound()
	})
}
