package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// assistedPage begins the way back in for whoever has lost every way in.
func (s *server) assistedPage(v *visit) (response, error) {
	if v.signedIn() {
		return see(route.Profile.URL()), nil
	}
	return show(view.Assisted(v.frame(view.Elsewhere), view.AssistedData{Username: v.value("username")})), nil
}

// assisted makes the request. Every name is led on to the same page.
func (s *server) assisted(v *visit) (response, error) {
	d := view.AssistedData{Username: v.value("username")}
	c := checks{v: v}
	c.need(d.Username == "", "username", "form.username-missing")
	if d.Problems = c.list; len(d.Problems) > 0 {
		return refused(view.Assisted(v.frame(view.Elsewhere), d), errForm), nil
	}
	claim, err := s.SignIn.BeginAssisted(v.r.Context(), d.Username, v.client())
	if err != nil {
		return s.assistedRefused(v, d, err)
	}
	s.Cookies.KeepFlow(v.w, v.r)
	return see(route.AssistedCase.URL(claim.ID)), nil
}

func (s *server) assistedRefused(v *visit, d view.AssistedData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.username": "username"}); !ok {
		return response{}, err
	}
	return refused(view.Assisted(v.frame(view.Elsewhere), d), err), nil
}

// assistedCase shows how far a request has come.
func (s *server) assistedCase(v *visit) (response, error) {
	return s.showAssisted(v, view.AssistedCaseData{Sent: v.value("sent") != ""}, nil)
}

func (s *server) showAssisted(v *visit, d view.AssistedCaseData, cause error) (response, error) {
	var err error
	if d.Claim, err = s.SignIn.AssistedClaim(v.r.Context(), v.id(), v.client()); fault.Is(err, fault.NotFound) {
		return s.assistedOver(v, err)
	}
	if err != nil {
		return response{}, err
	}
	if d.Claim.State == signin.ClaimDone {
		return see(route.AssistedDone.URL()), nil
	}
	page := view.AssistedCase(v.frame(view.Elsewhere), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// assistedOver begins anew where a request is over.
func (s *server) assistedOver(v *visit, err error) (response, error) {
	return s.assistedRefused(v, view.AssistedData{}, err)
}

// assistedCode takes the code that went to the new telephone number.
func (s *server) assistedCode(v *visit) (response, error) {
	d := view.AssistedCaseData{Code: v.value("code")}
	if d.Code == "" {
		d.Problems = view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}
		return s.showAssisted(v, d, errForm)
	}
	return s.assistedStep(v, d, s.SignIn.AnswerAssisted(v.r.Context(), v.id(), d.Code, v.client()))
}

// assistedSend sends it again.
func (s *server) assistedSend(v *visit) (response, error) {
	err := s.SignIn.SendAssistedCode(v.r.Context(), v.id(), v.client())
	if err == nil {
		return see(route.AssistedCase.URL(v.id(), "sent", "again")), nil
	}
	return s.assistedStep(v, view.AssistedCaseData{}, err)
}

// assistedStep goes on after a form, or says what was wrong with it.
func (s *server) assistedStep(v *visit, d view.AssistedCaseData, err error) (response, error) {
	if err == nil {
		return see(route.AssistedCase.URL(v.id())), nil
	}
	if fault.Is(err, fault.NotFound) {
		return s.assistedOver(v, err)
	}
	controls := map[string]string{"body.code": "code", "claim.code-wrong": "code", "body.new_password": "new"}
	var ok bool
	if d.Problems, ok = v.problems(err, controls); !ok {
		return response{}, err
	}
	return s.showAssisted(v, d, err)
}

// assistedPassword sets the new password. Sent twice, it is done once.
func (s *server) assistedPassword(v *visit) (response, error) {
	password := v.secret("new")
	if password == "" {
		d := view.AssistedCaseData{Problems: view.Problems{{Field: "new", Message: v.text.T("form.new-password-missing")}}}
		return s.showAssisted(v, d, errForm)
	}
	err := s.SignIn.CompleteAssisted(v.r.Context(), v.id(), password, v.client())
	if err == nil {
		return see(route.AssistedDone.URL()), nil
	}
	return s.assistedStep(v, view.AssistedCaseData{}, err)
}

func (s *server) assistedDone(v *visit) (response, error) {
	return show(view.AssistedDone(v.frame(view.Elsewhere))), nil
}

// stopPage says what the link of a notice can still do. It changes nothing: mail
// programs open links by themselves.
func (s *server) stopPage(v *visit) (response, error) {
	can, err := s.SignIn.AssistedByLink(v.r.Context(), v.id())
	if err != nil {
		return response{}, err
	}
	return show(view.AssistedStop(v.frame(view.Elsewhere), view.StopData{Token: v.id(), Can: can, Now: v.value("now") != ""})), nil
}

func (s *server) stop(v *visit) (response, error) {
	if _, err := s.SignIn.StopAssisted(v.r.Context(), v.id(), v.client()); err != nil {
		return response{}, err
	}
	return see(route.AssistedStop.URL(v.id(), "now", "stopped")), nil
}
