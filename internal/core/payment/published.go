package payment

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"

	"standfast/internal/db"
	"standfast/internal/money"
)

// Published is a payment as the cell's stand-in knows it. The key's hash tells it
// that an intention is taken already; the key itself stays with the member.
type Published struct {
	MemberID      string       `json:"member_id"`
	AccountID     string       `json:"account_id"`
	MethodID      string       `json:"payment_method_id"`
	MethodDisplay string       `json:"payment_method"`
	Amount        money.Amount `json:"amount"`
	Status        Status       `json:"status"`
	Confirmation  string       `json:"confirmation_number"`
	Date          string       `json:"date"`
	CreditedOn    string       `json:"credited_on"`
	MadeAt        string       `json:"made_at"`
	KeyHash       string       `json:"key_hash"` // SHA-256 of member id, line feed, Idempotency-Key
	Proved        bool         `json:"proved"`   // by a step-up; the counters of RTS Art 16 begin anew with it
}

func (r record) published() Published {
	sum := sha256.Sum256([]byte(r.MemberID + "\n" + r.key))
	return Published{MemberID: r.MemberID, AccountID: r.AccountID, MethodID: r.MethodID, MethodDisplay: r.MethodDisplay, Amount: r.Amount, Status: r.Status,
		Confirmation: r.ConfirmationNumber, Date: r.Date, CreditedOn: r.CreditedOn, MadeAt: r.CreatedAt.Format("2006-01-02T15:04:05.000000Z"), KeyHash: hex.EncodeToString(sum[:]), Proved: r.proved}
}

// PublishedTx gives payments by their ids.
func (s *Service) PublishedTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	these, arg := tx.In("id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM payment WHERE `+these, arg)
	all := map[string]any{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (record, error) {
		p, err := scan(r)
		all[p.ID] = p.published()
		return p, err
	})
	return all, err
}

// IDsTx lists payments from just behind an id.
func (s *Service) IDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM payment WHERE id > $1 ORDER BY id LIMIT $2`, db.After(after), limit)
}
