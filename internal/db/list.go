package db

import (
	"context"
	"database/sql"
)

// Strings runs a query of one text column.
func (tx *Tx) Strings(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	return Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
}

// FirstID is before every id that NewID gives.
const FirstID = "00000000-0000-0000-0000-000000000000"

// After is id, or the first of all where it is empty: for lists that go on behind one.
func After(id string) string {
	if id == "" {
		return FirstID
	}
	return id
}
