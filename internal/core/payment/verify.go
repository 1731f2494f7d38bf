package payment

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
)

// Report is what Verify found.
type Report struct {
	Payments int64
	Problems []string // the first that are wrong, named; empty when all is well
}

const (
	verifyPage  = 1000 // payments, or holds, looked at together
	maxProblems = 20   // that a Report names
	holdPrefix  = "payment/"
)

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify compares all payments with the ledger, in one consistent state: each
// amount and card with its hold, each status with what became of that, and each
// hold of a payment with its row. The ledger's own verification says whether the
// ledger can be believed.
func Verify(ctx context.Context, d *db.DB, l *ledger.Ledger) (Report, error) {
	var r Report
	err := d.View(ctx, func(tx *db.Tx) error {
		r = Report{}
		if err := verifyPayments(ctx, tx, l, &r); err != nil {
			return err
		}
		return verifyHolds(ctx, tx, l, &r)
	})
	return r, err
}

func verifyPayments(ctx context.Context, tx *db.Tx, l *ledger.Ledger, r *Report) error {
	for after := ""; ; {
		page, err := afterID(ctx, tx, after, verifyPage)
		if err != nil {
			return err
		}
		var holds []string
		for _, p := range page {
			if db.ValidID(p.holdID) {
				holds = append(holds, p.holdID)
			}
		}
		courses, err := l.Courses(ctx, tx, holds)
		if err != nil {
			return err
		}
		for _, p := range page {
			p.verify(courses, r)
		}
		r.Payments += int64(len(page))
		if len(page) < verifyPage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// afterID gives payments in the order of their ids.
func afterID(ctx context.Context, tx *db.Tx, after string, limit int) ([]record, error) {
	const first = "00000000-0000-0000-0000-000000000000"
	if after == "" {
		after = first
	}
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM payment WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return db.Collect(rows, err, func(r *sql.Rows) (record, error) { return scan(r) })
}

// verify compares one payment with the course of its hold.
func (p *record) verify(courses map[string]ledger.Course, r *Report) {
	c, found := courses[p.holdID]
	switch {
	case p.holdID == "":
		if p.Status != Scheduled && p.Status != Declined && p.Status != Cancelled {
			r.problem("payment %s is %s and has no hold", p.ID, p.Status)
		}
	case !found:
		r.problem("payment %s names a hold that does not exist", p.ID)
	case c.Hold.Key != holdPrefix+p.ID || c.Hold.Phase != ledger.Pending:
		r.problem("payment %s names a transfer that is not its hold", p.ID)
	case c.Hold.Amount != p.Amount || c.Hold.Credit != p.AccountID:
		r.problem("payment %s is of %s to %s, its hold of %s to %s", p.ID, p.Amount, p.AccountID, c.Hold.Amount, c.Hold.Credit)
	case !p.Status.fits(c):
		r.problem("payment %s is %s, which its hold does not say: its end is %q, taken back: %t", p.ID, p.Status, c.End, c.Reversed)
	}
}

// fits tells whether a hold went the way that a payment's status says.
func (s Status) fits(c ledger.Course) bool {
	switch s {
	case Held, Submitted:
		return c.End == ""
	case Settled:
		return c.End == ledger.Settle && !c.Reversed
	case Returned:
		return c.End == ledger.Void || c.End == ledger.Settle && c.Reversed
	case Declined, Cancelled:
		return c.End == ledger.Void
	}
	return false
}

// verifyHolds looks for holds of payments that are gone: money that nobody follows.
func verifyHolds(ctx context.Context, tx *db.Tx, l *ledger.Ledger, r *Report) error {
	for after := ""; ; {
		page, err := l.Holds(ctx, tx, holdPrefix, after, verifyPage)
		if err != nil {
			return err
		}
		for _, h := range page {
			id := strings.TrimPrefix(h.Key, holdPrefix)
			var n int
			if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM payment WHERE id = $1 AND hold_id = $2`, id, h.ID).Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				r.problem("the hold %s of %s belongs to payment %s, which does not exist or does not name it", h.ID, h.Amount, id)
			}
		}
		if len(page) < verifyPage {
			return nil
		}
		after = page[len(page)-1].Key
	}
}
