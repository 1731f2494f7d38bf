// Package api is the member's JSON API: OpenAPI 3.1, errors as
// application/problem+json, an Idempotency-Key on every call that moves money.
//
// It translates between HTTP and the domain modules and decides nothing: every
// rule about money, sign-in and payments lives behind the services it is given.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/locator"
	"standfast/internal/core/member"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/overload"
)

// Prefix is where every path of this package begins.
const Prefix = "/api/"

// Services are the domain modules that the API speaks for.
type Services struct {
	Members     *member.Store
	SignIn      *signin.Service
	Accounts    *account.Service
	Instruments *instrument.Service
	Payments    *payment.Service
	Locator     *locator.Store
	Cookies     signin.Cookies
	Health      func(context.Context) Health // what the public status says
	Gate        *overload.Gate               // lets calls in; nil lets all in
	Log         *slog.Logger
	Cell        Cell
}

// Cell is what the API must know about the cell that it serves.
type Cell struct {
	Currency  string         // ISO 4217
	PublicURL string         // origin of the member's pages, as "https://bank.example"; empty: whatever host was asked
	Zone      *time.Location // business dates are dates there; UTC when nil
	Timeout   time.Duration  // how long one call may take; 5 s when zero
}

// defaultTimeout bounds one call. It is longer than any deadline behind it, so
// that a slow dependency is reported by the module that knows its name.
const defaultTimeout = 5 * time.Second

// api holds what all calls share.
type api struct {
	Services
	mux  *http.ServeMux
	huma huma.API
	over map[string]func(http.HandlerFunc) http.HandlerFunc // by pattern: what stands before the general path
}

// New gives the handler of everything under Prefix.
func New(s Services) http.Handler {
	if s.Cell.Timeout == 0 {
		s.Cell.Timeout = defaultTimeout
	}
	if s.Cell.Zone == nil {
		s.Cell.Zone = time.UTC
	}
	a := &api{Services: s, mux: http.NewServeMux()}
	a.start()
	a.routes()
	return a.guard(a)
}

// start makes the register of calls.
func (a *api) start() {
	a.over = map[string]func(http.HandlerFunc) http.HandlerFunc{}
	a.huma = huma.NewAPI(document(), humago.NewAdapter(a, ""))
}

// HandleFunc adds a call to the mux, behind what stands before it.
func (a *api) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	if over := a.over[pattern]; over != nil {
		h = over(h)
	}
	a.mux.HandleFunc(pattern, h)
}

// ServeHTTP answers one call.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// routes lists every call. Each line leads to one function in the file of its subject.
func (a *api) routes() {
	a.signInCalls()
	a.passkeyCalls()
	a.sessionCalls()
	a.factorCalls()
	a.contactCalls()
	a.deviceCalls()
	a.accountCalls()
	a.methodCalls()
	a.paymentCalls()
	a.transferCalls()
	a.cardCalls()
	a.statusCalls()
	a.codeCalls()
	a.atmCalls()
	a.serveDocument()
	a.mux.HandleFunc(Prefix, a.unknownRoute)
}
