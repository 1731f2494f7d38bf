package portal

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/text"
)

// visit is one request, read: who comes, in which language, with which form.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	session signin.Session // zero when nobody is signed in
	from    *signin.Client // once it was asked for
	kept    string         // names what was typed, of a form whose session had ended
	back    bool           // what was typed before signing in again is back
	text    *text.Printer
	now     time.Time
	server  *server
}

// response is what a handler answers: a page, or the way to one.
type response struct {
	status  int
	page    templ.Component
	to      templ.SafeURL // of a 303
	partial bool          // the page lacks something or shows something old
	written bool          // the handler wrote the answer itself
}

func show(page templ.Component) response { return response{status: http.StatusOK, page: page} }

// refused shows a form again, with what was wrong with it.
func refused(page templ.Component, err error) response {
	return response{status: fault.As(err).Kind.Status(), page: page}
}

// see sends the browser on, so that a reload repeats nothing.
func see(to templ.SafeURL) response { return response{status: http.StatusSeeOther, to: to} }

// signedIn tells whether a member is there.
func (v *visit) signedIn() bool { return v.session.ID != "" }

// member is who is there.
func (v *visit) member() string { return v.session.MemberID }

// id is the {id} of the address.
func (v *visit) id() string { return v.r.PathValue("id") }

// value is a field of the form or of the address, spaces around it taken away.
func (v *visit) value(name string) string { return strings.TrimSpace(v.r.Form.Get(name)) }

// secret is a field as it was typed: a password may begin with a space.
func (v *visit) secret(name string) string { return v.r.Form.Get(name) }

// client is where the request comes from, and what its form says of the device.
// It begins a flow where there is none.
func (v *visit) client() signin.Client {
	if v.from == nil {
		c := v.server.Cookies.Client(v.w, v.r)
		if c.DeviceProof == "" {
			c.DeviceProof, c.DeviceKey = v.value("device_proof"), v.value("device_key")
		}
		v.from = &c
	}
	return *v.from
}

// frame is what every page needs. section is the item of the menu that it belongs to.
func (v *visit) frame(section view.Section) view.Frame {
	s := v.server
	f := view.Frame{
		Printer:  v.text,
		Cell:     view.Cell{Name: s.Cell.Name, Telephone: s.Cell.Telephone},
		Files:    s.files,
		Locales:  s.Texts.Locales(),
		Here:     v.here(),
		SignedIn: v.signedIn(),
		Section:  section,
		Now:      v.now,
	}
	f.Restored = v.back
	f.Regions, f.Chosen = s.Cell.Regions, s.chosenRegion(v.r)
	if v.signedIn() {
		f.Session = s.clock(v.session, v.now)
	}
	if s.Notices != nil {
		f.Notices = s.Notices.Notices(v.r.Context(), v.text.Locale())
	}
	return f
}

// here is the address to come back to: of this page, or for a form of the page
// that it was on. It is a path of ours or the start page.
func (v *visit) here() string {
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		if l := route.Local(v.r.URL.RequestURI()); l != "" {
			return l
		}
		return string(route.Home)
	}
	return v.referer()
}

// referer is the page that a form was on, if it was one of ours.
func (v *visit) referer() string {
	_, rest, ok := strings.Cut(v.r.Referer(), "://")
	host, path, ok2 := strings.Cut(rest, "/")
	if ok && ok2 && host == v.r.Host {
		if l := route.Local("/" + path); l != "" {
			return l
		}
	}
	return string(route.Dashboard)
}

// Limits of text that people type, in characters. Fields with a rule of their
// own are cut by it; these only keep nonsense from travelling further.
const maxText = 500

// readable tells whether every field of a form is text of a sensible length.
// NUL is valid UTF-8, and no database takes it.
func readable(form map[string][]string) error {
	for name, values := range form {
		for _, s := range values {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return fault.InvalidField(name, "form.text-unreadable", "This has characters that we cannot read.")
			}
			if utf8.RuneCountInString(s) > limitOf(name) {
				return fault.InvalidField(name, "form.text-long", "This is longer than we can take.")
			}
		}
	}
	return nil
}

// limitOf is how many characters a field may have. What a browser fills in is
// bounded by who reads it: addresses by route.Local, a passkey's answer and the
// state of its prompt by package passkey.
func limitOf(name string) int {
	switch name {
	case "return", "next", "passkey", "state":
		return maxForm
	}
	return maxText
}
