package account

import (
	"context"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Freeze freezes or unfreezes a card and gives its status. Repeating it changes
// nothing. Everybody who holds a card may freeze it; lifting that is for owners.
// from is where the request came from, for the audit log.
//
// A card that another system keeps is not frozen by a flag of ours: that is
// refused, so that nobody believes a card to be safe that is not.
//
// While our records cannot be written, a freeze is taken all the same: it is
// stored on this machine, answered Requested, and carried out when they can.
func (s *Service) Freeze(ctx context.Context, memberID, accountID string, frozen bool, from string) (status string, err error) {
	h, err := s.one(ctx, memberID, accountID)
	if err == nil {
		if err := mayFreeze(h, frozen); err != nil {
			return "", err
		}
		err = s.db.WithTx(ctx, func(tx *db.Tx) error {
			status, err = s.freezeTx(ctx, tx, memberID, accountID, frozen, from)
			return err
		})
		s.facts.evict(accountID)
	}
	if frozen && fault.Is(err, fault.Unavailable) {
		return s.freezeLater(ctx, memberID, accountID, from, err)
	}
	return status, err
}

func (s *Service) freezeTx(ctx context.Context, tx *db.Tx, memberID, accountID string, frozen bool, from string) (string, error) {
	status, err := s.setFrozen(ctx, tx, accountID, frozen)
	if err != nil {
		return "", err
	}
	return status, audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: action(frozen), Object: "account",
		ObjectID: accountID, Outcome: audit.OK, From: from})
}

func action(frozen bool) string {
	if frozen {
		return "card.freeze"
	}
	return "card.unfreeze"
}

func mayFreeze(h held, frozen bool) error {
	switch {
	case h.Kind != Card:
		return notFound() // there is no such card
	case h.Source != LedgerSource:
		return fault.New(fault.Conflict, "card.freeze-elsewhere", "This card cannot be frozen here. Please call us to have it frozen.")
	case !frozen && h.role == member.Authorized:
		return fault.New(fault.Forbidden, "card.owner-only", "Only an owner of the card can unfreeze it.")
	}
	return nil
}

// setFrozen changes the status and gives the one that stands.
func (s *Service) setFrozen(ctx context.Context, tx *db.Tx, id string, frozen bool) (string, error) {
	before, after := Frozen, Active
	if frozen {
		before, after = Active, Frozen
	}
	changed, err := tx.Exec(ctx, `UPDATE account SET status = $2, status_at = $4, version = version + 1 WHERE id = $1 AND status = $3`,
		id, after, before, db.Micros(tx.Now))
	if err != nil {
		return "", err
	}
	a, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM account WHERE id = $1`, id))
	if err != nil {
		return "", err
	}
	if a.Status == Closed {
		return "", fault.New(fault.Conflict, "card.closed", "This card is closed.")
	}
	if changed == 0 {
		return a.Status, nil
	}
	return a.Status, outbox.Append(ctx, tx, outbox.Change{Entity: "account", EntityID: id, Kind: a.Status, Version: a.Version, Payload: a})
}
