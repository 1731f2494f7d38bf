package payment

import (
	"context"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Advised is a payment that the cell's stand-in took, and confirmed to the member,
// while we did not answer. Only what takes in its advices makes one.
type Advised struct {
	ID           string // under which the member's program knows it
	MemberID     string
	Key          string // the member's own, so that one intention is one payment
	AccountID    string
	MethodID     string
	Amount       money.Amount
	Confirmation string    // that the member was given
	ReceivedAt   time.Time // it counts as received then (12 CFR 1026.10(a))
}

func (a Advised) request() Request {
	return Request{Key: a.Key, AccountID: a.AccountID, MethodID: a.MethodID, Amount: a.Amount, Session: signin.Session{MemberID: a.MemberID}}
}

// AdvisedOrder is an advised payment of which is known what needs no transaction.
type AdvisedOrder struct {
	order   *order
	Contact Contact
	payee   string
}

// ReadAdvised finds out about an advised payment what needs no transaction. What
// stands against it already is TakeAdvisedTx's to say, because it may stand under
// its key since before; an error is one of this moment.
func (s *Service) ReadAdvised(ctx context.Context, a Advised) (*AdvisedOrder, error) {
	q := a.request()
	ao := &AdvisedOrder{order: &order{Request: q, advised: &a}}
	var err error
	if ao.Contact, err = s.Contact(ctx, a.MemberID); err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	ao.order.ours = ao.Contact.Synthetic
	if refused := q.check(); refused != nil {
		ao.order.refused = refused
		return ao, nil
	}
	card, err := s.payee(ctx, q)
	if passing(err) {
		return nil, err
	}
	if err != nil {
		ao.order.refused = err
		return ao, nil
	}
	ao.payee = payeeName(card)
	ao.order.member = addressee{Contact: ao.Contact, payee: ao.payee}
	return ao, s.openClearing(ctx, a.Amount.Currency)
}

// passing tells whether an error says nothing about the payment itself.
func passing(err error) bool {
	return fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal) || fault.Is(err, fault.TooMany)
}

// TakeAdvisedTx takes an advised payment in the caller's transaction, as Submit
// would have at the time of its receipt, but for a proof: the stand-in has its own
// limits. again: the same intention stands as a payment since before. refused says
// why it is no payment; nothing is stored then.
func (s *Service) TakeAdvisedTx(ctx context.Context, tx *db.Tx, ao *AdvisedOrder) (p Payment, again bool, refused, err error) {
	o := *ao.order // the transaction may run again
	standing, err := byKeys(ctx, tx, []*order{&o})
	if err != nil {
		return p, false, nil, err
	}
	if r, there := standing[o.name()]; there {
		o.replay(r)
		return r.Payment, true, o.refused, nil
	}
	if o.refused != nil {
		return p, false, o.refused, nil
	}
	one := []*order{&o}
	if err := s.look(ctx, tx, one); err != nil {
		return p, false, nil, err
	}
	if o.open() {
		if err := s.namedAnew(ctx, tx, &o); err != nil {
			return p, false, nil, err
		}
		if err := s.take(ctx, tx, one); err != nil {
			return p, false, nil, err
		}
	}
	if passing(o.refused) {
		return p, false, nil, o.refused
	}
	return o.record.Payment, false, o.refused, nil
}

// confirmation gives the number that a new payment has: the one that the member
// was given already, where that is one of ours.
func (o *order) confirmation() (string, error) {
	if o.advised != nil {
		if n, ok := ReadConfirmation(o.advised.Confirmation); ok {
			return n, nil
		}
	}
	return newConfirmation()
}

// id gives a new payment's id: the one that the stand-in has answered with already,
// so that what it told holds on both sides.
func (o *order) id() string {
	if o.advised != nil && db.ValidID(o.advised.ID) {
		return o.advised.ID
	}
	return db.NewID()
}

// namedAnew gives an advised payment another id or number where its own is taken:
// a number is drawn twice once in 10^15, an id never by an honest stand-in. What
// the member was given is kept with the advice.
func (s *Service) namedAnew(ctx context.Context, tx *db.Tx, o *order) error {
	var id, number bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM payment WHERE id = $1), EXISTS (SELECT 1 FROM payment WHERE confirmation = $2)`,
		o.record.ID, o.record.ConfirmationNumber).Scan(&id, &number)
	if id {
		o.record.ID = db.NewID()
	}
	if err == nil && number {
		o.record.ConfirmationNumber, err = newConfirmation()
	}
	return err
}

// TellAdvisedTx tells the member what became of an advised payment that is none of
// its own; of one that was taken its own steps tell.
func (s *Service) TellAdvisedTx(ctx context.Context, tx *db.Tx, ao *AdvisedOrder, template string) error {
	a := ao.order.advised
	return s.post(ctx, tx, ao.Contact, notify.Message{MemberID: a.MemberID, Template: template,
		Data: map[string]any{"Amount": a.Amount, "Payee": ao.payee, "Confirmation": Grouped(a.Confirmation)}})
}
