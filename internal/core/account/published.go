package account

import (
	"context"
	"database/sql"
	"encoding/json"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/money"
)

// Published is an account as the cell's stand-in knows it.
type Published struct {
	Kind             string        `json:"kind"`
	Name             string        `json:"name"`
	Last4            string        `json:"last4"`
	Currency         string        `json:"currency"`
	CreditLimit      *money.Amount `json:"credit_limit"`
	StatementBalance *money.Amount `json:"statement_balance"`
	MinimumDue       *money.Amount `json:"minimum_due"`
	DueOn            string        `json:"due_on"`
	Status           string        `json:"status"`
	Local            bool          `json:"local"` // kept by our own ledger
}

// Published gives the account's published form.
func (a Account) Published() Published {
	return Published{Kind: a.Kind, Name: a.Name, Last4: a.Last4, Currency: a.Currency, CreditLimit: a.CreditLimit, StatementBalance: a.StatementBalance,
		MinimumDue: a.MinimumDue, DueOn: a.DueOn, Status: a.Status, Local: a.Source == LedgerSource}
}

// AccountsTx gives accounts by their ids, in the caller's transaction; unknown ids are left out.
func (s *Service) AccountsTx(ctx context.Context, tx *db.Tx, ids []string) ([]Account, error) {
	these, arg := tx.In("id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account WHERE `+these, arg)
	return db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return scan(r) })
}

// IDsTx lists accounts from just behind an id.
func (s *Service) IDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT $2`, db.After(after), limit)
}

// LastKnown is the last good answer of a source outside our database.
type LastKnown struct {
	Balance *Balance      // nil where only transactions are known
	Items   []Transaction // newest first
}

// LastKnownTx gives what was last known of accounts that live elsewhere.
func (s *Service) LastKnownTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]LastKnown, error) {
	these, arg := tx.In("account_id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT account_id, body FROM account_last_known WHERE `+these, arg)
	all := map[string]LastKnown{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) {
		var body string
		var k known
		if err := r.Scan(&id, &body); err != nil {
			return id, err
		}
		if err := json.Unmarshal([]byte(body), &k); err != nil {
			s.config.Log.ErrorContext(ctx, "a last known balance cannot be read", "account", id, "err", err)
			return id, nil
		}
		all[id] = LastKnown{Balance: k.Balance, Items: k.Items}
		return id, nil
	})
	return all, err
}

// lastKnownChanged tells followers that something newer is known of an account.
func lastKnownChanged(ctx context.Context, tx *db.Tx, rows []lastKnownRow) error {
	changes := make([]outbox.Change, len(rows))
	for i, r := range rows {
		changes[i] = outbox.Change{Entity: "last-known", EntityID: r.id, Kind: "saved", Version: db.Micros(tx.Now), Payload: map[string]string{}}
	}
	return outbox.Append(ctx, tx, changes...)
}
