package account

import (
	"context"
	"database/sql"

	"standfast/internal/db"
)

// Belonging is one account with a member who holds it.
type Belonging struct {
	MemberID string
	Account  Account
}

// BelongingsTx gives what members hold, in whatever role, as our own records say,
// in the caller's transaction and in two queries for all of them. Closed accounts
// are left out.
func (s *Service) BelongingsTx(ctx context.Context, tx *db.Tx, memberIDs []string) ([]Belonging, error) {
	shares, err := s.members.SharesTx(ctx, tx, memberIDs)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(shares))
	for i, h := range shares {
		ids[i] = h.AccountID
	}
	these, arg := tx.In("id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account WHERE `+these+` AND status <> $2`, arg, Closed)
	accounts, err := db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return scan(r) })
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Account, len(accounts))
	for _, a := range accounts {
		byID[a.ID] = a
	}
	var list []Belonging
	for _, h := range shares {
		if a, open := byID[h.AccountID]; open {
			list = append(list, Belonging{h.MemberID, a})
		}
	}
	return list, nil
}
