package portal

import (
	"net/http"
	"runtime/debug"

	"standfast/internal/core/portal/guard"
	"standfast/internal/fault"
)

// guard wraps all pages: headers, other origins, panics.
func (s *server) guard(next http.Handler) http.Handler {
	origins := s.crossOrigin()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard.Headers(w.Header(), s.Cell.Secure)
		defer s.recovered(w, r)
		if origins.Check(r) != nil {
			v := s.visit(w, r)
			s.write(v, s.failed(v, fault.New(fault.Forbidden, "cross-origin", "This came from another site's page.")))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// crossOrigin refuses forms that a browser sends for another site.
func (s *server) crossOrigin() *http.CrossOriginProtection {
	p, err := guard.Origins(s.Cell.PublicURL)
	if err != nil {
		s.Log.Warn("the cell's public URL is no origin; browsers must use the host they were served from", "err", err)
	}
	return p
}

// recovered turns a panic into a page without detail. What net/http means by
// ErrAbortHandler it keeps.
func (s *server) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.Log.ErrorContext(r.Context(), "panic", "method", r.Method, "pattern", r.Pattern, "panic", p, "stack", string(debug.Stack()))
	v := s.visit(w, r)
	s.write(v, s.failed(v, fault.New(fault.Internal, "internal", "Something went wrong on our side.")))
}
