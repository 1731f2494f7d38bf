// Package gallery shows the edge's own pages in every state. Tests and axe walk
// through it; nothing of it is in a release binary, as only tests import it.
package gallery

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"standfast/internal/edge/page"
	"standfast/internal/edge/proxy"
	"standfast/internal/text"
)

// Gallery serves the pages and their files.
type Gallery struct {
	texts *text.Catalogue
	pages *page.Pages
}

// New loads texts and files.
func New() (*Gallery, error) {
	texts, err := text.Load()
	if err != nil {
		return nil, err
	}
	return &Gallery{texts, page.New(texts)}, nil
}

// entry is one page in one state.
type entry struct {
	name, method string
	apology      proxy.Apology
}

func entries() []entry {
	const soon = 14 * time.Second
	return []entry{
		{"down", http.MethodGet, proxy.Apology{Reason: proxy.Down, RetryAfter: soon}},
		{"down-form", http.MethodPost, proxy.Apology{Reason: proxy.Down, RetryAfter: soon}},
		{"unknown", http.MethodPost, proxy.Apology{Reason: proxy.Unknown, RetryAfter: soon}},
		{"busy", http.MethodGet, proxy.Apology{Reason: proxy.Busy, RetryAfter: soon}},
		{"busy-form", http.MethodPost, proxy.Apology{Reason: proxy.Busy, RetryAfter: soon}},
		{"too-large", http.MethodPost, proxy.Apology{Reason: proxy.TooLarge}},
		{"too-slow", http.MethodPost, proxy.Apology{Reason: proxy.TooSlow}},
	}
}

// Paths are the addresses of all entries in all languages.
func (g *Gallery) Paths() []string {
	var list []string
	for _, l := range g.texts.Locales() {
		for _, e := range entries() {
			list = append(list, fmt.Sprintf("/gallery/%s/edge-%s", l, e.name))
		}
		list = append(list, fmt.Sprintf("/gallery/%s/edge-%s", l, front))
	}
	return list
}

// ServeHTTP serves the entries and the files they need.
func (g *Gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.pages.Serve(w, r) {
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/gallery/"), "/edge-")
	if len(parts) == 2 && parts[1] == front {
		g.front(w, r, parts[0])
		return
	}
	for _, e := range entries() {
		if len(parts) != 2 || e.name != parts[1] {
			continue
		}
		e.apology.Cell = proxy.Cell{Name: "us", Brand: "Standfast", Telephone: "1 800 555 0100", Locales: []string{parts[0]}, StatusURL: "/status"}
		q := r.Clone(r.Context())
		q.Method = e.method
		q.Header.Set("Cookie", "sf_us_session_v1=x")
		g.pages.Apologize(&shown{w}, q, e.apology)
		return
	}
	http.NotFound(w, r)
}

// front names the page that is no apology.
const front = "front"

func (g *Gallery) front(w http.ResponseWriter, r *http.Request, locale string) {
	q := r.Clone(r.Context())
	q.URL.Path = "/"
	q.Header.Set("Accept-Language", locale)
	g.pages.Choose(w, q, proxy.Front{Brand: "Standfast", Cells: []proxy.Cell{
		{Name: "us", Label: "United States", URL: "https://my.example.com", Telephone: "1 800 555 0100", Locales: []string{"en-US"}},
		{Name: "gb", Label: "United Kingdom", URL: "https://my.example.co.uk", Telephone: "0808 157 0100", Locales: []string{"en-GB"}},
		{Name: "eu", Label: "Europäische Union", URL: "https://my.example.eu", Telephone: "030 23125 100", Locales: []string{"de-DE"}}}})
}

// shown is an answer that a browser keeps on the screen: it is not loaded again
// while somebody looks at it.
type shown struct{ http.ResponseWriter }

// WriteHeader sends 200 in place of whatever was meant.
func (s *shown) WriteHeader(int) {
	s.Header().Del("Refresh")
	s.ResponseWriter.WriteHeader(http.StatusOK)
}
