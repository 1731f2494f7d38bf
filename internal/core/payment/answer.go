package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// unauthorized are Nacha's return codes by which an account's owner says that the
// debit was not allowed. They stop the method at once.
var unauthorized = []string{"R05", "R07", "R10", "R29", "R51"}

// notes explain a rail's code to the member, by the end of a catalogue's id.
var notes = map[string]string{
	"R01": "insufficient-funds", "R09": "insufficient-funds",
	"R02": "account-closed", "R03": "no-account", "R04": "no-account", "R08": "stopped-by-member", "R16": "account-frozen",
	"R05": "not-authorized", "R07": "not-authorized", "R10": "not-authorized", "R11": "not-authorized", "R29": "not-authorized", "R51": "not-authorized",
}

// Report takes up what a rail says by itself, in a file or by a webhook. Saying it
// again changes nothing.
func (s *Service) Report(ctx context.Context, paymentID string, a Answer) error {
	for range maxMoves {
		r, err := s.load(ctx, paymentID)
		if err != nil {
			return err
		}
		_, _, err = s.hear(ctx, &r, a)
		if err != errMoved {
			return err
		}
	}
	return errMoved
}

// hear takes up an answer and says when to ask again, or that it was the last word.
func (s *Service) hear(ctx context.Context, r *record, a Answer) (wait time.Duration, done bool, err error) {
	to, err := r.after(a)
	if err != nil {
		return 0, false, err
	}
	if wait = a.AskIn; wait == 0 && a.Outcome == Pending {
		wait = askAfter(s.db.Now().Sub(r.submittedAt))
	}
	if to == r.Status {
		return s.heardNothing(ctx, r, wait)
	}
	member, err := s.addressee(ctx, r)
	if err != nil {
		return 0, false, err
	}
	err = s.change(ctx, r, func(tx *db.Tx, r *record) error {
		r.nextAt = time.Time{}
		if wait > 0 {
			r.nextAt = tx.Now.Add(wait)
		}
		return s.conclude(ctx, tx, r, to, a, member)
	})
	return wait, wait == 0, err
}

// after gives the status that an answer leads to; the present one when it says
// nothing new. A rail that contradicts what it said before is an error for the
// operator: money is never moved on it.
func (r *record) after(a Answer) (Status, error) {
	switch {
	case a.Outcome == Pending && r.Status.Open():
		return r.Status, nil
	case a.Outcome == Paid && (r.Status == Submitted || r.Status == Settled):
		return Settled, nil
	case a.Outcome == SentBack && (r.Status == Submitted || r.Status == Settled || r.Status == Returned):
		return Returned, nil
	case a.Outcome == Refused && (r.Status == Submitted || r.Status == Declined):
		return Declined, nil
	case a.Outcome == Pending && r.Status == Settled: // a rail that says no more about what it has paid
		return Settled, nil
	}
	return "", fault.Wrap(fault.Internal, "payment.contradiction", "Something went wrong on our side.",
		fmt.Errorf("rail %q says %q of payment %s, which is %q", r.rail, a.Outcome, r.ID, r.Status))
}

// heardNothing notes when to ask again.
func (s *Service) heardNothing(ctx context.Context, r *record, wait time.Duration) (time.Duration, bool, error) {
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		at := time.Time{}
		if wait > 0 {
			at = tx.Now.Add(wait)
		}
		return lookAgain(ctx, tx, r, at)
	})
	return wait, wait == 0, err
}

// conclude moves the money as the answer says, and tells the member.
func (s *Service) conclude(ctx context.Context, tx *db.Tx, r *record, to Status, a Answer, member addressee) error {
	before := r.Status
	if err := r.move(to, a.Code, notes[a.Code]); err != nil {
		return err
	}
	if to == Returned && slices.Contains(unauthorized, a.Code) {
		if err := s.Instruments.Stop(ctx, tx, r.MemberID, r.MethodID, a.Code); err != nil {
			return err
		}
	}
	if err := s.book(ctx, tx, r, before, a.At); err != nil { // after the method, as whoever takes a payment does
		return err
	}
	if err := s.tell(ctx, tx, r, member, "payment-"+string(to)); err != nil {
		return err
	}
	return s.save(ctx, tx, r)
}

// book moves the money of a step: Settled posts the hold, Returned after it
// reverses, every other end gives the hold up. The ledger's keys follow from the
// payment, so that a step can be booked once only.
func (s *Service) book(ctx context.Context, tx *db.Tx, r *record, before Status, at time.Time) (err error) {
	key := "payment/" + r.ID + "/" + string(r.Status)
	switch {
	case r.Status == Settled:
		_, err = s.Ledger.SettleTx(ctx, tx, key, r.holdID, s.creditedAt(r, tx.Now))
	case r.Status == Returned && before == Settled:
		_, err = s.Ledger.ReverseTx(ctx, tx, key, r.holdID, at)
	case r.holdID != "":
		_, err = s.Ledger.VoidTx(ctx, tx, key, r.holdID, time.Time{})
	}
	if err != nil && fault.As(err).Code == ledger.CodeResolved {
		return errMoved // the step that ended the hold has its status too: it came between our reading and now
	}
	return err
}

// creditedAt gives the instant that the card is credited as of: when the payment
// was received, or the start of the date that it was scheduled or, after the
// cut-off, put off to (12 CFR 1026.10(a)). A rail that is quicker than that date
// does not wait for it.
func (s *Service) creditedAt(r *record, now time.Time) time.Time {
	at := r.CreatedAt
	if s.calendar.date(at) != r.CreditedOn {
		at = s.calendar.start(r.CreditedOn)
	}
	if at.After(now) {
		return now
	}
	return at
}

// finish ends a payment that no rail has moved: the hold, where there is one, is given up.
func (s *Service) finish(ctx context.Context, tx *db.Tx, r *record, to Status, code, note string) error {
	before := r.Status
	r.nextAt = time.Time{}
	if err := r.move(to, code, note); err != nil {
		return err
	}
	if err := s.book(ctx, tx, r, before, time.Time{}); err != nil {
		return err
	}
	return s.save(ctx, tx, r)
}

// change takes one step in one transaction, from a fresh copy each time it runs,
// and leaves r as it is then stored.
func (s *Service) change(ctx context.Context, r *record, step func(tx *db.Tx, r *record) error) error {
	var stored record
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		stored = *r
		stored.Events, stored.now = slices.Clone(r.Events), tx.Now
		return step(tx, &stored)
	})
	if err == nil {
		*r = stored
	}
	return err
}

// save writes a step and publishes it.
func (s *Service) save(ctx context.Context, tx *db.Tx, r *record) error {
	if err := update(ctx, tx, r); err != nil {
		return err
	}
	return s.publish(ctx, tx, r)
}
