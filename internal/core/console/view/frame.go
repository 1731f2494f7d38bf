// Package view renders the console's pages: typed components that take all they
// show. They know nothing of requests and ask nobody.
package view

import (
	"encoding/json"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/console/site"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/staff"
	"standfast/internal/text"
)

// Frame is what every page needs beside its own data.
type Frame struct {
	*text.Printer
	Brand   string
	Files   *static.Files
	Locales []string
	Here    string // path and query of this page; the language switch returns to it
	Session staff.Session
	Section route.Page // of the menu
}

func (f Frame) signedIn() bool { return f.Session.ID != "" }

// item is one entry of the menu.
type item struct {
	Page  route.Page
	Label string
}

// menu offers what the role may see.
func (f Frame) menu() (list []item) {
	if f.Session.May(staff.SeePeople) {
		list = append(list, item{site.People, f.T("console.people")}, item{site.Organisations, f.T("console.organisations")})
	}
	if f.Session.May(staff.SeeCases) {
		list = append(list, item{site.Cases, f.T("console.cases")})
	}
	if f.Session.May(staff.SeeAdvices) {
		list = append(list, item{site.Advices, f.T("console.advices")})
	}
	if f.Session.May(staff.SeeRouting) {
		list = append(list, item{site.Routing, f.T("console.routing")})
	}
	return append(list, item{site.Passkeys, f.T("console.passkeys")})
}

// language is one entry of the language switch.
type tongue struct{ Locale, Name string }

func (f Frame) otherLanguages() (list []tongue) {
	for _, l := range f.Locales {
		if l != f.Locale() {
			list = append(list, tongue{l, f.T("language.name." + l)})
		}
	}
	return list
}

func (f Frame) role(r staff.Role) string { return f.T("console.role." + string(r)) }

// standing is a person's standing in words, and the colour that goes with it.
func (f Frame) standing(p staff.Person, now time.Time) (words, class string) {
	st := p.Standing(now)
	return f.T("console.standing." + string(st)), map[staff.Standing]string{staff.Active: "good", staff.Locked: "bad", staff.Expired: "late", staff.Invited: "late"}[st]
}

// lastDay is the last day of somebody's access, "" where there is none.
func (f Frame) lastDay(p staff.Person) string {
	if p.Until.IsZero() {
		return ""
	}
	return f.Date(p.Until.Add(-time.Microsecond))
}

func (f Frame) when(t time.Time) string {
	if t.IsZero() {
		return f.T("console.never")
	}
	return f.DateTime(t)
}

// SetUpForm is the page of a set-up link.
type SetUpForm struct {
	Link, Name, PasskeyName, Problem string
	Asked                            staff.SetUpPrompt
}

// InviteForm is the form that invites somebody.
type InviteForm struct {
	Name, Organisation, Until, Problem string
	Role                               staff.Role
	Organisations                      []staff.Organisation
}

// PersonPage is the page of one person.
type PersonPage struct {
	Person        staff.Person
	Now           time.Time
	Done, Problem string
}

// over tells whether nothing can be changed any more.
func (d PersonPage) over() bool { return d.Person.Standing(d.Now) == staff.Ended }

// EndForm asks before something ends for good.
type EndForm struct {
	Name, Text   string
	Action, Back templ.SafeURL
}

// OrganisationsPage is the list of organisations, with the form for another.
type OrganisationsPage struct {
	List                []staff.Organisation
	Name, Done, Problem string
}

// PasskeysPage is somebody's own passkeys.
type PasskeysPage struct {
	List          []staff.Passkey
	Done, Problem string
}

// PasskeyForm is the form that makes one more.
type PasskeyForm struct {
	Name, Problem string
	Next          string // page that a proof leads to
	Prompt        staff.Prompt
}

// ask is a button that answers the form around it by passkey; passkey.js does it.
type ask struct {
	kind    string // "create" or "get"
	options json.RawMessage
	state   string
	prompt  string // address that gives both when they are needed
	label   string
	second  bool // not the only one of its page: takes no focus
	danger  bool
}
