package account

import (
	"context"
	"database/sql"
	"fmt"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
)

const (
	verifyPage  = 1000 // accounts compared together
	maxProblems = 20   // that Verify names
)

// Verify compares every account that our ledger keeps with the ledger's account of
// the same id: its book, its currency, and its floor with the credit limit. It names
// the first that differ.
func Verify(ctx context.Context, d *db.DB, l *ledger.Ledger) (problems []string, err error) {
	err = d.View(ctx, func(tx *db.Tx) error {
		problems = nil
		for after := "00000000-0000-0000-0000-000000000000"; ; {
			rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3`, LedgerSource, after, verifyPage)
			page, err := db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return scan(r) })
			if err != nil || len(page) == 0 {
				return err
			}
			ids := make([]string, len(page))
			for i, a := range page {
				ids[i] = a.ID
			}
			terms, err := l.Terms(ctx, tx, ids)
			if err != nil {
				return err
			}
			for _, a := range page {
				if p := a.differs(terms[a.ID]); p != "" && len(problems) < maxProblems {
					problems = append(problems, p)
				}
			}
			after = page[len(page)-1].ID
		}
	})
	return problems, err
}

// differs says what of an account contradicts the ledger's, or "".
func (a Account) differs(t ledger.AccountSpec) string {
	switch least := floor(a); {
	case t.ID == "":
		return fmt.Sprintf("account %s is not in the ledger", a.ID)
	case t.Book != Book || t.Folded || t.Ceiling != nil || t.Currency != a.Currency:
		return fmt.Sprintf("account %s was changed: the ledger keeps another kind of account of its id", a.ID)
	case t.Floor == nil || *t.Floor != *least:
		return fmt.Sprintf("account %s was changed: its credit limit is not the ledger's floor", a.ID)
	}
	return ""
}
