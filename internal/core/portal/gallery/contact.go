package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

// contactChange is one that was asked for an hour ago.
func contactChange(kind, address, state string) signin.ContactChange {
	c := signin.ContactChange{ID: id("c1"), Kind: kind, Address: address, State: state, AskedAt: now.Add(-time.Hour), From: now.Add(23 * time.Hour)}
	if state != signin.ChangeWaiting {
		c.EndedAt = now
	}
	return c
}

func contactEntries() []Entry {
	const newPhone = "+12025550199"
	waiting, removing := contactChange(signin.ContactPhone, newPhone, signin.ChangeWaiting), contactChange(signin.ContactEmail, "", signin.ChangeWaiting)
	page := func(name string, d view.ContactData) Entry {
		return Entry{Name: name, Section: view.AtProfile, Page: func(f view.Frame) templ.Component { return view.Contact(f, d) }}
	}
	link := func(name string, d view.ContactLinkData) Entry {
		return Entry{Name: name, SignedOut: true, Page: func(f view.Frame) templ.Component { return view.ContactLink(f, d) }}
	}
	withPasskey := byPasskey()
	return []Entry{
		page("contact-phone", view.ContactData{Kind: signin.ContactPhone, Now: "+12025550142"}),
		page("contact-email-none", view.ContactData{Kind: signin.ContactEmail, Done: signin.ChangeDone}),
		page("contact-waiting", view.ContactData{Kind: signin.ContactPhone, Now: "+12025550142", Waiting: &waiting, Done: signin.ChangeWaiting}),
		page("contact-removing", view.ContactData{Kind: signin.ContactEmail, Now: "ana@example.com", Waiting: &removing}),
		page("contact-stopped", view.ContactData{Kind: signin.ContactEmail, Now: "ana@example.com", Done: signin.ChangeStopped}),
		page("contact-over", view.ContactData{Kind: signin.ContactEmail, Now: "ana@example.com", Done: "over"}),
		{Name: "contact-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Contact(f, view.ContactData{Kind: signin.ContactPhone, Now: "+12025550142", Address: "2025550199",
				Problems: view.Problems{{Field: "address", Message: f.T("fault.member.phone")}}})
		}},
		{Name: "contact-prove", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.ContactProve(f, view.ContactCodeData{CodeData: view.CodeData{Challenge: withPasskey}, Kind: signin.ContactPhone, Address: newPhone})
		}},
		{Name: "contact-prove-removal", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.ContactProve(f, view.ContactCodeData{CodeData: view.CodeData{Challenge: challenge("text"), Sent: true}, Kind: signin.ContactEmail})
		}},
		{Name: "contact-code", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.ContactCode(f, view.ContactCodeData{CodeData: view.CodeData{Challenge: challenge("text")}, Kind: signin.ContactPhone})
		}},
		{Name: "contact-code-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.ContactCode(f, view.ContactCodeData{CodeData: view.CodeData{Challenge: challenge("email"), Code: "12", Sent: true,
				Problems: view.Problems{{Field: "code", Message: f.T("fault.code.length")}}}, Kind: signin.ContactEmail})
		}},
		link("contact-link", view.ContactLinkData{Token: "t", Change: contactChange(signin.ContactPhone, "••• 0199", signin.ChangeWaiting)}),
		link("contact-link-stopped", view.ContactLinkData{Token: "t", Change: contactChange(signin.ContactPhone, "••• 0199", signin.ChangeStopped)}),
		link("contact-link-late", view.ContactLinkData{Token: "t", Change: contactChange(signin.ContactPhone, "••• 0199", signin.ChangeDone)}),
		link("contact-link-none", view.ContactLinkData{}),
	}
}
