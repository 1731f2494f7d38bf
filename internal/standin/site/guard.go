package site

import (
	"crypto/rand"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/entry"
)

// headers are those of every answer: our own files and forms, and nothing else.
var headers = [...][2]string{
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=(), browsing-topics=()"},
	{"Referrer-Policy", "same-origin"},
	{"X-Content-Type-Options", "nosniff"},
	{"Standfast-Side", "standin"}, // the edge strips it
}

// guard wraps all addresses: headers, forms of other sites, panics.
func (s *site) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	if err := origins.AddTrustedOrigin(strings.TrimSuffix(s.PublicURL, "/")); err != nil {
		s.Log.Warn("cell.public_url is no origin", "err", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range headers {
			w.Header().Set(h[0], h[1])
		}
		if s.secure {
			w.Header().Set("Strict-Transport-Security", "max-age=63072000")
		}
		defer s.recovered(w, r)
		tok, fromCookie := s.token(r)
		if (tok == "" || fromCookie) && origins.Check(r) != nil {
			fault.WriteProblem(w, fault.New(fault.Forbidden, "cross-origin", "This came from another site's page."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into an answer without detail. What net/http means by
// ErrAbortHandler it keeps.
func (s *site) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.Log.ErrorContext(r.Context(), "panic", "pattern", r.Pattern, "panic", p, "stack", string(debug.Stack()))
	fault.WriteProblem(w, fault.New(fault.Internal, "internal", "Something went wrong on our side."))
}

// Cookies have core's names and forms, so that a browser never notices which side
// it talks to.
func (s *site) name(what string, version int) string {
	n := "sf_" + s.Cell + "_" + what + "_v" + strconv.Itoa(version)
	if s.secure {
		return "__Host-" + n
	}
	return n
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// token gives the session token, and whether a cookie brought it. A bearer token
// comes first.
func (s *site) token(r *http.Request) (tok string, fromCookie bool) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value), false
	}
	tok = cookie(r, s.name("session", 1))
	return tok, tok != ""
}

func (s *site) set(w http.ResponseWriter, name, value string, expires time.Time) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode, Expires: expires}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func (s *site) setSession(w http.ResponseWriter, tok string, expires time.Time) {
	s.set(w, s.name("session", 1), tok, expires)
}

func (s *site) clearSession(w http.ResponseWriter) {
	s.set(w, s.name("session", 1), "", time.Time{})
}

const (
	maxFlow      = 128
	maxUserAgent = 256
	flowFor      = 24 * time.Hour
)

// client reads where a request comes from.
func (v *visit) client() entry.Client {
	c := entry.Client{UserAgent: clip(v.r.UserAgent(), maxUserAgent), DeviceToken: v.r.Header.Get("Standfast-Device"), DeviceProof: v.r.Header.Get("Standfast-Device-Proof")}
	if host, _, err := net.SplitHostPort(v.r.RemoteAddr); err == nil {
		c.IP = host
	}
	if flow := v.r.Header.Get("Standfast-Flow"); flow != "" {
		c.FlowID = clip(flow, maxFlow)
		return c
	}
	c.FlowID = v.flow()
	if c.DeviceToken == "" {
		if c.DeviceToken = cookie(v.r, v.name("device", 2)); c.DeviceToken == "" {
			c.DeviceToken = cookie(v.r, v.name("device", 1))
		}
	}
	return c
}

// flow gives the browser's attempt, and begins one where there is none.
func (v *visit) flow() string {
	name := v.name("flow", 1)
	if flow := cookie(v.r, name); flow != "" && len(flow) <= maxFlow {
		return flow
	}
	flow := rand.Text()
	v.set(v.w, name, flow, v.Now().Add(flowFor))
	return flow
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
