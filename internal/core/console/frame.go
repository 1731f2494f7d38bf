package console

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/staff"
	"standfast/internal/text"
)

// frame is what every page needs beside its own data.
type frame struct {
	*text.Printer
	Brand   string
	Files   *static.Files
	Locales []string
	Here    string // path and query of this page; the language switch returns to it
	Session staff.Session
	Section route.Page // of the menu
}

func (v *visit) frame(section route.Page) frame {
	s := v.server
	f := frame{Printer: v.text, Brand: s.Brand, Files: s.files, Locales: s.Texts.Locales(), Here: string(home), Session: v.session, Section: section}
	if v.r.Method == http.MethodGet {
		f.Here = route.Local(v.r.URL.RequestURI())
	}
	return f
}

func (f frame) signedIn() bool { return f.Session.ID != "" }

// item is one entry of the menu.
type item struct {
	Page  route.Page
	Label string
}

// menu offers what the role may see.
func (f frame) menu() (list []item) {
	if f.Session.May(staff.SeePeople) {
		list = append(list, item{people, f.T("console.people")}, item{organisations, f.T("console.organisations")})
	}
	return append(list, item{passkeys, f.T("console.passkeys")})
}

// language is one entry of the language switch.
type tongue struct{ Locale, Name string }

func (f frame) otherLanguages() (list []tongue) {
	for _, l := range f.Locales {
		if l != f.Locale() {
			list = append(list, tongue{l, f.T("language.name." + l)})
		}
	}
	return list
}

func (f frame) role(r staff.Role) string { return f.T("console.role." + string(r)) }

// standing is a person's standing in words, and the colour that goes with it.
func (f frame) standing(p staff.Person, now time.Time) (words, class string) {
	st := p.Standing(now)
	return f.T("console.standing." + string(st)), map[staff.Standing]string{staff.Active: "good", staff.Locked: "bad", staff.Expired: "late", staff.Invited: "late"}[st]
}

// lastDay is the last day of somebody's access, "" where there is none.
func (f frame) lastDay(p staff.Person) string {
	if p.Until.IsZero() {
		return ""
	}
	return f.Date(p.Until.Add(-time.Microsecond))
}

func (f frame) when(t time.Time) string {
	if t.IsZero() {
		return f.T("console.never")
	}
	return f.DateTime(t)
}

type setUpData struct {
	Link, Name, PasskeyName, Problem string
	Asked                            staff.SetUpPrompt
}

type inviteData struct {
	Name, Organisation, Until, Problem string
	Role                               staff.Role
	Organisations                      []staff.Organisation
}

type personData struct {
	Person        staff.Person
	Now           time.Time
	Done, Problem string
}

// over tells whether nothing can be changed any more.
func (d personData) over() bool { return d.Person.Standing(d.Now) == staff.Ended }

type endData struct {
	Name, Text   string
	Action, Back templ.SafeURL
}

type organisationsData struct {
	List                []staff.Organisation
	Name, Done, Problem string
}

type passkeysData struct {
	List          []staff.Passkey
	Done, Problem string
}

type passkeyAddData struct {
	Name, Problem string
	Prompt        staff.Prompt
}

// ask is a button that answers the form around it by passkey; passkey.js does it.
type ask struct {
	kind    string // "create" or "get"
	options json.RawMessage
	state   string
	prompt  string // address that gives both when they are needed
	label   string
}
