package console

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/portal/guard"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/staff"
	"standfast/internal/fault"
	"standfast/internal/text"
)

// Limits of one request.
const (
	timeout = 10 * time.Second
	maxForm = 64 << 10 // bytes; a registration is the largest, with about 3,000
	maxText = 500      // characters of a field that people type
)

// visit is one request, read.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	session staff.Session // zero when nobody is signed in
	text    *text.Printer
	server  *server
}

// response is what a handler answers: a page, or the way to one.
type response struct {
	status  int
	page    templ.Component
	to      templ.SafeURL // of a 303
	written bool          // the handler wrote the answer itself
}

func show(page templ.Component) response { return response{status: http.StatusOK, page: page} }
func see(to templ.SafeURL) (response, error) {
	return response{status: http.StatusSeeOther, to: to}, nil
}

// refused shows a form again, with what was wrong with it.
func refused(page templ.Component, err error) response {
	return response{status: fault.As(err).Kind.Status(), page: page}
}

// frame is what every page needs beside its own data.
func (v *visit) frame(section route.Page) view.Frame {
	s := v.server
	f := view.Frame{Printer: v.text, Brand: s.Brand, Files: s.files, Locales: s.Texts.Locales(), Here: string(site.Home), Session: v.session, Section: section}
	if v.r.Method == http.MethodGet {
		f.Here = route.Local(v.r.URL.RequestURI())
	}
	return f
}

func (v *visit) value(name string) string { return strings.TrimSpace(v.r.Form.Get(name)) }
func (v *visit) id() string               { return v.r.PathValue("id") }

func (v *visit) client() staff.Client {
	return staff.Client{IP: v.server.Clients.IP(v.r), Flow: v.server.Cookies.flow(v.w, v.r)}
}

// guard wraps all pages: headers, the host, other origins, panics.
func (s *server) guard(next http.Handler) http.Handler {
	origins, err := guard.Origins(s.Origin)
	if err != nil {
		s.Log.Warn("the console's address is no origin; browsers must use the host they were served from", "err", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard.Headers(w.Header(), s.Cookies.Secure)
		defer s.recovered(w, r)
		if err := s.foreign(r, origins); err != nil {
			v := s.visit(w, r)
			s.write(v, s.failed(v, err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign refuses other hosts' names, and forms that other sites send.
func (s *server) foreign(r *http.Request, origins *http.CrossOriginProtection) error {
	if !strings.EqualFold(r.Host, s.host) {
		return fault.New(fault.NotFound, "console.other-host", "There is no such page.")
	}
	if origins.Check(r) != nil {
		return fault.New(fault.Forbidden, "cross-origin", "This came from another site's page.")
	}
	return nil
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

// serve makes an http.Handler of an entry: deadline, body, session, handler, answer.
func (s *server) serve(e entry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		v := s.visit(w, r.WithContext(ctx))
		res, err := s.answer(v, e)
		if err != nil {
			res = s.failed(v, err)
		}
		s.write(v, res)
	})
}

func (s *server) visit(w http.ResponseWriter, r *http.Request) *visit {
	locale := s.Texts.Match(r.Header.Get("Accept-Language"), s.Cookies.value(r, localeCookie))
	return &visit{w: w, r: r, server: s, text: s.Texts.Printer(locale).In(s.Zone)}
}

func (s *server) answer(v *visit, e entry) (response, error) {
	if err := readForm(v.w, v.r); err != nil {
		return response{}, err
	}
	if err := s.enter(v, e.door); err != nil {
		return response{}, err
	}
	return e.serve(v)
}

// enter checks the session. One that is known to be over loses its cookie; when
// nobody knows (503), nothing is taken away.
func (s *server) enter(v *visit, d door) error {
	token := s.Cookies.value(v.r, sessionCookie)
	if token == "" && d == anybody {
		return nil
	}
	sess, err := s.Staff.Check(v.r.Context(), token)
	if err == nil {
		v.session = sess
		return nil
	}
	if d == anybody {
		return nil
	}
	if fault.Is(err, fault.Unauthenticated) && token != "" {
		s.Cookies.clear(v.w, sessionCookie)
	}
	return err
}

// readForm reads the address and, of a POST, the body, within its limits.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || t != "application/x-www-form-urlencoded" {
			return fault.New(fault.UnsupportedMedia, "request.media", "What was sent is not a form of ours.")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	}
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fault.Wrap(fault.TooLarge, "request.large", "What was sent is larger than any of our forms.", err)
		}
		return fault.Wrap(fault.Malformed, "request.unreadable", "What was sent could not be read.", err)
	}
	for name, values := range r.Form {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return fault.InvalidField(name, "form.text-unreadable", "This has characters that we cannot read.")
			}
			if utf8.RuneCountInString(value) > maxText && name != "passkey" && name != "state" {
				return fault.InvalidField(name, "form.text-long", "This is longer than we can take.")
			}
		}
	}
	return nil
}

