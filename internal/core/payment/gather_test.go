package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// sides opens two processes on one database; on PostgreSQL each has connections
// of its own.
func sides(t *testing.T, c Config, test func(h *house, sides [2]*Service)) {
	t.Run("sqlite", func(t *testing.T) {
		clock := dbtest.NewClock()
		h := newHouse(t, dbtest.SQLite(t, db.Options{Now: clock.Now}), clock, c)
		test(h, [2]*Service{h.Service, h.replica(h.db)})
	})
	t.Run("postgresql", func(t *testing.T) {
		clock := dbtest.NewClock()
		url := dbtest.PostgreSQLURL(t)
		var d [2]*db.DB
		for i := range d {
			var err error
			d[i], err = db.Open(ctx, url, db.Options{Now: clock.Now, MaxConns: 12})
			must(t, err)
			t.Cleanup(func() { d[i].Close() })
		}
		must(t, d[0].Migrate(ctx))
		h := newHouse(t, d[0], clock, c)
		test(h, [2]*Service{h.Service, h.replica(d[1])})
	})
}

// room has a card take no more than an amount beyond what it owes.
func (h *house) room(p person, minor int64) {
	h.Helper()
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE ledger_account SET ceiling = posted + $2 WHERE id = $1`, p.card.ID, minor)
		must(h, err)
		terms, err := h.Ledger.Terms(ctx, tx, []string{p.card.ID})
		must(h, err)
		return h.Ledger.SetFloor(ctx, tx, p.card.ID, terms[p.card.ID].Floor) // with the digest of the new terms
	}))
}

// order makes an order as Submit does.
func (h *house) order(s *Service, q Request) *order {
	h.Helper()
	o, err := s.newOrder(ctx, q)
	must(h, err)
	return o
}

// asked is a request with what its caller was told.
type asked struct {
	Request
	verdict
}

// party is requests of two members who ask at the same time, and the room that the
// first one's card has.
type party struct {
	*house
	sides   [2]*Service
	people  [2]person
	limit   int64
	asked   []asked
	batches [][]int // of asked, each for one transaction or more
}

// drawParty draws requests that share keys with each other, so that contents are
// repeated and differ, and some that cannot be paid.
func drawParty(rt *rapid.T, h *house, sides [2]*Service, people [2]person) *party {
	p := &party{house: h, sides: sides, people: people, limit: 100_00}
	n := rapid.IntRange(2, 24).Draw(rt, "requests")
	for range n {
		i := rapid.IntRange(0, 1).Draw(rt, "member")
		q := h.request(people[i], rapid.SampledFrom([]int64{10_00, 45_00, 100_01}).Draw(rt, "amount"))
		q.Key = fmt.Sprintf("%s-%d", people[0].ID, rapid.IntRange(0, n/2).Draw(rt, "key"))
		if rapid.IntRange(0, 5).Draw(rt, "later") == 0 {
			q.Date = "2026-03-04"
		}
		if rapid.IntRange(0, 9).Draw(rt, "foreign") == 0 {
			q.MethodID = people[1-i].method.ID
		}
		p.asked = append(p.asked, asked{Request: q})
	}
	p.batches = make([][]int, rapid.IntRange(1, 4).Draw(rt, "batches"))
	for i := range n {
		b := rapid.IntRange(0, len(p.batches)-1).Draw(rt, "batch")
		p.batches[b] = append(p.batches[b], i)
	}
	return p
}

// ask has all batches taken at the same time, in turn by one process and the other.
func (p *party) ask() {
	var wg sync.WaitGroup
	for b, batch := range p.batches {
		s := p.sides[b%2]
		orders := make([]*order, len(batch))
		for i, n := range batch {
			orders[i] = p.order(s, p.asked[n].Request)
		}
		wg.Go(func() {
			for i, v := range s.takeTogether(orders) {
				p.asked[batch[i]].verdict = p.heard(s, orders[i], v)
			}
		})
	}
	wg.Wait()
}

// heard is what the caller is told, as Submit does it: a refusal counts only where
// nothing stands under the key. The other process may have taken the same request,
// and left no room on the card, since this one looked.
func (p *party) heard(s *Service, o *order, v verdict) verdict {
	if v.err == nil {
		return v
	}
	if first, found, err := s.replay(ctx, o.Request); found || err != nil {
		return verdict{first, err}
	}
	return v
}

// check holds every answer to what is there: each key has one payment, whose
// contents got it and no others; what was refused was refused for its own reason;
// each payment has its row, its hold, its change and its job.
func (p *party) check(rt *rapid.T, before [2]books) {
	won := map[keyOf]asked{}
	for _, a := range p.asked {
		name := keyOf{a.Session.MemberID, a.Key}
		if first, ok := won[name]; ok && a.err == nil && (first.payment.ID != a.payment.ID || !slices.Equal(first.contents(), a.contents())) {
			rt.Fatalf("one key was answered with %+v and %+v", first.payment, a.payment)
		}
		if a.err == nil {
			won[name] = a
		}
	}
	var after [2]books
	for i, who := range p.people {
		after[i] = before[i]
		for name, a := range won {
			if name.memberID == who.ID {
				after[i].add(a.payment)
			}
		}
		if got := p.books(rt, who); got != after[i] {
			rt.Fatalf("%s has %+v, want %+v", who.Username, got, after[i])
		}
	}
	if after[0].held > p.limit {
		rt.Fatalf("%d is held", after[0].held)
	}
	for _, a := range p.asked {
		if a.err != nil {
			p.checkRefusal(rt, a, won, p.limit-after[0].held)
		}
	}
}

// checkRefusal wants a refusal's reason to be true. room is what the first
// member's card can still take; it only ever shrank.
func (p *party) checkRefusal(rt *rapid.T, a asked, won map[keyOf]asked, room int64) {
	first, taken := won[keyOf{a.Session.MemberID, a.Key}]
	e := fault.As(a.err)
	code := e.Code
	if len(e.Fields) == 1 {
		code = e.Fields[0].Code
	}
	holds := false
	switch code {
	case "idempotency.key-reused":
		holds = taken && !slices.Equal(first.contents(), a.contents())
	case "method.not-found":
		i := slices.IndexFunc(p.people[:], func(who person) bool { return who.ID == a.Session.MemberID })
		holds = a.MethodID != p.people[i].method.ID
	case "payment.limit":
		holds = a.Session.MemberID == p.people[0].ID && a.Date == "" && a.Amount.Minor > room
	}
	if !holds {
		rt.Fatalf("%+v was refused: %v", a.Request, a.err)
	}
	if taken && slices.Equal(first.contents(), a.contents()) {
		rt.Fatalf("%+v was refused, and yet is there: %+v", a.Request, first.payment)
	}
}

// books is what is stored for a member's payments, and what stands beside all
// payments there are, each of which has one change and one job.
type books struct {
	payments            int
	held                int64 // on the card
	lonely, doubledJobs int
}

func (b *books) add(p Payment) {
	b.payments++
	if p.Status == Held {
		b.held += p.Amount.Minor
	}
}

func (p *party) books(rt *rapid.T, who person) (b books) {
	err := p.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COUNT(*), (SELECT COUNT(*) FROM payment) - (SELECT COUNT(DISTINCT entity_id) FROM outbox WHERE entity = 'payment' AND version = 1),
			(SELECT COUNT(*) FROM payment) - (SELECT COUNT(*) FROM river_job WHERE kind = 'payment.advance')
			FROM payment WHERE member_id = $1`, who.ID).Scan(&b.payments, &b.lonely, &b.doubledJobs)
	})
	balance, err2 := p.Ledger.Balance(ctx, who.card.ID)
	if err := errors.Join(err, err2); err != nil {
		rt.Fatal(err)
	}
	b.held = balance.PendingIn.Minor
	return b
}

