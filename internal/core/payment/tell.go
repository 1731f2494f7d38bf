package payment

import (
	"context"

	"standfast/internal/core/account"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// addressee is whom a step is told to, and how the card is named to them.
type addressee struct {
	Contact
	payee string
}

// addressee gives how the member of a payment is told about it. A member or card
// that is gone is told or named nothing, and the payment goes on.
func (s *Service) addressee(ctx context.Context, r *record) (to addressee, err error) {
	if r.rail == syntheticRail {
		return addressee{Contact: Contact{Synthetic: true}}, nil
	}
	if to.Contact, err = s.Contact(ctx, r.MemberID); err != nil && !fault.Is(err, fault.NotFound) {
		return addressee{}, err
	}
	if card, err := s.Accounts.Held(ctx, r.MemberID, r.AccountID); err == nil {
		to.payee = payeeName(card)
	}
	return to, nil
}

// payeeName names a card in no language.
func payeeName(a account.Account) string {
	if a.Last4 == "" {
		return a.Name
	}
	return a.Name + " •••• " + a.Last4
}

// tell has the member told of a step once it is committed.
func (s *Service) tell(ctx context.Context, tx *db.Tx, r *record, to addressee, template string) error {
	data := map[string]any{
		"Amount": r.Amount, "Payee": to.payee, "Method": r.MethodDisplay, "Confirmation": Grouped(r.ConfirmationNumber), "Date": r.Date, "CreditedOn": r.CreditedOn,
	}
	if note := r.Note(); note != "" {
		data["Reason"] = notify.Term(note)
	}
	return s.post(ctx, tx, to.Contact, notify.Message{MemberID: r.MemberID, Template: template, Data: data})
}

// post sends a message by e-mail, or by text where there is no address or no
// sender of e-mail, or not at all.
func (s *Service) post(ctx context.Context, tx *db.Tx, c Contact, m notify.Message) error {
	m.To, m.Channel, m.Locale = c.Email, notify.Email, c.Locale
	if m.To == "" || !s.Notify.Can(notify.Email) {
		m.To, m.Channel = c.Phone, notify.Text
	}
	if c.Synthetic || m.To == "" || !s.Notify.Can(m.Channel) {
		return nil
	}
	return s.Notify.Send(ctx, tx, m)
}
