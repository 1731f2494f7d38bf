package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// payCodePage asks for the code that allows one payment. It says amount and
// payee, and a reload finds the same challenge.
func (s *server) payCodePage(v *visit) (response, error) {
	f := payForm(v)
	if f.Account == "" {
		return see(route.Pay.URL()), nil
	}
	d, err := s.payData(v, f)
	if err != nil {
		return response{}, err
	}
	o, wrong := s.exactly(v, d)
	if len(wrong) > 0 {
		return see(d.Form.ReviewURL()), nil
	}
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
		return see(d.Form.ReviewURL()), nil // over: the review asks for a new one
	}
	if err != nil {
		return response{}, err
	}
	return show(view.PayCode(v.frame(view.AtPay), view.PayCodeData{ReviewData: reviewOf(v, d, o), CodeData: view.CodeData{Challenge: ch, Sent: v.value("sent") != "", Again: v.value("sent") == sentMark(true)}})), nil
}

// payWithCode pays once the code is right.
func (s *server) payWithCode(v *visit) (response, error) {
	d, err := s.payData(v, payForm(v))
	if err != nil {
		return response{}, err
	}
	o, wrong := s.exactly(v, d)
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Pay(v.frame(view.AtPay), d), errForm), nil
	}
	if passkey, code := v.answered(); len(passkey) == 0 && code == "" {
		return s.payCodeRefused(v, d, o, fault.InvalidField("body.code", "form.code-missing", "Enter the code."))
	}
	proof, err := s.proveBy(v)
	if err != nil && fault.As(err).Code == "step-up.code-over" {
		return s.payOnceMore(v, d, o)
	}
	if err != nil {
		return s.payCodeRefused(v, d, o, err)
	}
	p, err := s.submit(v, d.Form, o, proof)
	if err != nil {
		return s.payRefused(v, d, o, err)
	}
	return see(route.PayDone.URL(p.ConfirmationNumber)), nil
}

// payOnceMore is for a code that is over. If it is over because it has paid (a
// second press, a reload), the payment that stands under the key is the answer;
// else a new code is on its way.
func (s *server) payOnceMore(v *visit, d view.PayData, o order) (response, error) {
	p, err := s.submit(v, d.Form, o, "")
	if err == nil {
		return see(route.PayDone.URL(p.ConfirmationNumber)), nil
	}
	if ch, ok := challengeOf(err); ok {
		return see(d.Form.CodeURL(ch.ID, o.Amount.Value(), "sent", "1")), nil
	}
	return s.payRefused(v, d, o, err)
}

// payCodeRefused asks again while the challenge stands; after that the review
// says that the code is over and leads to a new one.
func (s *server) payCodeRefused(v *visit, d view.PayData, o order, cause error) (response, error) {
	list, ok := v.problems(cause, codeControls)
	if !ok {
		return response{}, cause
	}
	r := reviewOf(v, d, o)
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if err != nil {
		list[0].Field = ""
		r.Problems = list
		return refused(view.PayReview(v.frame(view.AtPay), r), cause), nil
	}
	c := view.CodeData{Challenge: ch, Code: v.value("code"), Problems: list}
	return refused(view.PayCode(v.frame(view.AtPay), view.PayCodeData{ReviewData: r, CodeData: c}), cause), nil
}
