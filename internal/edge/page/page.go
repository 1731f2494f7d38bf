// Package page is what members get from the edge itself, when nothing behind it
// can answer: what happened, what happened to the money, what works meanwhile,
// and whom to call. Programs get the same as problem+json.
package page

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/edge/proxy"
	"standfast/internal/fault"
	"standfast/internal/text"
)

// Pages writes the edge's answers. It needs nothing but memory.
type Pages struct {
	texts  *text.Catalogue
	assets map[string]asset // by address
	css    asset
	icon   asset
}

// New loads the texts' pages and files.
func New(texts *text.Catalogue) *Pages {
	p := &Pages{texts: texts, assets: map[string]asset{}}
	p.css, p.icon = p.load("edge.css"), p.load("mark.svg")
	return p
}

// Apologize answers a request in place of what is behind the edge.
func (p *Pages) Apologize(w http.ResponseWriter, r *http.Request, a proxy.Apology) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(a.RetryAfter)))
	}
	if !wantsPage(r) {
		fault.WriteProblem(w, p.problem(r, a))
		return
	}
	v := p.view(r, a)
	var b bytes.Buffer
	if err := show(v).Render(context.WithoutCancel(r.Context()), &b); err != nil {
		fault.WriteProblem(w, p.problem(r, a))
		return
	}
	p.headers(h, r, v, a)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status(a.Reason))
	_, _ = w.Write(b.Bytes())
}

// policy is the members' pages' own: our files and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (p *Pages) headers(h http.Header, r *http.Request, v view, a proxy.Apology) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Locale())
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	if comesBack(r, a) {
		// As the element of that name would, and in no reader's way: it loads the
		// same address again, which is the page asked for once that answers.
		h.Set("Refresh", strconv.Itoa(seconds(a.RetryAfter)))
	}
}

// comesBack tells whether the browser may load the address again by itself: it
// only looks, and waiting helps.
func comesBack(r *http.Request, a proxy.Apology) bool {
	return r.Method == http.MethodGet && a.RetryAfter > 0
}

func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

func status(why proxy.Reason) int {
	switch why {
	case proxy.TooLarge:
		return http.StatusRequestEntityTooLarge
	case proxy.TooSlow:
		return http.StatusRequestTimeout
	}
	return http.StatusServiceUnavailable
}

// wantsPage tells whether a person's browser asks: not for a call, and not for
// what only takes JSON.
func wantsPage(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return false
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*") && !strings.Contains(accept, "json")
}

// printer chooses the language: the reader's own among the cell's, else the
// cell's first.
func (p *Pages) printer(r *http.Request, c proxy.Cell) *text.Printer {
	return p.texts.Printer(p.texts.Among(c.Locales).Match(r.Header.Get("Accept-Language"), ""))
}

// view finds the words. looks says that the request could change nothing.
func (p *Pages) view(r *http.Request, a proxy.Apology) view {
	t := p.printer(r, a.Cell)
	v := view{Printer: t, Brand: a.Cell.Brand, Telephone: a.Cell.Telephone, StatusURL: a.Cell.StatusURL, CSS: p.css, Icon: p.icon,
		Label: t.T("edge.try"), To: templ.SafeURL(r.URL.RequestURI())}
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	title, words := "edge.down-title", "edge.down"
	busy := a.Reason == proxy.Busy || a.Reason == proxy.Crowded
	switch {
	case a.Reason == proxy.TooLarge:
		title, words = "edge.large-title", "edge.large"
	case a.Reason == proxy.TooSlow:
		title, words = "edge.slow-title", "edge.slow"
	case a.Reason == proxy.Unknown:
		title, words = "edge.unknown-title", "edge.unknown"
	case busy && looks:
		title, words = "edge.busy-title", "edge.busy"
	case busy:
		title, words = "edge.busy-title", "edge.busy-undone"
	case !looks:
		title, words = "edge.undone-title", "edge.undone"
	}
	v.Title, v.Text = t.T(title), t.T(words)
	if !looks {
		v.Label, v.To = t.T("edge.start"), "/"
	}
	if a.Reason == proxy.Unknown {
		v.Label, v.To = t.T("edge.payments"), "/payments"
	}
	if a.RetryAfter > 0 && a.Reason != proxy.Unknown {
		v.Again = t.T(againID(r, a), "Seconds", seconds(a.RetryAfter))
	}
	if a.Reason == proxy.Down || a.Reason == proxy.Unknown {
		v.Works = []string{t.T("edge.works-call"), t.T("edge.works-card"), t.T("edge.works-scheduled")}
		if strings.Contains(r.Header.Get("Cookie"), "sf_"+a.Cell.Name+"_session_") {
			v.Works = append(v.Works, t.T("edge.works-signed-in"))
		}
	}
	return v
}

func againID(r *http.Request, a proxy.Apology) string {
	if comesBack(r, a) {
		return "edge.again-by-itself"
	}
	return "edge.again-later"
}

// problem is the same for programs.
func (p *Pages) problem(r *http.Request, a proxy.Apology) error {
	switch a.Reason {
	case proxy.TooLarge:
		return fault.New(fault.TooLarge, "request.too-large", "This is more than is taken here. Nothing was done.")
	case proxy.TooSlow:
		return fault.New(fault.Malformed, "request.too-slow", "The request did not arrive in full. Nothing was done.")
	}
	e := fault.New(fault.Unavailable, "edge.down", "Nothing answers at the moment. Nothing was done. Please try again, or call "+a.Cell.Telephone+".")
	switch a.Reason {
	case proxy.Crowded:
		e.Code, e.Message = "edge.crowded", "Too many requests from your network are under way. Nothing was done. Please try again."
	case proxy.Busy:
		e.Code, e.Message = "edge.busy", "There is no room at the moment. Nothing was done. Please try again."
	case proxy.Unknown:
		e.Code, e.Message = "edge.unknown", "The request was passed on, but no answer came back: it may have been done. Look before you repeat it, or repeat it with the same Idempotency-Key."
	}
	e.Extra = map[string]any{"telephone": a.Cell.Telephone}
	if a.Cell.StatusURL != "" {
		e.Extra["status_url"] = a.Cell.StatusURL
	}
	return e.After(a.RetryAfter)
}

// telephoneLink is a number as a tel: address.
func telephoneLink(number string) string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
}
