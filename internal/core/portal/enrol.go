package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// enrolPage asks who somebody without a login is. Whoever is signed in has one.
func (s *server) enrolPage(v *visit) (response, error) {
	if v.signedIn() {
		return see(route.Dashboard.URL()), nil
	}
	return show(view.Enrol(v.frame(view.Elsewhere), view.EnrolData{Form: v.enrolling()})), nil
}

func (v *visit) enrolling() signin.Enrolling {
	return signin.Enrolling{Who: v.value("who"), By: signin.EnrolBy(v.value("by")), Last4: v.value("last4"), Expires: v.value("expires"),
		End: v.value("end"), BirthDate: v.value("born")}
}

// enrolControls are the controls that errors of enrolments lie at.
var enrolControls = map[string]string{"body.who": "who", "body.last4": "last4", "body.expires": "expires", "body.end": "end", "body.birth_date": "born",
	"body.username": "username", "body.new_password": "new", "body.pin": "pin"}

// enrol begins the enrolment. Whatever is shown is led on to the same page.
func (s *server) enrol(v *visit) (response, error) {
	d := view.EnrolData{Form: v.enrolling()}
	c := checks{v: v}
	c.need(d.Form.Who == "", "who", "form.who-missing")
	if d.Form.By == signin.EnrolBySavings {
		c.need(d.Form.End == "", "end", "form.end-missing")
		c.need(d.Form.BirthDate == "", "born", "form.born-missing")
	} else {
		c.need(d.Form.Last4 == "", "last4", "form.last4-missing")
		c.need(d.Form.Expires == "", "expires", "form.expires-missing")
	}
	if d.Problems = c.list; len(d.Problems) > 0 {
		return refused(view.Enrol(v.frame(view.Elsewhere), d), errForm), nil
	}
	claim, err := s.SignIn.BeginEnrolment(v.r.Context(), d.Form, v.client())
	if err == nil {
		return see(route.EnrolCode.URL(claim.ID)), nil
	}
	return s.enrolRefused(v, d, err)
}

func (s *server) enrolRefused(v *visit, d view.EnrolData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, enrolControls); !ok {
		return response{}, err
	}
	return refused(view.Enrol(v.frame(view.Elsewhere), d), err), nil
}

// enrolCodePage asks for the code; a reload finds the same claim.
func (s *server) enrolCodePage(v *visit) (response, error) {
	return s.showEnrolment(v, view.EnrolCodeData{Sent: v.value("sent") != ""}, nil)
}

// showEnrolment shows an enrolment as it stands; one that is over begins anew.
func (s *server) showEnrolment(v *visit, d view.EnrolCodeData, cause error) (response, error) {
	claim, err := s.SignIn.Enrolment(v.r.Context(), v.id(), v.client())
	if fault.Is(err, fault.NotFound) {
		return s.enrolRefused(v, view.EnrolData{}, err)
	}
	if err != nil {
		return response{}, err
	}
	switch claim.State {
	case signin.ClaimReady:
		return see(route.EnrolLogin.URL(claim.ID)), nil
	case signin.ClaimDone:
		return see(route.EnrolDone.URL()), nil
	}
	d.Claim = claim
	page := view.EnrolCode(v.frame(view.Elsewhere), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// enrolCode takes the code.
func (s *server) enrolCode(v *visit) (response, error) {
	d := view.EnrolCodeData{Code: v.value("code")}
	if d.Code == "" {
		d.Problems = view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}
		return s.showEnrolment(v, d, errForm)
	}
	_, err := s.SignIn.AnswerEnrolment(v.r.Context(), v.id(), d.Code, v.client())
	if err == nil {
		return see(route.EnrolLogin.URL(v.id())), nil
	}
	return s.enrolmentProblems(v, d, err)
}

// enrolmentProblems says what was wrong, on the page where the enrolment stands.
func (s *server) enrolmentProblems(v *visit, d view.EnrolCodeData, err error) (response, error) {
	if fault.Is(err, fault.NotFound) {
		return s.enrolRefused(v, view.EnrolData{}, err)
	}
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.code": "code", "claim.code-wrong": "code"}); !ok {
		return response{}, err
	}
	return s.showEnrolment(v, d, err)
}

// enrolSend asks for the code again, or by another channel.
func (s *server) enrolSend(v *visit) (response, error) {
	_, err := s.SignIn.SendEnrolmentCode(v.r.Context(), v.id(), v.value("channel"), v.client())
	if err == nil {
		return see(route.EnrolCode.URL(v.id(), "sent", "again")), nil
	}
	return s.enrolmentProblems(v, view.EnrolCodeData{}, err)
}

// enrolLoginPage asks for the new login.
func (s *server) enrolLoginPage(v *visit) (response, error) {
	return s.showLogin(v, view.EnrolLoginData{Trust: true}, nil)
}

func (s *server) showLogin(v *visit, d view.EnrolLoginData, cause error) (response, error) {
	claim, err := s.SignIn.Enrolment(v.r.Context(), v.id(), v.client())
	if fault.Is(err, fault.NotFound) {
		return s.enrolRefused(v, view.EnrolData{}, err)
	}
	if err != nil {
		return response{}, err
	}
	switch claim.State {
	case signin.ClaimDone:
		return see(route.EnrolDone.URL()), nil
	case signin.ClaimReady:
	default:
		return see(route.EnrolCode.URL(claim.ID)), nil
	}
	d.ID, d.Key = claim.ID, s.keyForm(v, true)
	if cause == nil {
		d.Username = claim.Username
		return show(view.EnrolLogin(v.frame(view.Elsewhere), d)), nil
	}
	return refused(view.EnrolLogin(v.frame(view.Elsewhere), d), cause), nil
}

// enrolLogin makes the login and signs the member in. Password and PIN are typed
// anew after a refusal: no page ever holds one.
func (s *server) enrolLogin(v *visit) (response, error) {
	client := v.client()
	q := signin.NewLogin{Username: v.value("username"), Password: v.secret("new"), PIN: v.secret("pin"), Trust: v.value("trust") != ""}
	d := view.EnrolLoginData{Username: q.Username, Trust: q.Trust}
	c := checks{v: v}
	c.need(q.Username == "", "username", "form.username-missing")
	c.need(q.Password == "", "new", "form.new-password-missing")
	c.need(q.PIN == "", "pin", "form.pin-missing")
	if d.Problems = c.list; len(d.Problems) > 0 {
		return s.showLogin(v, d, errForm)
	}
	out, err := s.SignIn.CompleteEnrolment(v.r.Context(), v.id(), q, client)
	if err == nil {
		s.keep(v, out)
		return see(route.EnrolDone.URL()), nil
	}
	if fault.Is(err, fault.NotFound) {
		return s.enrolRefused(v, view.EnrolData{}, err)
	}
	var ok bool
	if d.Problems, ok = v.problems(err, enrolControls); !ok {
		return response{}, err
	}
	return s.showLogin(v, d, err)
}

// enrolDone offers what makes the next sign-ins easier.
func (s *server) enrolDone(v *visit) (response, error) {
	return show(view.EnrolDone(v.frame(view.Elsewhere))), nil
}
