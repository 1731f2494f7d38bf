package portal

import (
	"net/http"
	"strings"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// failed is the page of a request that could not be answered. It says what
// happened, what happened to the money, and what to do now.
func (s *server) failed(v *visit, err error) response {
	e := fault.As(err)
	if e.Kind == fault.Unauthenticated {
		return s.signInFirst(v)
	}
	if e.Kind == fault.Internal || e.Kind == fault.Unavailable && e.Cause != nil { // without one it was meant, and many may be
		s.Log.WarnContext(v.r.Context(), "request failed", "method", v.r.Method, "pattern", v.r.Pattern, "err", err)
	}
	fault.SetRetryAfter(v.w.Header(), e)
	v.comeBack(e)
	// Whoever has a session that could not be checked is a member all the same:
	// the page must not look as if they had been signed out.
	f := v.frame(view.Elsewhere)
	f.SignedIn = f.SignedIn || e.Kind == fault.Unavailable && s.Cookies.Session(v.r) != ""
	return response{status: e.Kind.Status(), page: view.Say(f, s.message(v, e))}
}

// comeBack has a page that was only looked at try again by itself, when it was
// told to. A form is never sent again without its member.
func (v *visit) comeBack(e *fault.Error) {
	if again := v.w.Header().Get("Retry-After"); again != "" && e.Kind == fault.Unavailable && v.r.Method == http.MethodGet {
		v.w.Header().Set("Refresh", again)
	}
}

// message says an error in words.
func (s *server) message(v *visit, e *fault.Error) view.Message {
	m := view.Message{Title: v.text.T("problem.refused-title"), Text: v.words(e), Label: v.text.T("problem.go-start"), To: route.Home.URL()}
	if v.signedIn() || s.Cookies.Session(v.r) != "" {
		m.Label, m.To = v.text.T("problem.go-home"), route.Dashboard.URL()
	}
	switch e.Kind {
	case fault.NotFound:
		m.Title = v.text.T("problem.not-found-title")
		if e.Code == codeNoPage {
			m.Text = v.text.T("problem.not-found")
		}
	case fault.Unavailable:
		return s.late(v, e)
	case fault.Internal:
		m.Title, m.Text = v.text.T("problem.broken-title"), v.text.T("problem.broken")
	case fault.TooLarge:
		m.Title, m.Text = v.text.T("problem.large-title"), v.text.T("problem.large")
	case fault.UnsupportedMedia, fault.Malformed:
		m.Title, m.Text = v.text.T("problem.media-title"), v.text.T("problem.media")
	case fault.TooMany:
		m.Title = v.text.T("problem.many-title")
	case fault.Forbidden:
		if e.Code == "cross-origin" {
			m.Title, m.Text = v.text.T("problem.foreign-title"), v.text.T("problem.foreign")
		}
	}
	return m
}

// codeBusy is the code of an overload.
const codeBusy = "busy"

// codeUnknown is the code of a change of which nobody knows whether it was made.
const codeUnknown = "storage.unknown"

// late says that the answer is not known now, and what works all the same. What
// was sent was not done, unless not even that is known.
func (s *server) late(v *visit, e *fault.Error) view.Message {
	m := view.Message{Label: v.text.T("problem.again"), To: route.Page(v.here()).URL()}
	switch {
	case e.Code == codeUnknown:
		m.Title, m.Text = v.text.T("problem.unknown-title"), v.text.T("problem.unknown")
	case v.r.Method == http.MethodPost:
		m.Title, m.Text = v.text.T("problem.undone-title"), v.text.T("problem.undone")
	default:
		m.Title, m.Text = v.text.T("problem.late-title"), v.text.T("problem.late")
		if e.Code == codeBusy {
			m.Title, m.Text = v.text.T("problem.busy-title"), v.text.T("problem.busy")
		}
		m.Text += " " + v.text.T("problem.by-itself")
	}
	if e.Code == codeBusy {
		return m
	}
	if v.signedIn() || s.Cookies.Session(v.r) != "" {
		m.Works = []string{v.text.T("problem.works-look"), v.text.T("problem.works-freeze"), v.text.T("problem.works-call")}
	} else {
		m.Safe = v.text.T("problem.late-safe")
	}
	return m
}

const codeNoPage = "no-such-page"

// unknown answers addresses that no entry matched: 405 with the methods that the
// address has, or else 404.
func (s *server) unknown(v *visit) (response, error) {
	allowed := s.methodsOf(v.r)
	if len(allowed) == 0 {
		return response{}, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
	}
	v.w.Header().Set("Allow", strings.Join(allowed, ", "))
	m := view.Message{Title: v.text.T("problem.method-title"), Text: v.text.T("problem.method"), Label: v.text.T("problem.go-start"), To: route.Home.URL()}
	return response{status: http.StatusMethodNotAllowed, page: view.Say(v.frame(view.Elsewhere), m)}, nil
}

// methodsOf asks the mux which methods a path has.
func (s *server) methodsOf(r *http.Request) (allowed []string) {
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		q := r.Clone(r.Context())
		q.Method = m
		if _, pattern := s.mux.Handler(q); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// words is an error's sentence in the reader's language, or its English one
// where the catalogue has none.
func (v *visit) words(e *fault.Error) string {
	if len(e.Fields) > 0 {
		return v.fieldWords(e.Fields[0])
	}
	if id := "fault." + e.Code; v.text.Has(id) {
		return v.text.Map(id, e.Args)
	}
	return e.Message
}

func (v *visit) fieldWords(f fault.Field) string {
	for _, id := range []string{"fault." + f.Code, f.Code} {
		if v.text.Has(id) {
			return v.text.Map(id, f.Args)
		}
	}
	return f.Message
}

// problems says what was wrong with a form. controls maps where an error lies to
// the control on the page; an error that lies nowhere on it stands without a link.
// ok is false for errors that are no matter of the form: those have pages of their own.
func (v *visit) problems(err error, controls map[string]string) (list view.Problems, ok bool) {
	e := fault.As(err)
	if e.Kind == fault.Internal || e.Kind == fault.Malformed {
		return nil, false
	}
	fault.SetRetryAfter(v.w.Header(), e)
	for _, f := range e.Fields {
		list = append(list, view.Problem{Field: controls[f.Location], Message: v.fieldWords(f)})
	}
	if len(list) == 0 {
		list = view.Problems{{Field: controls[e.Code], Message: v.words(e)}}
	}
	return list, true
}

// checks gathers what is wrong with a form before anybody else is asked.
type checks struct {
	v    *visit
	list view.Problems
}

// need notes the sentence id for a control when wrong.
func (c *checks) need(wrong bool, control, id string) {
	if wrong {
		c.list = append(c.list, view.Problem{Field: control, Message: c.v.text.T(id)})
	}
}

// errForm is the status of a form that the portal itself refused.
var errForm = fault.New(fault.Invalid, "form", "Some of what was sent cannot be accepted.")