// Requests that come together at two processes, with keys in common and some that
// cannot be paid: each gets the answer that it would get alone.
func TestPaymentsThatComeTogether(t *testing.T) {
	sides(t, Config{Rules: USRules()}, func(h *house, sides [2]*Service) {
		round := 0
		wide := h.person("bob")
		rapid.Check(h.TB.(*testing.T), func(rt *rapid.T) {
			round++
			narrow := h.someone(member.Spec{Username: fmt.Sprintf("member-%d", round)})
			p := drawParty(rt, h, sides, [2]person{narrow, wide})
			h.room(narrow, p.limit)
			before := [2]books{p.books(rt, narrow), p.books(rt, wide)}
			p.ask()
			p.check(rt, before)
		})
		h.clean()
	})
}

// A double click at two processes, among many others, through the front.
func TestManyMembersAtOnce(t *testing.T) {
	sides(t, Config{Rules: USRules()}, func(h *house, sides [2]*Service) {
		people := []person{h.person("ada"), h.person("bob"), h.person("eve")}
		const many = 48
		var wg sync.WaitGroup
		ids := make([]string, 2*many)
		for n := range many {
			q := h.request(people[n%3], 1_00)
			for twice, s := range sides {
				wg.Go(func() {
					p, err := s.Submit(ctx, q)
					if err != nil {
						h.Error(err)
					}
					ids[2*n+twice] = p.ID
				})
			}
		}
		wg.Wait()
		for n := range many {
			if ids[2*n] != ids[2*n+1] {
				h.Fatal("a double click paid twice", ids[2*n:2*n+2])
			}
		}
		for _, who := range people {
			if b, err := h.Ledger.Balance(ctx, who.card.ID); err != nil || b.PendingIn.Minor != many/3*1_00 {
				h.Fatal(b, err)
			}
		}
		h.clean()
	})
}

