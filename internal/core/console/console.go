// Package console is staff's pages: dense, quick to reach by keyboard, with plain
// links and forms. A script is needed for passkeys alone. It decides nothing about
// who may do what; it asks package staff, and offers what that would allow.
//
// It has a host and cookies of its own. What a member's browser holds is worth
// nothing here, and nothing of here is worth anything at the member portal. It
// shows nothing of members.
package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/text"
)

// The console's pages, and the addresses that only take forms.
const (
	home          route.Page = "/"
	language      route.Page = "/language"
	signInPage    route.Page = "/sign-in"
	signInPrompt  route.Page = "/sign-in/prompt"
	signOutPage   route.Page = "/sign-out"
	setUpPage     route.Item = "/set-up/{id}"
	people        route.Page = "/people"
	invite        route.Page = "/people/invite"
	person        route.Item = "/people/{id}"
	personRole    route.Item = "/people/{id}/role"
	personUntil   route.Item = "/people/{id}/until"
	personLink    route.Item = "/people/{id}/link"
	personEnd     route.Item = "/people/{id}/end"
	organisations route.Page = "/organisations"
	organisation  route.Item = "/organisations/{id}/end"
	passkeys      route.Page = "/passkeys"
	passkeyAdd    route.Page = "/passkeys/add"
	passkeyRemove route.Item = "/passkeys/{id}/remove"
)

// Services is what the pages speak for.
type Services struct {
	Staff   *staff.Service
	Texts   *text.Catalogue
	Cookies Cookies
	Clients signin.Cookies // reads where a request comes from
	Brand   string
	Zone    *time.Location // in which times are shown
	Origin  string         // where browsers find the console: the only host that it answers for
	Log     *slog.Logger
	Now     func() time.Time
}

type server struct {
	Services
	host  string
	files *static.Files
	mux   *http.ServeMux
}

// New makes the handler of all the console's addresses.
func New(s Services) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	c := &server{Services: s, files: static.Load(), mux: http.NewServeMux()}
	if u, err := url.Parse(s.Origin); err == nil {
		c.host = u.Host
	}
	for _, e := range c.entries() {
		c.mux.Handle(e.method+" "+e.pattern, c.serve(e))
	}
	c.mux.Handle("/", c.serve(entry{door: anybody, serve: c.unknown}))
	return c.guard(c.mux)
}

// door says who may come in.
type door int

const (
	staffOnly door = iota // who is signed in
	anybody
)

// entry is one address and method with its handler.
type entry struct {
	method, pattern string
	door            door
	serve           func(*visit) (response, error)
}

func (s *server) entries() []entry {
	get, post := http.MethodGet, http.MethodPost
	return []entry{
		{get, home.Pattern(), staffOnly, s.home},
		{get, route.Static.Pattern(), anybody, s.static},
		{post, string(language), anybody, s.language},
		{get, string(signInPage), anybody, s.signInPage},
		{post, string(signInPage), anybody, s.signIn},
		{get, string(signInPrompt), anybody, s.signInPrompt},
		{post, string(signInPrompt), anybody, s.signInPrompt},
		{post, string(signOutPage), anybody, s.signOut},
		{get, string(setUpPage), anybody, s.setUpPage},
		{post, string(setUpPage), anybody, s.setUp},
		{get, string(people), staffOnly, s.people},
		{get, string(invite), staffOnly, s.invitePage},
		{post, string(invite), staffOnly, s.invite},
		{get, string(person), staffOnly, s.person},
		{post, string(personRole), staffOnly, s.changeRole},
		{post, string(personUntil), staffOnly, s.renew},
		{post, string(personLink), staffOnly, s.relink},
		{get, string(personEnd), staffOnly, s.endPersonPage},
		{post, string(personEnd), staffOnly, s.endPerson},
		{get, string(organisations), staffOnly, s.organisations},
		{post, string(organisations), staffOnly, s.addOrganisation},
		{get, string(organisation), staffOnly, s.endOrganisationPage},
		{post, string(organisation), staffOnly, s.endOrganisation},
		{get, string(passkeys), staffOnly, s.passkeys},
		{get, string(passkeyAdd), staffOnly, s.addPasskeyPage},
		{post, string(passkeyAdd), staffOnly, s.addPasskey},
		{post, string(passkeyRemove), staffOnly, s.removePasskey},
	}
}
