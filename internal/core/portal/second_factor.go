package portal

import (
	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

func (v *visit) changing() signin.ChangeRequest {
	return signin.ChangeRequest{Session: v.session, Client: v.client()}
}

// proveFirst leads to the page that asks who is there, where a change was
// refused for want of that, and from there back to where it begins.
func proveFirst(err error, back templ.SafeURL) (response, error) {
	ch, ok := challengeOf(err)
	if !ok {
		return response{}, err
	}
	return see(route.Prove.URL("challenge", ch.ID, "next", string(back))), nil
}

// provePage asks for a code before a change of what the member signs in with.
func (s *server) provePage(v *visit) (response, error) {
	return s.showProve(v, view.CodeData{Next: route.Local(v.value("next"))}, nil)
}

// prove takes the code. For ten minutes then the session may make changes.
func (s *server) prove(v *visit) (response, error) {
	d := view.CodeData{Next: route.Local(v.value("next")), Code: v.value("code")}
	if passkey, _ := v.answered(); len(passkey) == 0 && d.Code == "" {
		d.Problems = view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}
		return s.showProve(v, d, errForm)
	}
	_, err := s.proveBy(v)
	if err == nil {
		return see(proved(d.Next)), nil
	}
	var ok bool
	if d.Problems, ok = v.problems(err, codeControls); !ok {
		return response{}, err
	}
	return s.showProve(v, d, err)
}

// proved is where a change goes on.
func proved(next string) templ.SafeURL {
	if next == "" {
		return route.Profile.URL()
	}
	return templ.SafeURL(next)
}

// showProve shows the page while its challenge stands; after that the change
// begins anew, which asks again.
func (s *server) showProve(v *visit, d view.CodeData, cause error) (response, error) {
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
		return see(proved(d.Next)), nil
	}
	if err != nil {
		return response{}, err
	}
	d.Challenge, d.Sent = ch, v.value("sent") != ""
	page := view.Prove(v.frame(view.AtProfile), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) authenticator(v *visit) (response, error) {
	info, err := s.SignIn.Authenticator(v.r.Context(), v.session)
	if err != nil {
		return response{}, err
	}
	return show(view.Authenticator(v.frame(view.AtProfile), view.AuthenticatorData{App: info, Done: v.value("done")})), nil
}

func (s *server) setUpAuthenticator(v *visit) (response, error) {
	set, err := s.SignIn.SetUpAuthenticator(v.r.Context(), v.changing())
	if err != nil {
		return proveFirst(err, route.Authenticator.URL())
	}
	return see(route.AuthenticatorSetUp.URL(set.ID)), nil
}

// authenticatorSetUp shows the secret, as a QR code and in letters.
func (s *server) authenticatorSetUp(v *visit) (response, error) {
	return s.showSetUp(v, nil, nil)
}

func (s *server) showSetUp(v *visit, p view.Problems, cause error) (response, error) {
	set, err := s.SignIn.PendingAuthenticator(v.r.Context(), v.changing(), v.id())
	if fault.Is(err, fault.NotFound) {
		return see(route.Authenticator.URL()), nil
	}
	if err != nil {
		return proveFirst(err, route.AuthenticatorSetUp.URL(v.id()))
	}
	page := view.AuthenticatorSetUp(v.frame(view.AtProfile), view.AuthenticatorSetUpData{SetUp: set, Code: v.value("code"), Problems: p})
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) confirmAuthenticator(v *visit) (response, error) {
	code := v.value("code")
	if code == "" {
		return s.showSetUp(v, view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}, errForm)
	}
	err := s.SignIn.ConfirmAuthenticator(v.r.Context(), v.changing(), v.id(), code)
	switch {
	case err == nil:
		return see(route.Authenticator.URL("done", "added")), nil
	case fault.Is(err, fault.NotFound):
		return see(route.Authenticator.URL()), nil
	}
	if _, asked := challengeOf(err); asked {
		return proveFirst(err, route.AuthenticatorSetUp.URL(v.id()))
	}
	p, ok := v.problems(err, codeControls)
	if !ok {
		return response{}, err
	}
	return s.showSetUp(v, p, err)
}

func (s *server) removeAuthenticator(v *visit) (response, error) {
	err := s.SignIn.RemoveAuthenticator(v.r.Context(), v.changing(), v.id())
	if fault.Is(err, fault.Conflict) {
		return see(route.Authenticator.URL("done", "last")), nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return proveFirst(err, route.Authenticator.URL())
	}
	return see(route.Authenticator.URL("done", "removed")), nil
}

func (s *server) recoveryCodes(v *visit) (response, error) {
	info, err := s.SignIn.RecoveryCodes(v.r.Context(), v.session)
	if err != nil {
		return response{}, err
	}
	return show(view.RecoveryCodes(v.frame(view.AtProfile), info)), nil
}

// recoveryLater puts the dashboard's offer of codes away.
func (s *server) recoveryLater(v *visit) (response, error) {
	if err := s.SignIn.DismissRecoveryCodes(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	return see(route.Dashboard.URL()), nil
}

// makeRecoveryCodes shows new codes in its own answer: they stand nowhere else,
// no address leads to them again.
func (s *server) makeRecoveryCodes(v *visit) (response, error) {
	codes, err := s.SignIn.MakeRecoveryCodes(v.r.Context(), v.changing())
	if err != nil {
		return proveFirst(err, route.RecoveryCodes.URL())
	}
	return show(view.NewRecoveryCodes(v.frame(view.AtProfile), codes)), nil
}
