package gallery

import (
	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

func enrolEntries() []Entry {
	begun := func(later bool) signin.Claim {
		c := claim()
		c.Kind, c.Passkey = signin.Enrolment, nil
		if later {
			c.ResendAt = now
		}
		return c
	}
	savings := signin.Enrolling{Who: "ana@example.com", By: signin.EnrolBySavings}
	return []Entry{
		{Name: "enrol", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.Enrol(f, view.EnrolData{}) }},
		{Name: "enrol-savings", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.Enrol(f, view.EnrolData{Form: savings}) }},
		{Name: "enrol-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.Enrol(f, view.EnrolData{Form: signin.Enrolling{Who: "ana@example.com", Last4: "44", Expires: "13/27"}, Problems: view.Problems{
				{Field: "last4", Message: f.T("fault.enrol.last4")}, {Field: "expires", Message: f.T("fault.enrol.expires")}}})
		}},
		{Name: "enrol-code", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.EnrolCode(f, view.EnrolCodeData{Claim: begun(false)})
		}},
		{Name: "enrol-code-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.EnrolCode(f, view.EnrolCodeData{Claim: begun(true), Sent: true, Code: "123 456", Problems: view.Problems{{Field: "code", Message: f.N("fault.claim.code-wrong", 3)}}})
		}},
		{Name: "enrol-login", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.EnrolLogin(f, view.EnrolLoginData{ID: id("claim"), Username: "ana", Trust: true})
		}},
		{Name: "enrol-login-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.EnrolLogin(f, view.EnrolLoginData{ID: id("claim"), Username: "alex", Problems: view.Problems{
				{Field: "username", Message: f.T("fault.member.username-taken")}, {Field: "pin", Message: f.T("fault.pin.own")}}})
		}},
		{Name: "enrol-done", Page: view.EnrolDone},
	}
}
