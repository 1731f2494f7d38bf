package payment

import (
	"context"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Cancel takes a payment back while the rail has not heard of it. Later it is a
// fault.Conflict that says why not. Repeating it changes nothing.
func (s *Service) Cancel(ctx context.Context, memberID, id string) (p Payment, err error) {
	for range maxMoves {
		if p, err = s.cancel(ctx, memberID, id); err != errMoved { // else the rail was quicker: say what stands now
			return p, err
		}
	}
	return p, err
}

func (s *Service) cancel(ctx context.Context, memberID, id string) (Payment, error) {
	var r record
	err := s.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		if r, err = ofMember(ctx, tx, memberID, id); err != nil || r.Status == Cancelled {
			return err
		}
		if !r.Status.cancellable() {
			return tooLate(r.Status)
		}
		return s.finish(ctx, tx, &r, Cancelled, "", "")
	})
	return r.Payment, err
}

func tooLate(s Status) error {
	switch s {
	case Submitted:
		return fault.New(fault.Conflict, "payment.cancel-submitted", "Your bank already has this payment, so it cannot be cancelled here. Please call us if it should not have been made.")
	case Settled:
		return fault.New(fault.Conflict, "payment.cancel-settled", "This payment has been made and cannot be cancelled.")
	}
	return fault.New(fault.Conflict, "payment.cancel-over", "This payment was not made, so there is nothing to cancel.")
}
