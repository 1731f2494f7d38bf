package payment

import (
	"context"
	"errors"
	"time"

	"standfast/internal/core/gather"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Payments that are asked for at the same time are taken in one transaction, each
// with an answer of its own. docs/decisions/0007 says why.
const (
	mostTogether = 256              // in one transaction
	mostWaiting  = 8192             // before more are refused
	takeTimeout  = 10 * time.Second // of one transaction

	// How many may wait before a second transaction is begun. Cards are many, so two
	// seldom wait for each other, and one works while the other waits for the disk:
	// with 64 callers 1.3 times pgbench, against 1.0 with 32 and 0.7 to 1.1 with 128.
	crowd = 8
)

// verdict is the answer to an order.
type verdict struct {
	payment Payment
	err     error
}

func (s *Service) newQueue() *gather.Queue[*order, verdict] {
	o := gather.Options{MaxBatch: mostTogether, MaxQueue: mostWaiting, Writers: 2, Crowd: crowd}
	if s.db.Engine() == db.SQLite {
		o.Writers = 1 // it has one writer anyway
	}
	return gather.New(o, s.takeTogether)
}

// together takes an order with those that come at the same time.
func (s *Service) together(ctx context.Context, o *order) (Payment, error) {
	v, err := s.queue.Do(ctx, o)
	switch {
	case errors.Is(err, gather.ErrFull):
		return Payment{}, errBusy()
	case errors.Is(err, gather.ErrLate):
		return Payment{}, errLate(err)
	case err != nil:
		return Payment{}, errUnknown(err)
	}
	return v.payment, v.err
}

// alone takes an order in a transaction of its own, which also uses up its proof:
// where the payment is refused the proof is still good.
func (s *Service) alone(ctx context.Context, o *order) (Payment, error) {
	err := s.commit(ctx, func(tx *db.Tx) error {
		one := []*order{o}
		if err := s.look(ctx, tx, one); err != nil {
			return err
		}
		if o.open() && o.record.proved {
			bound := o.action("")
			bound.Object = o.record.ID
			o.refused = s.SignIn.Redeem(ctx, tx, o.Session, o.Proof, bound)
		}
		if o.refused != nil {
			return o.refused
		}
		if err := s.take(ctx, tx, one); err != nil {
			return err
		}
		return o.refused
	})
	if err != nil {
		return Payment{}, err
	}
	return o.answer()
}

// takeTogether is the queue's work. A key that is asked for twice at once is taken
// in the first transaction and answered in the next, which finds it.
func (s *Service) takeTogether(orders []*order) []verdict {
	errs := make(map[*order]error, len(orders))
	for rest := orders; len(rest) > 0; {
		var batch []*order
		batch, rest = apart(rest)
		s.takeBatch(batch, errs)
	}
	verdicts := make([]verdict, len(orders))
	for i, o := range orders {
		if verdicts[i].err = errs[o]; errs[o] == nil {
			verdicts[i].payment, verdicts[i].err = o.answer()
		}
	}
	return verdicts
}

// apart takes from orders the first of each key.
func apart(orders []*order) (first, rest []*order) {
	seen := make(map[keyOf]bool, len(orders))
	for _, o := range orders {
		if seen[o.name()] {
			rest = append(rest, o)
			continue
		}
		seen[o.name()] = true
		first = append(first, o)
	}
	return first, rest
}

// takeBatch takes orders in one transaction. Where one of them breaks it in a way
// that nobody foresaw, each is taken by itself, so that only that one fails.
func (s *Service) takeBatch(orders []*order, errs map[*order]error) {
	ctx, cancel := context.WithTimeout(context.Background(), takeTimeout)
	defer cancel()
	err := s.commit(ctx, func(tx *db.Tx) error {
		if err := s.look(ctx, tx, orders); err != nil {
			return err
		}
		return s.take(ctx, tx, orders)
	})
	if err != nil && len(orders) > 1 && !fault.Is(err, fault.Unavailable) {
		s.Log.Error("payments that came together are taken one by one", "payments", len(orders), "error", err)
		for i := range orders {
			s.takeBatch(orders[i:i+1], errs)
		}
		return
	}
	for _, o := range orders {
		errs[o] = err
	}
}

// maxRuns bounds how often a transaction is run whose commit was sent and not
// answered. Running it again is safe, because it begins with what stands under the
// requests' keys.
const maxRuns = 6

func (s *Service) commit(ctx context.Context, run func(tx *db.Tx) error) error {
	var unknown bool
	for n := 1; ; n++ {
		err := s.db.WithTx(ctx, run)
		switch {
		case !db.Unanswered(err) && !(unknown && fault.Is(err, fault.Unavailable)):
			return err
		case n == maxRuns || ctx.Err() != nil:
			return errUnknown(err)
		}
		unknown = true
		pause(ctx, n)
	}
}

func pause(ctx context.Context, n int) {
	select {
	case <-time.After(time.Duration(n*n) * 5 * time.Millisecond):
	case <-ctx.Done():
	}
}

func errBusy() error {
	return fault.New(fault.Unavailable, "payment.busy", "Too much is going on just now. Nothing was paid. Please try again in a moment.")
}

// errLate says that the caller's time ended before the payment's turn came.
func errLate(cause error) error {
	return fault.Wrap(fault.Unavailable, "payment.late", "We could not do this in time. Nothing was paid. Please try again.", cause)
}

// errUnknown says that nobody heard how it ended. The same request again tells.
func errUnknown(cause error) error {
	return fault.Wrap(fault.Unavailable, "payment.unknown", "We do not know yet whether this payment was taken. Please try again: it will not be made twice.", cause)
}

// unclear tells whether nothing can be learned by looking for the payment now: the
// answer is about time, and the caller's is over.
func unclear(err error) bool {
	switch fault.As(err).Code {
	case "payment.busy", "payment.late", "payment.unknown":
		return true
	}
	return false
}
