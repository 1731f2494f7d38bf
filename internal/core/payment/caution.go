package payment

import (
	"context"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// CodeMethodWaits is the code of a refusal because the method was added while its
// member's account was in caution (signin.Caution). Its Extra says from when the
// method pays.
const CodeMethodWaits = "method.waits"

// heldBack refuses the offers of methods that a caution holds back. It stands in
// the payment's own transaction and before a proof is asked for: nobody confirms
// what cannot be done.
func (s *Service) heldBack(ctx context.Context, tx *db.Tx, offers []instrument.Offer) error {
	var members []string
	for _, o := range offers {
		if o.Err == nil {
			members = append(members, o.MemberID)
		}
	}
	cautions, err := s.SignIn.CautionsTx(ctx, tx, members)
	if err != nil {
		return err
	}
	for i, o := range offers {
		if from := cautions[o.MemberID].PaysFrom(o.CreatedAt, tx.Now); o.Err == nil && !from.IsZero() {
			offers[i].Err = s.errMethodWaits(from)
		}
	}
	return nil
}

func (s *Service) errMethodWaits(from time.Time) error {
	e := fault.New(fault.Conflict, CodeMethodWaits, "This bank account was added after your login was recovered, so it cannot pay yet. Nothing was paid. Another account can.")
	e.Extra = map[string]any{"pays_from": from.Format(time.RFC3339)}
	return e.With("Date", s.calendar.date(from)).With("Time", from)
}

// MethodsPayFrom gives from when on each of a member's methods can pay, by id;
// those that can pay now are left out. It is for showing: Submit looks again.
func (s *Service) MethodsPayFrom(ctx context.Context, memberID string, methods []instrument.Method) (map[string]time.Time, error) {
	c, err := s.SignIn.Caution(ctx, memberID)
	if err != nil {
		return nil, err
	}
	waits := map[string]time.Time{}
	for _, m := range methods {
		if from := c.PaysFrom(m.CreatedAt, s.db.Now()); !from.IsZero() {
			waits[m.ID] = from
		}
	}
	return waits, nil
}
