package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// advance is the job that carries a payment from its first status to its last.
// Each round reads where the payment stands and takes the one step that follows;
// every step may be repeated, and a crash between any two leaves a status from
// which the next round goes on. It ends when there is nothing more to wait for.
//
// Calls of the rail stand between transactions, never inside one.
func (s *Service) advance(ctx context.Context, id string) error {
	for moved := 0; ; {
		r, err := s.load(ctx, id)
		if err != nil {
			return err
		}
		wait, done, err := s.step(ctx, &r)
		switch {
		case errors.Is(err, errMoved) && moved < maxMoves: // somebody else took a step: look again
			moved++
		case err != nil:
			return err
		case done:
			return nil
		case wait > 0:
			return jobs.Snooze(wait)
		}
	}
}

func (s *Service) load(ctx context.Context, id string) (r record, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		r, err = byID(ctx, tx, id)
		return err
	})
	return r, err
}

// step takes the step that follows from r's status. wait says when to look again,
// 0 at once; done that nothing is left to do.
func (s *Service) step(ctx context.Context, r *record) (wait time.Duration, done bool, err error) {
	switch r.Status {
	case Scheduled:
		if wait := s.calendar.start(r.Date).Sub(s.db.Now()); wait > 0 {
			return wait, false, nil
		}
		return 0, false, s.place(ctx, r)
	case Held:
		return s.send(ctx, r)
	case Submitted:
		return s.ask(ctx, r)
	case Settled:
		if r.nextAt.IsZero() {
			return 0, true, nil
		}
		if wait := r.nextAt.Sub(s.db.Now()); wait > 0 {
			return wait, false, nil
		}
		return s.ask(ctx, r)
	}
	return 0, true, nil
}

// place holds the amount of a scheduled payment whose date has come. What rules it
// out by then declines it.
func (s *Service) place(ctx context.Context, r *record) error {
	member, err := s.addressee(ctx, r)
	if err != nil {
		return err
	}
	closed := s.cardGone(ctx, r)
	return s.change(ctx, r, func(tx *db.Tx, r *record) error {
		reason := closed
		if reason == nil {
			reason = s.methodGone(ctx, tx, r)
		}
		if reason == nil {
			reason = s.hold(ctx, tx, r)
		}
		if reason != nil {
			return s.decline(ctx, tx, r, member, reason)
		}
		r.nextAt = tx.Now
		if err := r.move(Held, "", ""); err != nil {
			return err
		}
		return s.save(ctx, tx, r)
	})
}

// methodGone tells why a payment's method cannot be used any more, or nil.
func (s *Service) methodGone(ctx context.Context, tx *db.Tx, r *record) error {
	_, err := s.Instruments.Usable(ctx, tx, r.MemberID, r.MethodID)
	return err
}

// cardGone tells why the card cannot be paid any more, or nil.
func (s *Service) cardGone(ctx context.Context, r *record) error {
	a, err := s.Accounts.Held(ctx, r.MemberID, r.AccountID)
	if err == nil && a.Status == account.Closed {
		err = errClosed()
	}
	return err
}

// reasons names why we declined a payment ourselves, by the error's code.
var reasons = map[string]string{
	"method.stopped": "method-stopped", "method.not-found": "method-removed", "method.not-proved": "method-stopped",
	"payment.account-closed": "card-closed", "account.not-found": "card-closed", "payment.limit": "limit",
}

// decline ends a payment for a reason that is the member's to know. Troubles of
// our own are no reason: they come back as they are, and the job tries again.
func (s *Service) decline(ctx context.Context, tx *db.Tx, r *record, member addressee, reason error) error {
	note, known := reasons[fault.As(reason).Code]
	if f := fault.As(reason).Fields; !known && len(f) == 1 {
		note, known = reasons[f[0].Code]
	}
	if !known {
		return reason
	}
	if err := s.finish(ctx, tx, r, Declined, "", note); err != nil {
		return err
	}
	return s.tell(ctx, tx, r, member, "payment-declined")
}

// send hands a held payment to the rail. Submitted is stored before the call: from
// then on the rail may have it, and the member can no longer take it back. A
// crash between the two is repaired by asking.
func (s *Service) send(ctx context.Context, r *record) (wait time.Duration, done bool, err error) {
	member, err := s.addressee(ctx, r)
	if err != nil {
		return 0, false, err
	}
	err = s.change(ctx, r, func(tx *db.Tx, r *record) error {
		if reason := s.methodGone(ctx, tx, r); reason != nil {
			return s.decline(ctx, tx, r, member, reason)
		}
		r.submittedAt, r.nextAt = tx.Now, tx.Now.Add(firstAsk)
		if err := r.move(Submitted, "", ""); err != nil {
			return err
		}
		if r.Events[0].Status == Held { // a scheduled one was confirmed when it was made
			if err := s.tell(ctx, tx, r, member, "payment-confirmed"); err != nil {
				return err
			}
		}
		return s.save(ctx, tx, r)
	})
	if err != nil || r.Status != Submitted {
		return 0, false, err
	}
	return s.call(ctx, r, Rail.Submit)
}

// ask asks the rail what became of a payment, and hands it over again where the
// rail never got it.
func (s *Service) ask(ctx context.Context, r *record) (wait time.Duration, done bool, err error) {
	return s.call(ctx, r, func(rail Rail, ctx context.Context, in Instruction) (Answer, error) {
		answer, err := rail.Ask(ctx, in)
		if err == nil && answer.Outcome == NeverArrived && r.Status == Submitted {
			return rail.Submit(ctx, in)
		}
		return answer, err
	})
}

// call calls the rail and takes its answer up. No answer is no outcome: the
// payment stays where it is and is asked about again.
func (s *Service) call(ctx context.Context, r *record, how func(Rail, context.Context, Instruction) (Answer, error)) (wait time.Duration, done bool, err error) {
	rail, ok := s.rails[r.rail]
	if !ok {
		return 0, false, fault.Wrap(fault.Internal, "payment.rail", "Something went wrong on our side.", fmt.Errorf("payment %s belongs to rail %q, which is not configured", r.ID, r.rail))
	}
	from, err := s.Instruments.Number(ctx, r.MethodID)
	if err != nil {
		return 0, false, err
	}
	answer, err := how(rail, ctx, Instruction{PaymentID: r.ID, MethodID: r.MethodID, From: from, Amount: r.Amount, Date: r.Date, SubmittedAt: r.submittedAt})
	if err != nil {
		s.Log.WarnContext(ctx, "no answer from the rail", "payment", r.ID, "rail", r.rail, "error", err)
		answer = Answer{Outcome: Pending}
	}
	return s.hear(ctx, r, answer)
}

// How long to wait before asking: a quarter of the time that a payment has been
// under way, within these bounds.
const (
	firstAsk  = 5 * time.Second
	longAsk   = time.Hour
	askFactor = 4
)

func askAfter(underWay time.Duration) time.Duration {
	return min(max(underWay/askFactor, firstAsk), longAsk)
}
