package payment

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// A process may end between any two steps. Whatever it left is taken up by
// another process, and the payment is collected once and arrives.
func TestACrashAfterAnyStep(t *testing.T) {
	for name, crash := range map[string]func(h *house, p Payment){
		"after the answer to the member": func(*house, Payment) {},
		"after submitted is stored, before the rail is called": func(h *house, p Payment) {
			r := h.at(p)
			must(h, h.steppedTo(&r, Submitted, func(ctx context.Context) { h.bank.lose = true }))
			h.bank.lose = false
		},
		"after the rail took it, before its answer is stored": func(h *house, p Payment) {
			r := h.at(p)
			died, die := context.WithCancel(ctx)
			h.bank.before = die
			if _, _, err := h.step(died, &r); err == nil {
				h.Fatal("the step went on without its process")
			}
			h.bank.before = nil
			if h.bank.taken[p.ID] != 1 {
				h.Fatal("the rail did not take it")
			}
		},
		"after the outcome is stored, before the job is done": func(h *house, p Payment) { must(h, h.advance(ctx, p.ID)) },
		"with a job that was given up": func(h *house, p Payment) {
			must(h, h.db.WithTx(ctx, forgetJobs))
			h.drain()
			h.wants(p, Held, -1000_00, 100_00)
			h.clock.Advance(time.Hour)
			if n, err := h.Sweep(ctx); err != nil || n != 1 {
				h.Fatal(n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				p := h.pay(h.person("ada"), 100_00)
				crash(h, p)
				h.Service = h.replica(h.db) // the process that comes after
				for range 4 {
					h.clock.Advance(2 * time.Hour)
					h.drain()
				}
				h.wants(p, Settled, -900_00, 0)
				if h.bank.taken[p.ID] != 1 {
					h.Fatal(h.bank.taken)
				}
				if n, err := h.Sweep(ctx); err != nil || n != 0 {
					h.Fatal("something still waits", n, err)
				}
				h.clean()
			})
		})
	}
}

// at gives a payment's row as a job reads it.
func (h *house) at(p Payment) record {
	h.Helper()
	r, err := h.load(ctx, p.ID)
	must(h, err)
	return r
}

// steppedTo takes one step under a fault and checks where it ended.
func (h *house) steppedTo(r *record, want Status, with func(context.Context)) error {
	with(ctx)
	_, _, err := h.step(ctx, r)
	if err == nil && r.Status != want {
		err = errors.New("stands at " + string(r.Status))
	}
	return err
}

// Two processes that take the same step at the same moment take it once.
func TestTwoWorkersOnOnePayment(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		for range 5 {
			p := h.pay(ada, 10_00)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { must(h, h.advance(ctx, p.ID)) })
			}
			wg.Wait()
			if got := h.get(p); got.Status != Settled || len(got.Events) != 3 {
				h.Fatalf("%+v", got)
			}
		}
		h.clean()
	})
}

// A double click sends the same request twice at once.
func TestTheSameRequestAtTheSameMoment(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		q := h.request(ada, 10_00)
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				p, err := h.Submit(ctx, q)
				if err != nil {
					h.Error(err)
				}
				ids[i] = p.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				h.Fatal(ids)
			}
		}
		h.drain()
		h.wants(Payment{ID: ids[0], MemberID: ada.ID, AccountID: ada.card.ID}, Settled, -990_00, 0)
		h.clean()
	})
}

// Cancelling and submitting race: one wins, and the other knows.
func TestCancelAgainstSubmit(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		for range 8 {
			p := h.pay(ada, 10_00)
			var wg sync.WaitGroup
			var cancelled error
			wg.Go(func() { _, cancelled = h.Cancel(ctx, ada.ID, p.ID) })
			wg.Go(func() { must(h, h.advance(ctx, p.ID)) })
			wg.Wait()
			got := h.get(p)
			switch {
			case cancelled == nil && (got.Status != Cancelled || h.bank.taken[p.ID] != 0):
				h.Fatalf("cancelled, and yet %+v", got)
			case cancelled != nil && (!fault.Is(cancelled, fault.Conflict) || got.Status != Settled):
				h.Fatalf("%v, and yet %+v", cancelled, got)
			}
		}
		h.clean()
	})
}

// A cancellation that has read the payment while it was held waits for the card's
// balance, and finds then that the payment was settled: it says so.
func TestCancelAgainstSettling(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		p := h.pay(ada, 10_00)
		var wg sync.WaitGroup
		var cancelled error
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
			r, err := byID(ctx, tx, p.ID)
			must(h, err)
			must(h, r.move(Submitted, "", ""))
			must(h, h.save(ctx, tx, &r))
			must(h, h.conclude(ctx, tx, &r, Settled, Answer{Outcome: Paid}, addressee{}))
			wg.Go(func() { _, cancelled = h.Cancel(ctx, ada.ID, p.ID) })
			h.untilSomebodyWaits(tx)
			return nil
		}))
		wg.Wait()
		refused(h, cancelled, fault.Conflict, "payment.cancel-settled")
		h.wants(p, Settled, -990_00, 0)
		h.clean()
	})
}

// A payment whose row and hold contradict each other is given up after some rounds.
func TestAContradictionIsNotLookedAtForever(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		p := h.pay(ada, 10_00)
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
			r, err := byID(ctx, tx, p.ID)
			must(h, err)
			_, err = h.Ledger.VoidTx(ctx, tx, "by hand", r.holdID, time.Time{})
			return err
		}))
		_, err := h.Cancel(ctx, ada.ID, p.ID)
		refused(h, err, fault.Conflict, "payment.moved")
		refused(h, h.advance(ctx, p.ID), fault.Conflict, "payment.moved")
		refused(h, h.Report(ctx, p.ID, Answer{Outcome: Paid}), fault.Conflict, "payment.moved")
	})
}

// A payment that is being taken holds its method: the removal waits and is then
// refused. A removal under way is waited for, and the payment is refused.
func TestRemovingAMethodAgainstPaying(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		var wg sync.WaitGroup
		var removed, paid error
		o, err := h.newOrder(ctx, h.request(ada, 10_00))
		must(h, err)
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
			must(h, h.look(ctx, tx, []*order{o}))
			wg.Go(func() { removed = h.RemoveMethod(ctx, ada.ID, ada.method.ID) })
			h.untilSomebodyWaits(tx)
			return h.take(ctx, tx, []*order{o})
		}))
		wg.Wait()
		refused(h, removed, fault.Conflict, "method.in-use")

		q := h.request(bob, 10_00)
		must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
			must(h, h.Instruments.Remove(ctx, tx, bob.ID, bob.method.ID, ""))
			wg.Go(func() { _, paid = h.Submit(ctx, q) })
			h.untilSomebodyWaits(tx)
			return nil
		}))
		wg.Wait()
		refused(h, paid, fault.NotFound, "method.not-found")
		h.drain()
		list, _, err := h.List(ctx, ada.ID, "", "", 0)
		must(h, err)
		if len(list) != 1 || list[0].Status != Settled {
			h.Fatalf("%+v", list)
		}
		h.clean()
	})
}

// forgetJobs is what a backup without the queue, or a job given up, leaves.
func forgetJobs(tx *db.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM river_job`)
	return err
}
