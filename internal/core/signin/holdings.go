package signin

import (
	"context"

	"standfast/internal/db"
)

// Holdings tells what members hold, of which only they should know: it shows who
// somebody is before there is a password, and what no PIN may be made of. Accounts
// are no business of this room's otherwise.
type Holdings interface {
	// HeldTx lists what these members hold in whatever role. Closed accounts are left out.
	HeldTx(ctx context.Context, tx *db.Tx, memberIDs []string) ([]Holding, error)
}

// Holding is one account that a member holds, as the issuer's files say.
type Holding struct {
	MemberID string
	Card     bool   // else savings
	Ref      string // the issuer's reference of the account
	Last4    string // last four of the card's or account's number; "" where they are not known
	Expires  string // last month of a card, YYYY-MM; "" where it is not known
}

// held asks the cell's Holdings; a cell without them knows of none.
func (s *Service) held(ctx context.Context, tx *db.Tx, memberIDs []string) ([]Holding, error) {
	if s.conf.Holdings == nil {
		return nil, nil
	}
	return s.conf.Holdings.HeldTx(ctx, tx, memberIDs)
}
