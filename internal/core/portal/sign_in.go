package portal

import (
	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// signInPage shows the form; whoever is signed in already goes on at once.
func (s *server) signInPage(v *visit) (response, error) {
	next := route.Local(v.value("next"))
	if v.signedIn() {
		return see(after(next)), nil
	}
	return show(view.SignIn(v.frame(view.Elsewhere), view.SignInData{Next: next, Key: s.keyForm(v, false)})), nil
}

// after is where one goes once signed in.
func after(next string) templ.SafeURL {
	if next == "" {
		return route.Dashboard.URL()
	}
	return templ.SafeURL(next)
}

// signIn takes username and password.
func (s *server) signIn(v *visit) (response, error) {
	d := view.SignInData{Username: v.value("username"), Next: route.Local(v.value("next")), Key: s.keyForm(v, false)}
	password := v.secret("password")
	c := checks{v: v}
	c.need(d.Username == "", "username", "form.username-missing")
	c.need(password == "", "password", "form.password-missing")
	if d.Problems = c.list; len(d.Problems) > 0 {
		return refused(view.SignIn(v.frame(view.Elsewhere), d), errForm), nil
	}
	out, err := s.SignIn.SignIn(v.r.Context(), d.Username, password, v.client())
	if err != nil {
		return s.signInRefused(v, d, err)
	}
	if out.Challenge != nil {
		return see(route.SignInCode.URL("challenge", out.Challenge.ID, "next", d.Next)), nil
	}
	s.keep(v, out)
	return see(after(d.Next)), nil
}

func (s *server) signInRefused(v *visit, d view.SignInData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"signin.refused": "username", "body.username": "username", "body.password": "password"}); !ok {
		return response{}, err
	}
	return refused(view.SignIn(v.frame(view.Elsewhere), d), err), nil
}

// keep hands the session, and the device's identity, to the browser.
func (s *server) keep(v *visit, out signin.Outcome) {
	s.Cookies.SetSession(v.w, out.Session.Token, out.Session.ExpiresAt)
	if out.DeviceToken != "" {
		s.Cookies.SetDevice(v.w, out.DeviceToken)
	}
}

// codePage asks for the code; a reload finds the same challenge.
func (s *server) codePage(v *visit) (response, error) {
	next := route.Local(v.value("next"))
	if v.signedIn() {
		return see(after(next)), nil
	}
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if fault.Is(err, fault.Unauthenticated) {
		return s.codeOver(v, next), nil
	}
	if err != nil {
		return response{}, err
	}
	d := view.CodeData{Challenge: ch, Next: next, Trust: true, Sent: v.value("sent") != "", Key: s.keyForm(v, true)}
	return show(view.SignInCode(v.frame(view.Elsewhere), d)), nil
}

// codeOver shows the sign-in form again: the code asked about is no longer good here.
func (s *server) codeOver(v *visit, next string) response {
	d := view.SignInData{Next: next, Key: s.keyForm(v, false), Problems: view.Problems{{Field: "username", Message: v.text.T("form.code-gone")}}}
	return refused(view.SignIn(v.frame(view.Elsewhere), d), errForm)
}

// codeControls are the controls that errors about a code lie at.
var codeControls = map[string]string{"body.code": "code", "signin.code-wrong": "code", "signin.code-over": "code",
	"step-up.code-wrong": "code", "step-up.code-over": "code", "step-up-refused": "code"}

// submitCode takes the code. A wrong one is asked for again, on the same page.
func (s *server) submitCode(v *visit) (response, error) {
	client := v.client()
	d := view.CodeData{Code: v.value("code"), Trust: v.value("trust") != "", Next: route.Local(v.value("next")), Key: s.keyForm(v, true)}
	id := v.value("challenge")
	c := checks{v: v}
	c.need(d.Code == "" && v.value("passkey") == "", "code", "form.code-missing")
	err := error(errForm)
	if d.Problems = c.list; len(d.Problems) == 0 {
		var out signin.Outcome
		if out, err = s.submitAnswer(v, id, d.Trust, client); err == nil {
			s.keep(v, out)
			return see(after(d.Next)), nil
		}
		var ok bool
		if d.Problems, ok = v.problems(err, codeControls); !ok {
			return response{}, err
		}
	}
	return s.codeRefused(v, d, id, client, err)
}

// submitAnswer answers the challenge of a sign-in by what the form holds.
func (s *server) submitAnswer(v *visit, id string, trust bool, client signin.Client) (signin.Outcome, error) {
	passkey, code := v.answered()
	if len(passkey) > 0 {
		return s.SignIn.SubmitPasskey(v.r.Context(), id, passkey, trust, client)
	}
	return s.SignIn.SubmitCode(v.r.Context(), id, code, trust, client)
}

// codeRefused shows the code page again while its challenge stands.
func (s *server) codeRefused(v *visit, d view.CodeData, id string, client signin.Client, cause error) (response, error) {
	ch, err := s.SignIn.Challenge(v.r.Context(), id, client)
	if fault.Is(err, fault.Unauthenticated) {
		return s.codeOver(v, d.Next), nil
	}
	if err != nil {
		return response{}, err
	}
	d.Challenge = ch
	return refused(view.SignInCode(v.frame(view.Elsewhere), d), cause), nil
}

// signOut ends the session. The device stays known. Pressed twice, or with a
// session that is over, it is done just the same; where that is not known, it is
// not claimed.
func (s *server) signOut(v *visit) (response, error) {
	sess, err := s.SignIn.Check(v.r.Context(), s.Cookies.Session(v.r), signin.Look)
	if err == nil {
		err = s.SignIn.SignOut(v.r.Context(), sess)
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return response{}, err
	}
	s.Cookies.ClearSession(v.w)
	return see(route.SignedOut.URL()), nil
}

func (s *server) signedOut(v *visit) (response, error) {
	if v.signedIn() {
		return see(route.Dashboard.URL()), nil
	}
	return show(view.SignedOut(v.frame(view.Elsewhere))), nil
}
