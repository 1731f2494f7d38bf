package portal

import (
	"net/http"
	"runtime/debug"
	"strings"

	"standfast/internal/fault"
)

// policy is what a page of ours may do in a browser: load our own files, send
// our own forms, and nothing else. No inline script or style, no frame around
// it, no script that makes markup of text (Trusted Types).
var policy = strings.Join([]string{
	"default-src 'self'",
	"object-src 'none'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}, "; ")

// permissions are the powers that no page of ours asks a browser for.
const permissions = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), payment=(), usb=(), browsing-topics=()"

// guard wraps all pages: headers, other origins, panics.
func (s *server) guard(next http.Handler) http.Handler {
	origins := s.crossOrigin()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers(w.Header())
		defer s.recovered(w, r)
		if origins.Check(r) != nil {
			v := s.visit(w, r)
			s.write(v, s.failed(v, fault.New(fault.Forbidden, "cross-origin", "This came from another site's page.")))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) headers(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if s.Cell.Secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// crossOrigin refuses forms that a browser sends for another site.
func (s *server) crossOrigin() *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if s.Cell.PublicURL == "" {
		return p
	}
	if err := p.AddTrustedOrigin(strings.TrimSuffix(s.Cell.PublicURL, "/")); err != nil {
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
