package account

import (
	"context"
	"encoding/json"
	"time"

	"standfast/internal/core/spool"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// freezeKind names the intents of freezing a card.
const freezeKind = "card.freeze"

// freezing is an intent to freeze a card.
type freezing struct {
	MemberID  string `json:"member_id"`
	AccountID string `json:"account_id"`
	From      string `json:"from"` // where the request came from, for the audit log
}

// freezeLater stores the wish to freeze a card, for a member who held it when
// that was last known. cause is why it cannot be done now.
func (s *Service) freezeLater(ctx context.Context, memberID, accountID, from string, cause error) (string, error) {
	if s.config.Later == nil {
		return "", cause
	}
	h, _, err := s.holding(ctx, memberID, accountID)
	if err != nil {
		return "", err
	}
	if err := mayFreeze(h, true); err != nil {
		return "", err
	}
	if _, asked := s.freezeAsked(accountID); asked {
		return Requested, nil
	}
	if _, err := s.config.Later.Put(freezeKind, accountID, freezing{memberID, accountID, from}); err != nil {
		return "", err
	}
	return Requested, nil
}

// freezeAsked tells since when a freeze of the card waits to be carried out.
func (s *Service) freezeAsked(accountID string) (time.Time, bool) {
	if s.config.Later == nil {
		return time.Time{}, false
	}
	i, ok := s.config.Later.Find(freezeKind, accountID)
	return i.At, ok
}

// applyFreeze carries out what freezeLater stored: once, for a member who still
// holds the card, and not where the card was released again since.
func (s *Service) applyFreeze(ctx context.Context, i spool.Intent) error {
	var f freezing
	if err := json.Unmarshal(i.Body, &f); err != nil {
		return fault.Wrap(fault.Malformed, "spool.body", "This intent cannot be read.", err)
	}
	h, err := s.one(ctx, f.MemberID, f.AccountID)
	if err == nil {
		err = mayFreeze(h, true)
	}
	if err != nil {
		return err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		first, err := spool.Once(ctx, tx, i)
		if err != nil || !first {
			return err
		}
		changed, err := changedSince(ctx, tx, f.AccountID, i.At)
		if err != nil || changed {
			return err
		}
		_, err = s.freezeTx(ctx, tx, f.MemberID, f.AccountID, true, f.From)
		return err
	})
	s.facts.evict(f.AccountID)
	return err
}

// changedSince tells whether somebody froze or released the card after an instant.
func changedSince(ctx context.Context, tx *db.Tx, accountID string, at time.Time) (bool, error) {
	var changed int64
	err := tx.QueryRow(ctx, `SELECT status_at FROM account WHERE id = $1`, accountID).Scan(&changed)
	return changed > db.Micros(at), err
}
