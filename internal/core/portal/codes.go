package portal

import (
	"context"
	"slices"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// askAgain sends a challenge's code once more, by the channel that the form
// names, or, where the form only asks for the state, leaves it as it is.
func (s *server) askAgain(v *visit) (sent bool, err error) {
	if v.value("look") != "" {
		return false, nil
	}
	_, err = s.SignIn.Resend(v.r.Context(), v.value("challenge"), v.value("channel"), v.client())
	return err == nil, err
}

// sentMark is the value of an address that says a code was just sent again.
func sentMark(sent bool) string {
	if sent {
		return "again"
	}
	return ""
}

// resend sends the code of a sign-in again, by the same channel or another.
func (s *server) resend(v *visit) (response, error) {
	client, next := v.client(), route.Local(v.value("next"))
	sent, err := s.askAgain(v)
	if err == nil {
		return see(route.SignInCode.URL("challenge", v.value("challenge"), "next", next, "sent", sentMark(sent))), nil
	}
	if fault.Is(err, fault.Unauthenticated) {
		return s.codeOver(v, next), nil
	}
	d := view.CodeData{Next: next, Trust: true}
	var ok bool
	if d.Problems, ok = v.problems(err, nil); !ok {
		return response{}, err
	}
	return s.codeRefused(v, d, v.value("challenge"), client, err)
}

// payCodeAgain sends the code of a payment again. It still names amount and payee.
func (s *server) payCodeAgain(v *visit) (response, error) {
	sent, cause := s.askAgain(v)
	if cause == nil {
		return see(payForm(v).CodeURL(v.value("challenge"), v.value("exact"), "sent", sentMark(sent))), nil
	}
	d, err := s.payData(v, payForm(v))
	if err != nil {
		return response{}, err
	}
	o, wrong := s.exactly(v, d)
	if len(wrong) > 0 {
		return see(d.Form.ReviewURL()), nil
	}
	return s.payCodeRefused(v, d, o, cause)
}

// addCodeAgain sends the code of a new bank account again. Its number stays in
// the form and out of the address, so the page is the answer itself.
func (s *server) addCodeAgain(v *visit) (response, error) {
	d := s.addData(methodForm(v))
	sent, cause := s.askAgain(v)
	if cause != nil {
		return s.addCodeRefused(v, d, cause)
	}
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if err != nil {
		return s.addCodeRefused(v, d, err)
	}
	return show(view.MethodCode(v.frame(view.AtPayments), view.MethodCodeData{Challenge: ch, Form: d.Form, Masked: masked(d.Form), Sent: sent})), nil
}

// proveAgain sends the code of a change again.
func (s *server) proveAgain(v *visit) (response, error) {
	next := route.Local(v.value("next"))
	sent, err := s.askAgain(v)
	if err == nil {
		return see(route.Prove.URL("challenge", v.value("challenge"), "next", next, "sent", sentMark(sent))), nil
	}
	d := view.CodeData{Next: next}
	var ok bool
	if d.Problems, ok = v.problems(err, nil); !ok {
		return response{}, err
	}
	return s.showProve(v, d, err)
}

// codes shows how the member gets codes, and when some were asked for.
func (s *server) codes(v *visit) (response, error) {
	d, err := s.codesData(v)
	if err != nil {
		return response{}, err
	}
	d.Saved = v.value("done") != ""
	if err := s.SignIn.SeenCodes(v.r.Context(), v.session); err != nil {
		s.Log.WarnContext(v.r.Context(), "that codes were looked at is not stored", "err", err) // they are shown again
	}
	return show(view.Codes(v.frame(view.AtProfile), d)), nil
}

func (s *server) codesData(v *visit) (d view.CodesData, err error) {
	if d.Preference, err = s.SignIn.CodePreference(v.r.Context(), v.session); err != nil {
		return d, err
	}
	d.Email = s.SignIn.EmailCodes()
	d.Asked, err = s.SignIn.AskedCodes(v.r.Context(), v.session)
	return d, err
}

// setCodes changes how the member gets codes.
func (s *server) setCodes(v *visit) (response, error) {
	p := codePreference(v, s.SignIn.EmailCodes())
	err := s.SignIn.SetCodePreference(v.r.Context(), v.session, p, v.client())
	if err == nil {
		return see(route.Codes.URL("done", "saved")), nil
	}
	d, failed := s.codesData(v)
	if failed != nil {
		return response{}, failed
	}
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.ways": "first-text"}); !ok {
		return response{}, err
	}
	d.Preference = p
	return refused(view.Codes(v.frame(view.AtProfile), d), err), nil
}

// codePreference reads the form: the first channel, whether the other one comes
// after it, and whether e-mail is the last.
func codePreference(v *visit, email bool) signin.CodePreference {
	ways := []string{"text", "voice"}
	if v.value("first") == "voice" {
		slices.Reverse(ways)
	}
	if v.value("other") == "" {
		ways = ways[:1]
	}
	if email && v.value("email") != "" {
		ways = append(ways, "email")
	}
	return signin.CodePreference{Ways: ways, ByItself: v.value("by-itself") != ""}
}

// bombed says that many codes were asked for and not used, to a member who has
// just signed in.
func (s *server) bombed(ctx context.Context, v *visit) []view.Waiting {
	if v.now.Sub(v.session.AuthenticatedAt) > justSignedIn {
		return nil
	}
	b, err := s.SignIn.Bombed(ctx, v.session)
	if err != nil || b.Messages == 0 {
		return nil
	}
	return []view.Waiting{{
		Text:  v.text.N("dashboard.bombed", b.Messages, "Device", b.Device, "Address", b.IP, "Time", v.text.DateTime(b.At)),
		Label: v.text.T("dashboard.bombed-go"), To: route.Codes.URL(),
	}}
}
