package app

import (
	"context"
	"strings"

	"standfast/internal/core/account"
	"standfast/internal/core/signin"
	"standfast/internal/db"
)

// holdings answers sign-in's questions about what members hold. Sign-in is made
// before the accounts, so it looks for them when it is asked.
type holdings struct{ rooms *Rooms }

// HeldTx lists what these members hold.
func (h holdings) HeldTx(ctx context.Context, tx *db.Tx, memberIDs []string) ([]signin.Holding, error) {
	list, err := h.rooms.Accounts.BelongingsTx(ctx, tx, memberIDs)
	held := make([]signin.Holding, len(list))
	for i, b := range list {
		held[i] = signin.Holding{MemberID: b.MemberID, Card: b.Account.Kind == account.Card, Ref: b.Account.Ref, Last4: b.Account.Last4, Expires: month(b.Account.ExpiresOn)}
	}
	return held, err
}

// month is the YYYY-MM of a date; "" of none.
func month(date string) string {
	if i := strings.LastIndexByte(date, '-'); i > 0 {
		return date[:i]
	}
	return ""
}
