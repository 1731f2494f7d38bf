package passkey

import (
	"context"
	"database/sql"

	"standfast/internal/db"
)

// PublishedTx gives the public halves of passkeys by their ids, of whatever kind
// of owner is meant.
func PublishedTx(ctx context.Context, tx *db.Tx, kind Kind, ids []string) (map[string]any, error) {
	these, arg := tx.In("p.id", "uuid", 2, ids)
	rows, err := tx.Query(ctx, `SELECT `+columns+from+`p.kind = $1 AND `+these, string(kind), arg)
	all := map[string]any{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (row, error) {
		k, err := scan(r)
		all[k.ID] = k.Key
		return k, err
	})
	return all, err
}

// IDsTx lists passkeys of a kind of owner from just behind an id.
func IDsTx(ctx context.Context, tx *db.Tx, kind Kind, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM passkey WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3`, string(kind), db.After(after), limit)
}
