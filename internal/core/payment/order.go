package payment

import (
	"context"
	"crypto/subtle"
	"errors"

	"standfast/internal/core/instrument"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// order is a request on its way to becoming a payment.
type order struct {
	Request
	member addressee // told at once of a payment for a later date, otherwise by its job
	ours   bool      // a synthetic member's

	advised *Advised // by the cell's stand-in, which took it while we did not answer; nil otherwise

	// What follows is how the last run of its transaction left it.

	record  record // what is stored, now or before
	stands  bool   // under the request's key since before
	refused error  // why it is not; nothing is stored then
}

// errNeedsProof refuses an order until it is proved.
var errNeedsProof = errors.New("payment: needs a proof")

// newOrder finds out what needs no transaction.
func (s *Service) newOrder(ctx context.Context, q Request) (*order, error) {
	card, err := s.payee(ctx, q)
	if err != nil {
		return nil, err
	}
	o := &order{Request: q, member: addressee{payee: payeeName(card)}}
	if o.ours, err = s.synthetic(ctx, q.Session.MemberID); err != nil {
		return nil, err
	}
	if q.Date != "" {
		if o.member.Contact, err = s.Contact(ctx, q.Session.MemberID); err != nil {
			return nil, err
		}
	}
	return o, s.openClearing(ctx, q.Amount.Currency)
}

// keyOf is what a request is known by: each member has keys of their own.
type keyOf struct{ memberID, key string }

func (o *order) name() keyOf { return keyOf{o.Session.MemberID, o.Key} }

// open tells whether an order is still to be stored.
func (o *order) open() bool { return o.refused == nil && !o.stands }

func (o *order) answer() (Payment, error) {
	if o.refused != nil {
		return Payment{}, o.refused
	}
	return o.record.Payment, nil
}

// replay answers an order with what stands under its key.
func (o *order) replay(r record) {
	o.record, o.stands = r, true
	if subtle.ConstantTimeCompare(r.contents, o.contents()) != 1 {
		o.refused = errKeyReused()
	}
}

// CodeKeyReused is the code of a refusal because another payment stands under the
// request's key; ByKey gives that one.
const CodeKeyReused = "idempotency.key-reused"

func errKeyReused() error {
	return fault.New(fault.Conflict, CodeKeyReused, "This request was made before with other contents. Nothing was paid now.")
}

// look reads all that orders are decided on and refuses those that cannot be
// paid. It may run again and starts from nothing.
func (s *Service) look(ctx context.Context, tx *db.Tx, orders []*order) error {
	standing, err := byKeys(ctx, tx, orders)
	if err != nil {
		return err
	}
	choices := make([]instrument.Choice, len(orders))
	for i, o := range orders {
		choices[i] = instrument.Choice{MemberID: o.Session.MemberID, MethodID: o.MethodID}
	}
	methods, err := s.Instruments.UsableAll(ctx, tx, choices)
	if err != nil {
		return err
	}
	if err := s.heldBack(ctx, tx, methods); err != nil {
		return err
	}
	for i, o := range orders {
		o.stands, o.refused = false, nil
		if r, ok := standing[o.name()]; ok {
			o.replay(r)
			continue
		}
		o.refused = s.draft(tx, o, methods[i])
	}
	return s.wantProofs(ctx, tx, orders)
}

// draft makes the record of a new payment.
func (s *Service) draft(tx *db.Tx, o *order, m instrument.Offer) error {
	received := tx.Now
	if o.advised != nil {
		received = o.advised.ReceivedAt
	}
	date, err := s.calendar.resolve(o.Date, received)
	if err != nil {
		return err
	}
	if m.Err != nil {
		return m.Err
	}
	number, err := o.confirmation()
	if err != nil {
		return err
	}
	r := record{key: o.Key, contents: o.contents(), rail: s.route(m.Method, o.ours), now: tx.Now, nextAt: tx.Now}
	r.Payment = Payment{ID: o.id(), ConfirmationNumber: number, MemberID: o.Session.MemberID, AccountID: o.AccountID,
		MethodID: o.MethodID, MethodDisplay: m.Display, Amount: o.Amount, Date: date, CreditedOn: date, CreatedAt: received}
	first, today := Held, s.calendar.date(received)
	switch {
	case date == today:
		r.CreditedOn = s.calendar.creditedOn(received)
	case date > today:
		first, r.nextAt = Scheduled, s.calendar.start(date)
	}
	o.record = r
	return o.record.move(first, "", "")
}

func (s *Service) route(m instrument.Method, ours bool) string {
	if ours {
		return syntheticRail
	}
	return s.config.Route(m)
}

// wantProofs decides which orders need a proof and refuses those that bring none.
func (s *Service) wantProofs(ctx context.Context, tx *db.Tx, orders []*order) error {
	so, err := s.unproved(ctx, tx, orders)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if !o.open() {
			continue
		}
		spent := so[o.record.MemberID]
		if o.advised != nil {
			continue // the stand-in took it within limits of its own, and has confirmed it
		}
		o.record.proved = !s.config.Rules.exempt(o.Amount.Minor, spent)
		if o.record.proved && o.Proof == "" {
			o.refused = errNeedsProof
			continue
		}
		so[o.record.MemberID] = spent.and(o.Amount.Minor) // the next order of this member comes after this one
	}
	return nil
}

// unproved gives what each member has paid without a proof, where that matters.
func (s *Service) unproved(ctx context.Context, tx *db.Tx, orders []*order) (map[string]spent, error) {
	if !s.config.Rules.bounded() {
		return map[string]spent{}, nil
	}
	var members []string
	for _, o := range orders {
		members = append(members, o.Session.MemberID)
	}
	if err := takeTurns(ctx, tx, members); err != nil {
		return nil, err
	}
	return unproved(ctx, tx, members)
}