// What breaks the transaction that it shares fails by itself.
func TestAPaymentThatBreaksTheTransactionFailsAlone(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		h.Contact = func(ctx context.Context, id string) (Contact, error) {
			if id == bob.ID {
				return Contact{Email: "nowhere"}, nil // no message can be sent there
			}
			return h.contact(ctx, id)
		}
		var orders []*order
		for _, who := range []person{ada, bob, ada} {
			q := h.request(who, 1_00)
			q.Date = "2026-03-09"
			orders = append(orders, h.order(h.Service, q))
		}
		got := h.takeTogether(orders)
		refused(h, got[1].err, fault.Invalid, "notify.address")
		for _, i := range []int{0, 2} {
			if got[i].err != nil || got[i].payment.Status != Scheduled {
				h.Fatalf("%+v", got[i])
			}
		}
		h.clean()
	})
}

// Payments of one transaction use up the low-value exemption one after the other
// (RTS (EU) 2018/389 Art 16).
func TestTheExemptionIsCountedWithinATransaction(t *testing.T) {
	eachWith(t, Config{Rules: EURules()}, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		var orders []*order
		for _, who := range []person{ada, ada, bob, ada, ada} {
			orders = append(orders, h.order(h.Service, h.request(who, 30_00)))
		}
		for i, v := range h.takeTogether(orders) {
			if asks := errors.Is(v.err, errNeedsProof); asks != (i == 4) || v.err != nil && !asks {
				h.Fatal(i, v.err)
			}
		}
	})
}

// Whoever gives up is told either that nothing was done or that nobody knows, and
// asking again is always right.
func TestCallersWhoGiveUp(t *testing.T) {
	sides(t, Config{Rules: USRules()}, func(h *house, sides [2]*Service) {
		ada := h.person("ada")
		h.pay(ada, 1_00) // what is read once a process is known now
		const many = 60
		var wg sync.WaitGroup
		requests := make([]Request, many)
		for i := range requests {
			requests[i] = h.request(ada, 1_00)
			wg.Go(func() {
				brief, cancel := context.WithTimeout(ctx, time.Duration(i)*200*time.Microsecond)
				defer cancel()
				_, err := sides[i%2].Submit(brief, requests[i])
				if err != nil && !fault.Is(err, fault.Unavailable) {
					h.Error(err)
				}
				if err != nil && fault.As(err).Code != "payment.unknown" {
					if _, found, again := h.replay(ctx, requests[i]); found || again != nil {
						h.Error("is there although it was said that nothing was done:", err, again)
					}
				}
			})
		}
		wg.Wait()
		for _, q := range requests {
			_, err := h.Submit(ctx, q)
			must(h, err)
		}
		if b, err := h.Ledger.Balance(ctx, ada.card.ID); err != nil || b.PendingIn.Minor != (many+1)*1_00 {
			h.Fatal(b, err)
		}
		h.clean()
	})
}

// A commit that is done and not answered, or does not arrive, is run again: the
// payment is there once and was acknowledged. When nobody ever answers it is said
// to be unknown.
func TestCommitsWithoutAnAnswer(t *testing.T) {
	clock := dbtest.NewClock()
	way := dbtest.NewLossy(t, dbtest.PostgreSQLURL(t))
	d, err := db.Open(ctx, way.URL, db.Options{Now: clock.Now, MaxConns: 8})
	must(t, err)
	t.Cleanup(func() { d.Close() })
	must(t, d.Migrate(ctx))
	h := newHouse(t, d, clock, Config{Rules: USRules()})
	ada := h.person("ada")
	h.signIn(&ada)
	h.pay(ada, 1_00)

	proved := h.request(ada, 500_01)
	_, err = h.Submit(ctx, proved)
	proved.Proof = h.prove(ada, err, "$500.01")

	way.Answers.Store(1)
	h.pay(ada, 2_00)
	way.Commits.Store(1)
	h.pay(ada, 4_00)
	way.Answers.Store(1)
	_, err = h.Submit(ctx, proved)
	must(h, err)
	if way.Lost() != 3 {
		t.Fatal("lost", way.Lost())
	}
	way.Answers.Store(maxRuns)
	q := h.request(ada, 8_00)
	_, err = h.Submit(ctx, q) // taken by the first run, found by each further one
	refused(t, err, fault.Unavailable, "payment.unknown")
	way.Answers.Store(0)
	if _, err := h.Submit(ctx, q); err != nil {
		t.Fatal(err)
	}
	if b, err := h.Ledger.Balance(ctx, ada.card.ID); err != nil || b.Posted.Minor+b.PendingIn.Minor != -1000_00+1_00+2_00+4_00+500_01+8_00 {
		t.Fatal(b, err)
	}
	h.clean()
}
