package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

func publicEntries() []Entry {
	wrong := func(f view.Frame) view.Problems {
		return view.Problems{{Field: "code", Message: f.T("form.code-shape")}}
	}
	return []Entry{
		{Name: "home", SignedOut: true, Page: view.Home},
		{Name: "home-signed-in", Page: view.Home},
		{Name: "help", SignedOut: true, Page: view.Help},
		{Name: "security", SignedOut: true, Page: view.Security},
		{Name: "sign-in", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.SignIn(f, view.SignInData{}) }},
		{Name: "sign-in-other-region", SignedOut: true, Page: func(f view.Frame) templ.Component {
			f.Regions = regions()
			f.Chosen = f.Regions[1]
			return view.SignIn(f, view.SignInData{})
		}},
		{Name: "regions", SignedOut: true, Page: func(f view.Frame) templ.Component {
			f.Regions = regions()
			return view.RegionList(f)
		}},
		{Name: "sign-in-refused", SignedOut: true, Notices: notices(), Page: func(f view.Frame) templ.Component {
			return view.SignIn(f, view.SignInData{Username: "ana", Next: "/pay", Problems: view.Problems{
				{Field: "username", Message: f.T("form.username-missing")}, {Field: "password", Message: f.T("form.password-missing")}}})
		}},
		{Name: "code", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.SignInCode(f, view.CodeData{Challenge: challenge("text"), Trust: true})
		}},
		{Name: "code-or-passkey", SignedOut: true, Page: func(f view.Frame) templ.Component {
			c := challenge("text")
			c.Passkey = askedFor()
			return view.SignInCode(f, view.CodeData{Challenge: c, Trust: true})
		}},
		{Name: "code-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.SignInCode(f, view.CodeData{Challenge: challenge("voice"), Code: "48 21", Next: "/pay", Problems: wrong(f)})
		}},
		{Name: "code-key-gone", SignedOut: true, Page: func(f view.Frame) templ.Component {
			c := challenge("text")
			c.Reason = signin.ReasonKey
			return view.SignInCode(f, view.CodeData{Challenge: c, Trust: true})
		}},
		{Name: "code-sent-again", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.SignInCode(f, view.CodeData{Challenge: challenge("email"), Sent: true})
		}},
		{Name: "signed-out", SignedOut: true, Page: view.SignedOut},
		{Name: "not-found", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.Say(f, view.Message{Title: f.T("problem.not-found-title"), Text: f.T("problem.not-found"), Label: f.T("problem.go-start"), To: route.Home.URL()})
		}},
		{Name: "late", Notices: notices(), Page: func(f view.Frame) templ.Component {
			return view.Say(f, view.Message{Title: f.T("problem.late-title"), Text: f.T("problem.late"), Safe: f.T("problem.late-safe"),
				Label: f.T("problem.again"), To: route.Dashboard.URL()})
		}},
		{Name: "busy", Page: func(f view.Frame) templ.Component {
			return view.Say(f, view.Message{Title: f.T("problem.busy-title"), Text: f.T("problem.busy") + " " + f.T("problem.by-itself"), Label: f.T("problem.again"), To: route.Dashboard.URL()})
		}},
		{Name: "undone", Notices: notices(), Page: func(f view.Frame) templ.Component { return view.Say(f, later(f, "undone")) }},
		{Name: "unknown", Notices: notices(), Page: func(f view.Frame) templ.Component { return view.Say(f, later(f, "unknown")) }},
		{Name: "broken", Page: func(f view.Frame) templ.Component {
			return view.Say(f, view.Message{Title: f.T("problem.broken-title"), Text: f.T("problem.broken"), Label: f.T("problem.go-home"), To: route.Dashboard.URL()})
		}},
	}
}

// later is the page of a request that was refused because the answer is not known.
func later(f view.Frame, which string) view.Message {
	return view.Message{Title: f.T("problem." + which + "-title"), Text: f.T("problem." + which), Label: f.T("problem.again"), To: route.Pay.URL(),
		Works: []string{f.T("problem.works-look"), f.T("problem.works-freeze"), f.T("problem.works-call")}}
}

func regions() []view.Region {
	return []view.Region{{Name: "us", Label: "United States", URL: "https://my.example.com", Here: true}, {Name: "gb", Label: "United Kingdom", URL: "https://my.example.co.uk"}}
}

func notices() []view.Notice {
	return []view.Notice{{ID: "savings", Title: "Savings balances are late.",
		Detail: "Cards and payments work as usual. We show the last balance we know.", AsOf: now.Add(-time.Minute)}}
}
