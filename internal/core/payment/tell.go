package payment

import (
	"context"

	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// contactFor gives how the member of a payment is told about it. A member who is
// gone is told nothing, and the payment goes on.
func (s *Service) contactFor(ctx context.Context, r *record) (Contact, error) {
	if r.rail == syntheticRail {
		return Contact{Synthetic: true}, nil
	}
	c, err := s.Contact(ctx, r.MemberID)
	if fault.Is(err, fault.NotFound) {
		return Contact{}, nil
	}
	return c, err
}

// tell has the member told of a step once it is committed, by e-mail, or by text
// where there is no address.
func (s *Service) tell(ctx context.Context, tx *db.Tx, r *record, c Contact, template string) error {
	m := notify.Message{MemberID: r.MemberID, To: c.Email, Channel: notify.Email, Locale: c.Locale, Template: template, Data: map[string]any{
		"Amount": r.Amount, "Method": r.MethodDisplay, "Confirmation": Grouped(r.ConfirmationNumber), "Date": r.Date, "CreditedOn": r.CreditedOn, "Code": r.Code,
	}}
	return s.post(ctx, tx, c, m)
}

// post sends a message to the best address that there is a sender for, or to none.
func (s *Service) post(ctx context.Context, tx *db.Tx, c Contact, m notify.Message) error {
	if m.To == "" || !s.Notify.Can(notify.Email) {
		m.To, m.Channel = c.Phone, notify.Text
	}
	if c.Synthetic || m.To == "" || !s.Notify.Can(m.Channel) {
		return nil
	}
	return s.Notify.Send(ctx, tx, m)
}
