// Package console is staff's pages: dense, quick to reach by keyboard, with plain
// links and forms. A script is needed for passkeys alone. It decides nothing about
// who may do what; it asks package staff, and offers what that would allow.
//
// It has a host and cookies of its own. What a member's browser holds is worth
// nothing here, and nothing of here is worth anything at the member portal. Of
// members it shows what a piece of work needs and no more: a case of proofing has
// what staff entered, an advice whose it was and what about, and each look at one is
// in the audit log.
package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"standfast/internal/core/advice/desk"
	"standfast/internal/core/console/site"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/text"
)

// Services is what the pages speak for.
type Services struct {
	Staff   *staff.Service
	Cases   *proofing.Service
	Advices *desk.Service
	Traffic *traffic.Service // nil where no edge stands before the cell
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
		{get, site.Home.Pattern(), staffOnly, s.home},
		{get, route.Static.Pattern(), anybody, s.static},
		{post, string(site.Language), anybody, s.language},
		{get, string(site.SignIn), anybody, s.signInPage},
		{post, string(site.SignIn), anybody, s.signIn},
		{get, string(site.SignInPrompt), anybody, s.signInPrompt},
		{post, string(site.SignInPrompt), anybody, s.signInPrompt},
		{post, string(site.SignOut), anybody, s.signOut},
		{get, string(site.SetUp), anybody, s.setUpPage},
		{post, string(site.SetUp), anybody, s.setUp},
		{get, string(site.People), staffOnly, s.people},
		{get, string(site.Invite), staffOnly, s.invitePage},
		{post, string(site.Invite), staffOnly, s.invite},
		{get, string(site.Person), staffOnly, s.person},
		{post, string(site.PersonRole), staffOnly, s.changeRole},
		{post, string(site.PersonUntil), staffOnly, s.renew},
		{post, string(site.PersonLink), staffOnly, s.relink},
		{get, string(site.PersonEnd), staffOnly, s.endPersonPage},
		{post, string(site.PersonEnd), staffOnly, s.endPerson},
		{get, string(site.Organisations), staffOnly, s.organisations},
		{post, string(site.Organisations), staffOnly, s.addOrganisation},
		{get, string(site.OrganisationEnd), staffOnly, s.endOrganisationPage},
		{post, string(site.OrganisationEnd), staffOnly, s.endOrganisation},
		{get, string(site.Passkeys), staffOnly, s.passkeys},
		{get, string(site.PasskeyAdd), staffOnly, s.addPasskeyPage},
		{post, string(site.PasskeyAdd), staffOnly, s.addPasskey},
		{get, string(site.PasskeyProve), staffOnly, s.provePage},
		{post, string(site.PasskeyProve), staffOnly, s.prove},
		{get, string(site.Cases), staffOnly, s.cases},
		{post, string(site.CaseFind), staffOnly, s.findCase},
		{get, string(site.CaseNew), staffOnly, s.newCasePage},
		{post, string(site.CaseNew), staffOnly, s.reviewCase},
		{post, string(site.CaseSubmit), staffOnly, s.submitCase},
		{get, string(site.Case), staffOnly, s.oneCase},
		{post, string(site.CaseApprove), staffOnly, s.approveCase},
		{post, string(site.CaseRefuse), staffOnly, s.refuseCase},
		{get, string(site.Advices), staffOnly, s.advices},
		{get, string(site.Advice), staffOnly, s.oneAdvice},
		{post, string(site.AdviceDeal), staffOnly, s.dealWithAdvice},
		{get, string(site.Routing), staffOnly, s.routing},
		{get, string(site.RoutingChange), staffOnly, s.changePage},
		{post, string(site.RoutingChange), staffOnly, s.reviewChange},
		{post, string(site.RoutingDecide), staffOnly, s.decideChange},
		{get, string(site.RoutingShare), staffOnly, s.sharePage},
		{post, string(site.RoutingShare), staffOnly, s.reviewShare},
		{post, string(site.RoutingSet), staffOnly, s.decideShare},
		{post, string(site.PasskeyRemove), staffOnly, s.removePasskey},
	}
}
