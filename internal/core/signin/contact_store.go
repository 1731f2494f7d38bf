package signin

import (
	"context"
	"database/sql"

	"standfast/internal/db"
)

const contactColumns = `id, member_id, kind, address, old_address, strong, state, asked_at, effective_at, ended_at`

// insert stores a change that was just asked for.
func (c contactChange) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO contact_change (`+contactColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)`,
		c.ID, c.memberID, c.Kind, c.Address, c.old, c.strong, c.State, db.Micros(c.AskedAt))
	return err
}

// move brings a change to its next state.
func (c *contactChange) move(ctx context.Context, tx *db.Tx, state string) error {
	c.State = state
	if state != ChangeWaiting {
		c.EndedAt = tx.Now
	}
	_, err := tx.Exec(ctx, `UPDATE contact_change SET state = $2, effective_at = $3, ended_at = $4 WHERE id = $1`,
		c.ID, c.State, db.Micros(c.From), db.Micros(c.EndedAt))
	return err
}

// contactChanges reads the changes that fit.
func contactChanges(ctx context.Context, tx *db.Tx, where string, args ...any) ([]contactChange, error) {
	rows, err := tx.Query(ctx, `SELECT `+contactColumns+` FROM contact_change WHERE `+where, args...)
	return db.Collect(rows, err, func(r *sql.Rows) (c contactChange, err error) {
		var asked, from, ended int64
		err = r.Scan(&c.ID, &c.memberID, &c.Kind, &c.Address, &c.old, &c.strong, &c.State, &asked, &from, &ended)
		c.AskedAt, c.From, c.EndedAt = db.FromMicros(asked), db.FromMicros(from), db.FromMicros(ended)
		return c, err
	})
}

// readContactChange reads the one that fits; db.ErrNoRows when there is none.
func readContactChange(ctx context.Context, tx *db.Tx, where string, args ...any) (contactChange, error) {
	list, err := contactChanges(ctx, tx, where, args...)
	if err != nil || len(list) == 0 {
		return contactChange{}, orNone(err)
	}
	return list[0], nil
}

func orNone(err error) error {
	if err == nil {
		err = db.ErrNoRows
	}
	return err
}
