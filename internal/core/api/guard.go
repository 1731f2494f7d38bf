package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"

	"standfast/internal/fault"
)

const (
	maxBody    = 1 << 20 // bytes of a request's body
	maxDiscard = 8 << 20 // bytes of a refused body that are still taken
)

// guard wraps every call: nothing is cached, a panic becomes a problem, browsers
// cannot write across origins, the body is bounded and the call has a deadline.
func (a *api) guard(next http.Handler) http.Handler {
	origins := a.crossOrigin()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		defer a.recovered(w, r)
		if !a.speaksForItself(r) && origins.Check(r) != nil {
			fault.WriteProblem(w, fault.New(fault.Forbidden, "cross-origin", "This request came from another site's page."))
			return
		}
		if err := readBody(r); err != nil {
			fault.WriteProblem(w, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), a.Cell.Timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// crossOrigin refuses writes that a browser sends for another site. Clients that
// show a bearer token are no browsers acting on a cookie and pass before it.
func (a *api) crossOrigin() *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if a.Cell.PublicURL == "" {
		return p
	}
	if err := p.AddTrustedOrigin(strings.TrimSuffix(a.Cell.PublicURL, "/")); err != nil {
		a.Log.Warn("the cell's public URL is no origin; browsers must use the host they were served from", "err", err)
	}
	return p
}

// speaksForItself tells whether a request carries a token that no browser adds
// on its own.
func (a *api) speaksForItself(r *http.Request) bool {
	token, fromCookie := a.Cookies.Token(r)
	return token != "" && !fromCookie
}

// recovered turns a panic into a problem without detail. What net/http means by
// ErrAbortHandler it keeps.
func (a *api) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	a.Log.Error("panic", "method", r.Method, "pattern", r.Pattern, "panic", p, "stack", string(debug.Stack()))
	fault.WriteProblem(w, fault.New(fault.Internal, "internal", "Something went wrong on our side."))
}

// readBody reads the whole body into memory, so that no call waits for a slow
// client while it holds anything, and gives the error that refuses it. How long a
// client may take is the server's ReadTimeout.
func readBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > maxBody {
		return discard(r)
	}
	body, err := readAll(r)
	if err != nil {
		return unreadable(err)
	}
	if len(body) > maxBody {
		return discard(r)
	}
	if len(body) > 0 && !isJSON(r.Header.Get("Content-Type")) {
		return wrongType()
	}
	r.Body = &memory{*bytes.NewReader(body), body}
	return nil
}

// memory is a body that has been read already.
type memory struct {
	bytes.Reader
	contents []byte
}

// Close does nothing.
func (*memory) Close() error { return nil }

// discard refuses a body that is too large, after reading on for a while: many
// clients read no answer before they have sent everything.
func discard(r *http.Request) error {
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
	return tooLarge()
}

func readAll(r *http.Request) ([]byte, error) {
	if r.ContentLength > 0 {
		b := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(io.LimitReader(r.Body, maxBody+1))
}

func unreadable(err error) error {
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return fault.Wrap(fault.Malformed, "body.late", "The body did not arrive in time.", err)
	}
	return fault.Wrap(fault.Malformed, "body.unreadable", "The body could not be read.", err)
}

// isJSON accepts JSON in UTF-8, and a body without a type as JSON: cross-origin
// writes are refused by another rule.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true
	}
	t, params, err := mime.ParseMediaType(contentType)
	if err != nil || t != "application/json" {
		return false
	}
	charset := params["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

// unknownRoute answers what no call matched: 405 with the methods that the path
// has, or else 404.
func (a *api) unknownRoute(w http.ResponseWriter, r *http.Request) {
	allowed := a.methodsOf(r)
	if len(allowed) == 0 {
		fault.WriteProblem(w, fault.New(fault.NotFound, "no-such-call", "The API has no such call."))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeMethodProblem(w)
}

// methodsOf asks the mux which methods r's path has.
func (a *api) methodsOf(r *http.Request) (allowed []string) {
	for _, m := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := a.mux.Handler(other); pattern != Prefix && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}
