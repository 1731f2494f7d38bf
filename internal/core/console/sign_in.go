package console

import (
	"encoding/json"
	"net/http"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/staff"
	"standfast/internal/fault"
)

// home leads to the first page of the role.
func (s *server) home(v *visit) (response, error) {
	if v.session.May(staff.SeePeople) {
		return see(site.People.URL())
	}
	if v.session.May(staff.SeeCases) {
		return see(site.Cases.URL())
	}
	return see(site.Passkeys.URL())
}

func (s *server) static(v *visit) (response, error) {
	if !s.files.Serve(v.w, v.r) {
		return s.unknown(v)
	}
	return response{written: true}, nil
}

// language keeps the reader's choice and goes back to where they were.
func (s *server) language(v *visit) (response, error) {
	if locale := v.value("locale"); s.Texts.Match("", locale) == locale {
		s.Cookies.set(v.w, localeCookie, locale, localeFor)
	}
	to := route.Local(v.value("return"))
	if to == "" {
		to = string(site.Home)
	}
	return see(route.Page(to).URL())
}

func (s *server) signInPage(v *visit) (response, error) {
	return show(view.SignIn(v.frame(""), route.Local(v.value("next")), "")), nil
}

// signInPrompt gives what a browser is asked so that whoever has a passkey here
// signs in. It names nobody and stores nothing.
func (s *server) signInPrompt(v *visit) (response, error) {
	p, err := s.Staff.BeginSignIn(v.client())
	if err != nil {
		return response{}, err
	}
	var body struct {
		PublicKey json.RawMessage `json:"publicKey"`
		State     string          `json:"state"`
	}
	if err := json.Unmarshal(p.Options, &body); err != nil {
		return response{}, err
	}
	body.State = p.State
	v.w.Header().Set("Content-Type", "application/json")
	return response{status: http.StatusOK, written: true}, json.NewEncoder(v.w).Encode(body)
}

// signIn signs in. The session before, of whomever, stays as it was until then.
func (s *server) signIn(v *visit) (response, error) {
	next := route.Local(v.value("next"))
	token, err := s.Staff.SignIn(v.r.Context(), v.value("state"), []byte(v.value("passkey")), v.client())
	if err == nil {
		return s.signedIn(v, token, next)
	}
	if k := fault.As(err).Kind; k == fault.Internal || k == fault.Unavailable {
		return response{}, err
	}
	fault.SetRetryAfter(v.w.Header(), fault.As(err))
	return refused(view.SignIn(v.frame(""), next, v.words(fault.As(err))), err), nil
}

func (s *server) signedIn(v *visit, token, next string) (response, error) {
	s.Cookies.set(v.w, sessionCookie, token, staff.SessionMax)
	s.Cookies.clear(v.w, flowCookie)
	if next == "" {
		next = string(site.Home)
	}
	return response{status: http.StatusSeeOther, to: route.Page(next).URL()}, nil
}

func (s *server) signOut(v *visit) (response, error) {
	if err := s.Staff.SignOut(v.r.Context(), s.Cookies.value(v.r, sessionCookie), v.client()); err != nil {
		return response{}, err
	}
	s.Cookies.clear(v.w, sessionCookie)
	return see(site.SignIn.URL())
}

func (s *server) setUpPage(v *visit) (response, error) {
	return s.askSetUp(v, view.SetUpForm{}, nil)
}

func (s *server) askSetUp(v *visit, d view.SetUpForm, cause error) (response, error) {
	asked, err := s.Staff.BeginSetUp(v.r.Context(), v.id(), v.client())
	if err != nil {
		return response{}, err
	}
	d.Link, d.Asked = v.id(), asked
	if cause != nil {
		return refused(view.SetUp(v.frame(""), d), cause), nil
	}
	return show(view.SetUp(v.frame(""), d)), nil
}

func (s *server) setUp(v *visit) (response, error) {
	d := view.SetUpForm{Name: v.value("name"), PasskeyName: v.value("passkey_name")}
	token, err := s.Staff.FinishSetUp(v.r.Context(), staff.SetUp{Link: v.id(), Name: d.Name, PasskeyName: d.PasskeyName,
		State: v.value("state"), Answer: []byte(v.value("passkey"))}, v.client())
	if err == nil {
		return s.signedIn(v, token, "")
	}
	e := fault.As(err)
	if e.Kind != fault.Invalid && e.Kind != fault.Unauthenticated && e.Kind != fault.Conflict {
		return response{}, err
	}
	d.Problem = v.words(e)
	return s.askSetUp(v, d, err)
}
