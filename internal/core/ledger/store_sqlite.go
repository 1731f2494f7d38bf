package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"standfast/internal/db"
)

// SQLite has one writer, and a Tx that may write is it: nothing needs a lock.

var (
	sqliteAccounts = `SELECT ` + accountColumns + ` FROM json_each($1) j JOIN ledger_account a ON a.id = j.value`
	sqliteKeys     = `SELECT ` + transferColumns + ` FROM json_each($1) j JOIN ledger_transfer t ON t.key = j.value`
	sqliteFamily   = fmt.Sprintf(familySQL, `IN (SELECT value FROM json_each($1))`)
)

func loadSQLite(ctx context.Context, tx *db.Tx, s *state, n need) error {
	if err := readTransfers(ctx, tx, s, sqliteKeys, n.keys); err != nil {
		return err
	}
	if err := readTransfers(ctx, tx, s, sqliteFamily, n.ends); err != nil {
		return err
	}
	for _, id := range n.ends {
		if t := s.byID[id]; t != nil {
			n.accounts = append(n.accounts, t.Debit, t.Credit)
		}
	}
	rows, err := tx.Query(ctx, sqliteAccounts, list(distinct(n.accounts)))
	accounts, err := db.Collect(rows, err, func(r *sql.Rows) (*account, error) { return scanAccount(r) })
	for _, a := range accounts {
		s.accounts[a.id] = a
	}
	return err
}

func readTransfers(ctx context.Context, tx *db.Tx, s *state, query string, of []string) error {
	if len(of) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, query, list(of))
	transfers, err := db.Collect(rows, err, func(r *sql.Rows) (*Transfer, error) { return scanTransfer(r) })
	for _, t := range transfers {
		s.know(t)
	}
	return err
}

// list gives the JSON array that stands for a list of parameters.
func list(of []string) string {
	b, _ := json.Marshal(of) // strings always marshal
	return string(b)
}

// Tables as saveSQLite writes them.
var (
	sqliteTransfers = db.Into{Table: "ledger_transfer", Columns: `id uuid, key text, debit uuid, credit uuid, amount bigint, currency text, phase text,
		resolves uuid, kind text, description text, ref text, fact boolean, effective_at bigint, recorded_at bigint, expires_at bigint, digest bytea`}
	sqliteBalances = db.Into{Table: "ledger_account", Columns: `id uuid, posted bigint, pending_in bigint, pending_out bigint, count bigint`}
	sqliteDeltas   = db.Into{Table: "ledger_delta", Columns: `account_id uuid, batch_id uuid, posted bigint, pending_in bigint, pending_out bigint, count bigint`}
	sqliteTimed    = db.Into{Table: "ledger_expiry", Columns: `transfer_id uuid, expires_at bigint`}
	sqliteBatches  = db.Into{Table: "ledger_batch", Columns: `id uuid, count bigint, recorded_at bigint, digest bytea`}
)

func saveSQLite(ctx context.Context, tx *db.Tx, c changes) error {
	for _, step := range []struct {
		write func(context.Context, db.Into, [][]any) error
		into  db.Into
		rows  [][]any
	}{
		{tx.InsertAll, sqliteTransfers, transferRows(c)},
		{tx.UpdateAll, sqliteBalances, column(c.balances, balanceRow)},
		{tx.InsertAll, sqliteDeltas, column(c.deltas, func(a *account) []any { return a.deltaRow(c.batch) })},
		{tx.InsertAll, sqliteTimed, column(c.timed, func(t *Transfer) []any { return []any{t.ID, db.Micros(t.ExpiresAt)} })},
		{tx.InsertAll, sqliteBatches, [][]any{{c.batch, len(c.transfers), c.recordedAt, c.digest}}},
	} {
		if err := step.write(ctx, step.into, step.rows); err != nil {
			return err
		}
	}
	for _, id := range c.endedTimed {
		if _, err := tx.Exec(ctx, `DELETE FROM ledger_expiry WHERE transfer_id = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

func balanceRow(a *account) []any {
	return []any{a.id, a.is.posted, a.is.in, a.is.out, a.is.count}
}

func (a *account) deltaRow(batch string) []any {
	d := a.is.minus(a.was)
	return []any{a.id, batch, d.posted, d.in, d.out, d.count}
}

func transferRows(c changes) [][]any {
	rows := make([][]any, len(c.transfers))
	for i, t := range c.transfers {
		rows[i] = []any{t.ID, t.Key, t.Debit, t.Credit, t.Amount.Minor, t.Amount.Currency, string(t.Phase), optional(t.Resolves),
			t.Kind, t.Description, t.Ref, t.Fact, db.Micros(t.EffectiveAt), db.Micros(t.RecordedAt), db.Micros(t.ExpiresAt), c.digests[i]}
	}
	return rows
}

// optional gives NULL for the empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
