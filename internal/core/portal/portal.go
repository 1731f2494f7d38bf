// Package portal is the member's pages: plain links and forms that work without
// scripts, one handler a page. It decides nothing about money or sign-in; it
// asks the domain modules and says their answers in the reader's language.
package portal

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/overload"
	"standfast/internal/text"
)

// Services are the domain modules that the pages speak for.
type Services struct {
	Members     *member.Store
	SignIn      *signin.Service
	Accounts    *account.Service
	Instruments *instrument.Service
	Payments    *payment.Service
	Texts       *text.Catalogue
	Cookies     signin.Cookies
	Notices     Noticer // nil: no banner
	Now         func() time.Time
	Gate        *overload.Gate // lets requests in; nil lets all in
	Log         *slog.Logger
	Cell        Cell
}

// Cell is what the pages must know about the cell that they serve.
type Cell struct {
	Name      string         // the brand, as people read it
	Telephone string         // as people read it
	Currency  string         // ISO 4217, of the micro-deposits
	Zone      *time.Location // in which times are shown
	PublicURL string         // origin that browsers see; empty: the one they ask for
	Regions   []view.Region  // all sites of the issuer, this one too; empty: it has no other
	Secure    bool           // the site has TLS: browsers are told to insist on it
}

// Noticer says what the banner must say now, in the reader's language. It
// answers from memory: every page asks it.
type Noticer interface {
	Notices(ctx context.Context, locale string) []view.Notice
}

// server answers for all pages.
type server struct {
	Services
	files *static.Files
	mux   *http.ServeMux
}

// New makes the handler of all addresses of package route.
func New(s Services) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Cell.Zone == nil {
		s.Cell.Zone = time.UTC
	}
	p := &server{Services: s, files: static.Load(), mux: http.NewServeMux()}
	for _, e := range p.withPages(p.entries()) {
		p.mux.Handle(e.method+" "+e.pattern, p.serve(e))
	}
	p.mux.Handle("/", p.serve(entry{serve: p.unknown}))
	return p.guard(p.mux)
}
