package ledger

import (
	"database/sql"
	"strings"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// A page costs the same on an account with a million postings: both engines walk
// the account's indexes backwards and stop, and sort nothing but the page.
func TestAPageWalksItsIndexes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		explain, column := `EXPLAIN QUERY PLAN `, 3
		want := []string{"USING INDEX ledger_transfer_debit (debit=? AND effective_at>? AND effective_at<?)", "USING INDEX ledger_transfer_credit (credit=? AND effective_at>? AND effective_at<?)"}
		if d.Engine() == db.PostgreSQL {
			explain, column = `EXPLAIN `, 0
			want = []string{"Index Scan Backward using ledger_transfer_debit", "Index Scan Backward using ledger_transfer_credit"}
		}
		plan := explained(t, d, explain+pageSQL, column, db.NewID(), int64(0), int64(5), lastID, 51)
		for _, w := range want {
			if !strings.Contains(plan, w) {
				t.Errorf("%q is not in\n%s", w, plan)
			}
		}
	})
}

func explained(t *testing.T, d *db.DB, query string, column int, args ...any) string {
	t.Helper()
	var lines []string
	err := d.View(t.Context(), func(tx *db.Tx) (err error) {
		rows, err := tx.Query(t.Context(), query, args...)
		lines, err = db.Collect(rows, err, func(r *sql.Rows) (string, error) {
			columns, err := r.Columns()
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			values[column] = new(string)
			if err == nil {
				err = r.Scan(values...)
			}
			return *values[column].(*string), err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