// write sends an answer. A page is rendered whole before its first byte goes out.
func (s *server) write(v *visit, res response) {
	switch {
	case res.written:
	case res.to != "":
		http.Redirect(v.w, v.r, string(res.to), res.status)
	default:
		b := templ.GetBuffer()
		defer templ.ReleaseBuffer(b)
		if err := res.page.Render(v.r.Context(), b); err != nil {
			s.Log.ErrorContext(v.r.Context(), "page", "pattern", v.r.Pattern, "err", err)
			http.Error(v.w, v.text.T("problem.broken-title"), http.StatusInternalServerError)
			return
		}
		h := v.w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(b.Len()))
		v.w.WriteHeader(res.status)
		_, _ = v.w.Write(b.Bytes()) // whoever left does not read it
	}
}

// failed is the page of a request that could not be answered.
func (s *server) failed(v *visit, err error) response {
	e := fault.As(err)
	if e.Kind == fault.Unauthenticated {
		return response{status: http.StatusSeeOther, to: site.SignIn.URL("next", v.next())}
	}
	if e.Kind == fault.Internal || e.Kind == fault.Unavailable {
		s.Log.WarnContext(v.r.Context(), "request failed", "method", v.r.Method, "pattern", v.r.Pattern, "err", err)
	}
	fault.SetRetryAfter(v.w.Header(), e)
	title, words := v.text.T("console.refused"), v.words(e)
	switch e.Kind {
	case fault.Unavailable:
		title, words = v.text.T("console.late"), v.text.T("console.late-text")
	case fault.Internal:
		title, words = v.text.T("problem.broken-title"), v.text.T("console.broken")
	}
	return response{status: e.Kind.Status(), page: view.Message(v.frame(""), title, words)}
}

// next is the page to come back to after signing in: one that was looked at.
func (v *visit) next() string {
	if v.r.Method != http.MethodGet || v.r.URL.Path == string(site.Home) {
		return ""
	}
	return route.Local(v.r.URL.RequestURI())
}

// words is an error's sentence in the reader's language, or its English one where
// the catalogue has none.
func (v *visit) words(e *fault.Error) string {
	code, args, message := e.Code, e.Args, e.Message
	if len(e.Fields) > 0 {
		code, args, message = e.Fields[0].Code, e.Fields[0].Args, e.Fields[0].Message
	}
	for _, id := range []string{"fault." + code, code} {
		if v.text.Has(id) {
			return v.text.Map(id, args)
		}
	}
	return message
}

// problem is what was wrong with a form; ok is false for errors that are no matter
// of the form: those have pages of their own.
func (v *visit) problem(err error) (words string, ok bool) {
	e := fault.As(err)
	switch e.Kind {
	case fault.Invalid, fault.Conflict, fault.TooMany:
		fault.SetRetryAfter(v.w.Header(), e)
		return v.words(e), true
	}
	return "", false
}

func (s *server) unknown(*visit) (response, error) {
	return response{}, fault.New(fault.NotFound, "console.no-page", "There is no such page.")
}
