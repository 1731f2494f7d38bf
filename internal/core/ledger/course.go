package ledger

import (
	"context"
	"database/sql"

	"standfast/internal/db"
)

// Course is what became of a hold.
type Course struct {
	Hold     Transfer
	End      Phase // Settle or Void; empty while the hold stands
	Reversed bool  // its settlement was taken back
}

// Courses gives what became of holds, by their ids. Ids of nothing are left out.
// It is for whoever keeps records beside the ledger and compares the two.
func (l *Ledger) Courses(ctx context.Context, tx *db.Tx, holdIDs []string) (map[string]Course, error) {
	family, err := families(ctx, tx, holdIDs)
	if err != nil {
		return nil, err
	}
	s := newState(tx.Now)
	for _, t := range family {
		s.know(t)
	}
	courses := make(map[string]Course, len(holdIDs))
	for _, id := range holdIDs {
		hold := s.byID[id]
		if hold == nil {
			continue
		}
		c := Course{Hold: *hold}
		if end := s.ended[id]; end != nil {
			c.End, c.Reversed = end.Phase, s.ended[end.ID] != nil
		}
		courses[id] = c
	}
	return courses, nil
}

func families(ctx context.Context, tx *db.Tx, ids []string) ([]*Transfer, error) {
	query, arg := sqliteFamily, any(list(ids))
	if tx.Engine() == db.PostgreSQL {
		query, arg = pgFamily, ids
	}
	rows, err := tx.Query(ctx, query, arg)
	return db.Collect(rows, err, func(r *sql.Rows) (*Transfer, error) { return scanTransfer(r) })
}

// Holds gives up to limit holds whose keys begin with prefix, in the order of
// their keys' bytes, after the key after ("" for the first).
func (l *Ledger) Holds(ctx context.Context, tx *db.Tx, prefix, after string, limit int) ([]Transfer, error) {
	key := `t.key`
	if tx.Engine() == db.PostgreSQL {
		key += ` COLLATE "C"` // bytes, as SQLite does
	}
	rows, err := tx.Query(ctx, `SELECT `+transferColumns+` FROM ledger_transfer t
		WHERE t.phase = 'pending' AND substr(t.key, 1, $1) = $2 AND `+key+` > $3 ORDER BY `+key+` LIMIT $4`, len(prefix), prefix, after, limit)
	return db.Collect(rows, err, func(r *sql.Rows) (Transfer, error) {
		t, err := scanTransfer(r)
		if err != nil {
			return Transfer{}, err
		}
		return *t, nil
	})
}
