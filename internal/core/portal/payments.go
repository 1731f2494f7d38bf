package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// payments is the history, with what is on its way first.
func (s *server) payments(v *visit) (response, error) {
	d := view.PaymentsData{Cursor: v.value("cursor"), Cancelled: v.value("cancelled") != "", Names: s.names(v)}
	list, next, err := s.Payments.List(v.r.Context(), v.member(), "", d.Cursor, pageSize)
	switch {
	case fault.Is(err, fault.Invalid): // a cursor that is not ours
		return see(route.Payments.URL()), nil
	case fault.Is(err, fault.Unavailable):
		d.Failed = true
	case err != nil:
		return response{}, err
	}
	d.Items, d.Next = list, next
	res := show(view.Payments(v.frame(view.AtPayments), d))
	res.partial = d.Failed
	return res, nil
}

// names are what a member's accounts are called, by id; empty where that is not known.
func (s *server) names(v *visit) map[string]string {
	names := map[string]string{}
	tiles, err := s.Accounts.List(v.r.Context(), v.member())
	if err != nil {
		return names
	}
	for _, t := range tiles {
		names[t.ID] = t.Name
	}
	return names
}

// cancelPage asks whether a payment is to be cancelled.
func (s *server) cancelPage(v *visit) (response, error) {
	p, err := s.Payments.Get(v.r.Context(), v.member(), v.id())
	if err != nil {
		return response{}, err
	}
	if !p.CanCancel {
		return see(route.PayDone.URL(p.ConfirmationNumber)), nil // its page says where it stands
	}
	return show(view.PaymentCancel(v.frame(view.AtPayments), p, s.nameOfAccount(v, p.AccountID))), nil
}

func (s *server) nameOfAccount(v *visit, id string) string {
	t, err := s.Accounts.Get(v.r.Context(), v.member(), id)
	if err != nil {
		return v.text.T("parts.your-card")
	}
	return t.Name
}

// cancel does it. A payment that has gone too far meanwhile says where it stands.
func (s *server) cancel(v *visit) (response, error) {
	if _, err := s.Payments.Cancel(v.r.Context(), v.member(), v.id()); err != nil {
		return response{}, err
	}
	return see(route.Payments.URL("cancelled", "1")), nil
}
