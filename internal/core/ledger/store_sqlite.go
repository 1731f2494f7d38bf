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

const (
	sqliteInsert  = `INSERT INTO ledger_transfer VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	sqliteBalance = `UPDATE ledger_account SET posted = $2, pending_in = $3, pending_out = $4, count = $5 WHERE id = $1`
	sqliteDelta   = `INSERT INTO ledger_delta VALUES ($1, $2, $3, $4, $5, $6)`
	sqliteTimed   = `INSERT INTO ledger_expiry VALUES ($1, $2)`
	sqliteEnded   = `DELETE FROM ledger_expiry WHERE transfer_id = $1`
	sqliteBatch   = `INSERT INTO ledger_batch (id, count, recorded_at, digest) VALUES ($1, $2, $3, $4)`
)

func saveSQLite(ctx context.Context, tx *db.Tx, c changes) error {
	w := writer{ctx: ctx, tx: tx}
	for i, t := range c.transfers {
		w.exec(sqliteInsert, t.ID, t.Key, t.Debit, t.Credit, t.Amount.Minor, t.Amount.Currency, string(t.Phase), optional(t.Resolves),
			t.Kind, t.Description, t.Ref, t.Fact, db.Micros(t.EffectiveAt), db.Micros(t.RecordedAt), db.Micros(t.ExpiresAt), c.digests[i])
	}
	for _, a := range c.balances {
		w.exec(sqliteBalance, a.id, a.is.posted, a.is.in, a.is.out, a.is.count)
	}
	for _, a := range c.deltas {
		d := a.is.minus(a.was)
		w.exec(sqliteDelta, a.id, c.batch, d.posted, d.in, d.out, d.count)
	}
	for _, t := range c.timed {
		w.exec(sqliteTimed, t.ID, db.Micros(t.ExpiresAt))
	}
	for _, id := range c.endedTimed {
		w.exec(sqliteEnded, id)
	}
	w.exec(sqliteBatch, c.batch, len(c.transfers), c.recordedAt, c.digest)
	return w.err
}

// writer runs statements until one fails.
type writer struct {
	ctx context.Context
	tx  *db.Tx
	err error
}

func (w *writer) exec(query string, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.Exec(w.ctx, query, args...)
	}
}

// optional gives NULL for the empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
