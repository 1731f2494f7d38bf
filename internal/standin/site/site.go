// Package site is what members and programs meet at the stand-in: a few pages and
// the part of the API that it can answer, at the same addresses as core's. To
// everything else it says honestly what works now.
package site

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/overload"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/teller"
	"standfast/internal/text"
)

// Config is what the site speaks for.
type Config struct {
	Desk      *entry.Desk
	Teller    *teller.Teller
	Texts     *text.Catalogue
	Log       *slog.Logger
	Now       func() time.Time
	Zone      *time.Location
	Cell      string // names cookies
	Brand     string
	Telephone string
	Currency  string
	PublicURL string
	Halted    func() *fault.Error // why no payment can be taken; nil: it can
	Gate      *overload.Gate      // lets requests in; nil lets all in
}

type site struct {
	Config
	secure bool
	files  files
}

// New makes the handler of all addresses.
func New(c Config) http.Handler {
	s := &site{Config: c, secure: strings.HasPrefix(c.PublicURL, "https://"), files: loadFiles()}
	m := http.NewServeMux()
	s.pages(m)
	s.calls(m)
	m.HandleFunc("GET /static/{name}", s.files.serve)
	m.HandleFunc("/", s.handle("", anybody, func(v *visit) (answer, error) { return answer{}, notNow() }))
	m.HandleFunc("/api/", s.call("", anybody, func(*visit) (any, int, error) { return nil, 0, notNow() }))
	return s.guard(m)
}

// notNow is the answer to whatever only core does.
func notNow() error {
	return fault.New(fault.Unavailable, "standin.not-now", "This is not possible just now. You can see your accounts, freeze a card and pay it.").After(time.Minute)
}

// door says who may come in.
type door int

const (
	anybody door = iota
	look
	pay
	freeze
)

func (d door) use() entry.Use {
	return map[door]entry.Use{look: entry.Look, pay: entry.Pay, freeze: entry.Freeze}[d]
}

// visit is one request with what is known of who makes it.
type visit struct {
	*site
	w       http.ResponseWriter
	r       *http.Request
	text    *text.Printer
	session entry.Session
}

func (v *visit) signedIn() bool { return v.session.ID != "" }

func (v *visit) takesPasskeys() bool { return v.Desk.Party != nil }

func (v *visit) value(name string) string { return v.r.Form.Get(name) }

// answer is a page, or where to go instead.
type answer struct {
	page   templ.Component
	status int
	to     string
}

func show(c templ.Component) answer { return answer{page: c, status: http.StatusOK} }

func see(to string) answer { return answer{to: to, status: http.StatusSeeOther} }

const (
	requestTime = 10 * time.Second
	maxBody     = 64 << 10 // bytes of a form or a call
)

// visitor is whoever comes, before it is known who it is.
func (s *site) visitor(w http.ResponseWriter, r *http.Request) *visit {
	locale := s.Texts.Match(r.Header.Get("Accept-Language"), cookie(r, s.localeCookie()))
	return &visit{site: s, w: w, r: r, text: s.Texts.Printer(locale).In(s.Zone)}
}

// inTurn answers when it is the request's turn: when core dies, all of a cell comes
// here at once, and who pays goes before who looks.
func inTurn[T any](v *visit, j journey.Name, serve func() (T, error)) (none T, err error) {
	leave, err := v.Gate.Admit(v.r.Context(), j)
	if err != nil {
		return none, err
	}
	defer leave()
	return serve()
}

// admit reads who comes. A session that does not hold at an open door is no one's.
func (s *site) admit(v *visit, d door) error {
	tok, fromCookie := s.token(v.r)
	if tok == "" && d == anybody {
		return nil
	}
	sess, err := s.Desk.Check(tok, d.use())
	switch {
	case err == nil:
		v.session = sess
		if sess.Remint != "" && fromCookie {
			s.setSession(v.w, sess.Remint, sess.Expires)
		}
		return nil
	case d == anybody:
		return nil
	case fault.Is(err, fault.Unauthenticated) && fromCookie:
		s.clearSession(v.w) // known to be over; what is not known takes nothing away
	}
	return err
}

// handle makes a page's handler.
func (s *site) handle(j journey.Name, d door, serve func(*visit) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v := s.visitor(w, r)
		a, err := inTurn(v, j, func() (answer, error) {
			if err := s.admit(v, d); err != nil {
				return answer{}, err
			}
			if r.ParseForm() != nil {
				return answer{}, fault.New(fault.Malformed, "request.unreadable", "What was sent could not be read.")
			}
			return serve(v)
		})
		if err != nil {
			a = v.failed(err)
		}
		if j != "" {
			journey.Set(w.Header(), j, journey.Of(a.status))
		}
		v.write(a)
	}
}

// failed is the page that says what happened.
func (v *visit) failed(err error) answer {
	e := fault.As(err)
	if e.Kind == fault.Internal {
		v.Log.ErrorContext(v.r.Context(), "page", "path", v.r.Pattern, "err", err)
	}
	if e.Kind == fault.Unauthenticated && v.r.Method == http.MethodGet {
		return see("/sign-in?next=" + templ.EscapeString(strings.ReplaceAll(v.r.URL.RequestURI(), "&", "%26")))
	}
	fault.SetRetryAfter(v.w.Header(), e)
	elsewhere(v.w.Header(), e)
	if again := v.w.Header().Get("Retry-After"); again != "" && e.Kind == fault.Unavailable && v.r.Method == http.MethodGet {
		v.w.Header().Set("Refresh", again) // a form is never sent again without its member
	}
	return answer{page: Failed(v.frame("standin.failed-title"), v.say(e)), status: e.Kind.Status()}
}

// say gives a refusal's sentence in the reader's language.
func (v *visit) say(e *fault.Error) string {
	code := e.Code
	if len(e.Fields) == 1 {
		code = e.Fields[0].Code
	}
	for _, id := range []string{"standin.fault-" + strings.ReplaceAll(code, ".", "-"), "fault." + code} {
		if v.text.Has(id) {
			return v.text.T(id)
		}
	}
	return v.text.T("standin.fault-any")
}

func (v *visit) write(a answer) {
	if a.to != "" {
		http.Redirect(v.w, v.r, a.to, a.status)
		return
	}
	var b bytes.Buffer
	if err := a.page.Render(v.r.Context(), &b); err != nil {
		v.Log.ErrorContext(v.r.Context(), "page", "path", v.r.Pattern, "err", err)
		http.Error(v.w, v.text.T("standin.failed-title"), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(a.status)
	_, _ = v.w.Write(b.Bytes())
}
