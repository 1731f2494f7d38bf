package api

import (
	"context"
	"net/http"

	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// sessionHeader of an answer gives clients that are no browsers a newer token
// of the same session, which replaces the one sent.
const sessionHeader = "Standfast-Session"

// call is one request on its way through: who asks, with what, and how it went.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	op      *operation
	session signin.Session // empty on public calls
	outcome journey.Outcome
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// authenticate finds the caller's session. An answer that is not known now is
// fault.Unavailable, never fault.Unauthenticated.
func (a *api) authenticate(c *call) error {
	token, browser := a.Cookies.Token(c.r)
	s, err := a.SignIn.Check(c.r.Context(), token, c.op.use)
	if err != nil {
		return err
	}
	c.session = s
	if s.Remint != "" {
		a.handOut(c, s, browser)
	}
	return nil
}

// handOut gives the client the newer token of a session that goes on.
func (a *api) handOut(c *call, s signin.Session, browser bool) {
	if browser {
		a.Cookies.SetSession(c.w, s.Remint, s.ExpiresAt)
		return
	}
	c.w.Header().Set(sessionHeader, s.Remint)
}
