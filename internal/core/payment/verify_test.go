package payment

import (
	"strings"
	"testing"
	"time"

	"standfast/internal/db"
)

// What a hand changes in a payment's row, or takes away, is found by comparing it
// with the ledger. Each change is undone before the next.
func TestAPaymentChangedByHandIsFound(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		settled, cancelled, held := h.pay(ada, 10_00), h.pay(ada, 20_00), h.pay(ada, 30_00)
		h.change(`UPDATE payment SET status = 'cancelled' WHERE id = $1`, held.ID) // out of the job's way
		_, err := h.Cancel(ctx, ada.ID, cancelled.ID)
		must(h, err)
		later := h.request(ada, 40_00)
		later.Date = "2026-03-20"
		_, err = h.Submit(ctx, later)
		must(h, err)
		h.drain()
		h.change(`UPDATE payment SET status = 'held' WHERE id = $1`, held.ID)
		h.verified("")

		for _, c := range []struct{ change, undo, id, says string }{
			{`UPDATE payment SET amount = amount + 1 WHERE id = $1`, `UPDATE payment SET amount = amount - 1 WHERE id = $1`, settled.ID, "is of 10.01 USD"},
			{`UPDATE payment SET currency = 'EUR' WHERE id = $1`, `UPDATE payment SET currency = 'USD' WHERE id = $1`, settled.ID, "10.00 EUR"},
			{`UPDATE payment SET status = 'held' WHERE id = $1`, `UPDATE payment SET status = 'settled' WHERE id = $1`, settled.ID, `is held, which its hold does not say: its end is "settle"`},
			{`UPDATE payment SET status = 'returned' WHERE id = $1`, `UPDATE payment SET status = 'settled' WHERE id = $1`, settled.ID, "is returned"},
			{`UPDATE payment SET status = 'settled' WHERE id = $1`, `UPDATE payment SET status = 'cancelled' WHERE id = $1`, cancelled.ID, "is settled"},
			{`UPDATE payment SET status = 'cancelled' WHERE id = $1`, `UPDATE payment SET status = 'held' WHERE id = $1`, held.ID, "is cancelled"},
			{`UPDATE payment SET hold_id = '' WHERE id = $1`, `UPDATE payment SET hold_id = (SELECT CAST(id AS TEXT) FROM ledger_transfer WHERE key = 'payment/' || CAST($1 AS TEXT)) WHERE CAST(id AS TEXT) = $1`, held.ID, "has no hold"},
			{`DELETE FROM payment WHERE id = $1`, ``, held.ID, "which does not exist"},
		} {
			h.change(c.change, c.id)
			h.verified(c.says)
			if c.undo != "" {
				h.change(c.undo, c.id)
				h.verified("")
			}
		}
	})
}

// Whatever becomes of payments, they agree with the ledger.
func TestPaymentsAgreeWithTheLedgerOnEveryWay(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		for _, a := range []Answer{{Outcome: Paid}, {Outcome: Refused, Code: "R03"}, {Outcome: SentBack, Code: "R01"}, {Outcome: Pending}} {
			h.bank.answers[""] = a
			p := h.pay(ada, 5_00)
			h.verified("")
			h.drain()
			h.verified("")
			if a.Outcome == Paid {
				must(h, h.Report(ctx, p.ID, Answer{Outcome: SentBack, Code: "R01"}))
				h.clock.Advance(time.Hour)
				h.verified("")
			}
		}
	})
}

func (h *house) change(query string, args ...any) {
	h.Helper()
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err }))
}

// verified wants a problem that says something, or none.
func (h *house) verified(says string) {
	h.Helper()
	r, err := Verify(ctx, h.db, h.Ledger)
	must(h, err)
	switch got := strings.Join(r.Problems, "\n"); {
	case says == "" && got != "", !strings.Contains(got, says):
		h.Fatalf("verify says %q, want %q", got, says)
	case r.Payments == 0:
		h.Fatal("no payment was looked at")
	}
}
