package signin

import (
	"context"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
)

// heldAt answers for the real accounts, as the wiring of a process does.
type heldAt struct{ accounts *account.Service }

func (h heldAt) HeldTx(ctx context.Context, tx *db.Tx, memberIDs []string) (held []Holding, err error) {
	list, err := h.accounts.BelongingsTx(ctx, tx, memberIDs)
	for _, b := range list {
		on := b.Account.ExpiresOn
		held = append(held, Holding{MemberID: b.MemberID, Card: b.Account.Kind == account.Card, Ref: b.Account.Ref, Last4: b.Account.Last4, Expires: on[:min(len("2006-01"), len(on))]})
	}
	return held, err
}

func newHeld(d *db.DB) heldAt {
	l := ledger.New(d, ledger.Options{})
	return heldAt{account.New(d, l, member.New(d), map[string]account.Source{account.LedgerSource: ledgersource.New(l)}, account.Config{})}
}

// holds opens an account for a member.
func (h *house) holds(memberID string, spec account.Spec) {
	h.t.Helper()
	spec.Currency = "USD"
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error {
		a, err := h.conf.Holdings.(heldAt).accounts.Open(ctx, tx, spec)
		if err != nil {
			return err
		}
		return h.members.AddHolder(ctx, tx, memberID, a.ID, member.Owner)
	}))
}
