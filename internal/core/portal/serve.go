package portal

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// serve makes an http.Handler of an entry: deadline, body, session, handler,
// answer. A refusal anywhere becomes a page that says so.
func (s *server) serve(e entry) http.Handler {
	timeout := getTimeout
	if e.method == http.MethodPost {
		timeout = postTimeout
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		v := s.visit(w, r.WithContext(ctx))
		res, err := s.inTurn(v, e)
		if err != nil {
			res = s.failed(v, err)
		}
		if e.journey != "" {
			journey.Set(w.Header(), e.journey, outcome(res))
		}
		s.write(v, res)
	})
}

// outcome judges an answer as the member would.
func outcome(res response) journey.Outcome {
	if res.partial {
		return journey.Partial
	}
	return journey.Of(res.status)
}

// visit reads who comes, without asking anything that could be slow.
func (s *server) visit(w http.ResponseWriter, r *http.Request) *visit {
	locale := s.Texts.Match(r.Header.Get("Accept-Language"), s.chosenLocale(r))
	return &visit{w: w, r: r, server: s, text: s.Texts.Printer(locale).In(s.Cell.Zone), now: s.Now()}
}

// inTurn answers when it is the request's turn.
func (s *server) inTurn(v *visit, e entry) (response, error) {
	leave, err := s.Gate.Admit(v.r.Context(), e.journey)
	if err != nil {
		return response{}, err
	}
	defer leave()
	return s.answer(v, e)
}

func (s *server) answer(v *visit, e entry) (response, error) {
	if err := readForm(v.w, v.r); err != nil {
		return response{}, err
	}
	if err := s.enter(v, e.door); err != nil {
		s.keepForm(v, e, err)
		return response{}, err
	}
	s.restore(v)
	return e.serve(v)
}

// readForm reads the address and, of a POST, the body, within its limits.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || t != "application/x-www-form-urlencoded" {
			return fault.New(fault.UnsupportedMedia, "request.media", "What was sent is not a form of ours.")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(postTimeout)) // a test's writer has none
	}
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fault.Wrap(fault.TooLarge, "request.large", "What was sent is larger than any of our forms.", err)
		}
		return fault.Wrap(fault.Malformed, "request.unreadable", "What was sent could not be read.", err)
	}
	// Were the deadline to pass while the form is acted on, net/http would take it
	// for a browser that left, and cancel every later request on the connection.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return readable(r.Form)
}

// enter checks the session at a door. An answer that is not known (503) takes
// nothing from the member: no cookie is cleared, nobody is asked to sign in.
func (s *server) enter(v *visit, d door) error {
	tok := s.Cookies.Session(v.r)
	if tok == "" && d == anybody {
		return nil
	}
	sess, err := s.SignIn.Check(v.r.Context(), tok, d.use())
	switch {
	case err == nil:
		v.session = sess
		if sess.Remint != "" {
			s.Cookies.SetSession(v.w, sess.Remint, sess.ExpiresAt)
		}
		return nil
	case d == anybody:
		return nil // a page for everybody is shown whatever the session is
	case fault.Is(err, fault.Unauthenticated) && tok != "":
		s.Cookies.ClearSession(v.w) // known to be over
	}
	return err
}

// signInFirst sends a visitor to the sign-in page, and back afterwards.
func (s *server) signInFirst(v *visit) response {
	next := v.here()
	if v.kept != "" {
		next = withQuery(next, "kept", v.kept)
	}
	if next == string(route.Dashboard) {
		next = ""
	}
	return see(route.SignIn.URL("next", next))
}

// write sends an answer. A page is rendered whole before its first byte goes
// out, so that a fault in it never leaves half a page.
func (s *server) write(v *visit, res response) {
	switch {
	case res.written:
	case res.to != "":
		http.Redirect(v.w, v.r, string(res.to), res.status)
	default:
		s.writePage(v, res)
	}
}

func (s *server) writePage(v *visit, res response) {
	b := templ.GetBuffer()
	defer templ.ReleaseBuffer(b)
	if err := res.page.Render(v.r.Context(), b); err != nil {
		s.Log.ErrorContext(v.r.Context(), "page", "pattern", v.r.Pattern, "err", err)
		http.Error(v.w, v.text.T("problem.broken-title"), http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	body := b.Bytes()
	// A page that shows a member's data beside what the address said is never
	// compressed: its length would tell about the data (BREACH). Pages for
	// visitors hold nothing that is worth guessing.
	if !v.signedIn() {
		h.Set("Vary", "Accept-Encoding")
		if static.AcceptsGzip(v.r) {
			h.Set("Content-Encoding", "gzip")
			body = pack(body)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.w.WriteHeader(res.status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body)
	}
}

func pack(page []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is valid
	_, _ = w.Write(page)                            // a buffer takes every write
	_ = w.Close()
	return b.Bytes()
}
