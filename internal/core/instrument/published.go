package instrument

import (
	"context"
	"database/sql"

	"standfast/internal/db"
)

// MethodsTx gives methods by their ids; those that were removed are left out.
func (s *Service) MethodsTx(ctx context.Context, tx *db.Tx, ids []string) ([]Method, error) {
	these, arg := tx.In("m.id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, selectMethod+`WHERE m.status <> 'removed' AND `+these, arg)
	return db.Collect(rows, err, func(r *sql.Rows) (Method, error) { return scanMethod(r) })
}

// IDsTx lists methods from just behind an id.
func (s *Service) IDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM payment_method WHERE status <> 'removed' AND id > $1 ORDER BY id LIMIT $2`, db.After(after), limit)
}

// IDsOfTx lists a member's methods.
func (s *Service) IDsOfTx(ctx context.Context, tx *db.Tx, memberID string) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM payment_method WHERE status <> 'removed' AND member_id = $1 ORDER BY id`, memberID)
}
