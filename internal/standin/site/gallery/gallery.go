// Package gallery shows the stand-in's pages in every state, as its handlers give
// them. Tests and axe walk through it; nothing of it is in a release binary, as
// only tests import it.
package gallery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"standfast/internal/text"
)

// Gallery serves the pages and their files.
type Gallery struct {
	stages map[time.Duration]stage // by how long after the last word from core it is
	texts  *text.Catalogue
}

// New sets the stages in a folder.
func New(dir string) (*Gallery, error) {
	texts, err := text.Load()
	if err != nil {
		return nil, err
	}
	g := &Gallery{map[time.Duration]stage{}, texts}
	for _, later := range []time.Duration{0, tooOldToPay, tooOldToLook} {
		if g.stages[later], err = newStage(dir, texts, later); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// scene is one page in one state.
type scene struct {
	name   string
	path   string
	form   url.Values // of a POST; nil for a GET
	later  time.Duration
	nobody bool // is signed in
}

const (
	tooOldToPay  = 25 * time.Hour
	tooOldToLook = 73 * time.Hour
)

func (s stage) entries() []scene {
	return []scene{
		{name: "home", path: "/", nobody: true},
		{name: "sign-in-refused", path: "/sign-in", form: url.Values{"username": {"ada"}, "password": {"wrong"}}, nobody: true},
		{name: "dashboard", path: "/dashboard"},
		{name: "dashboard-looks", path: "/dashboard", later: tooOldToPay},
		{name: "too-old", path: "/dashboard", later: tooOldToLook},
		{name: "account", path: "/accounts/" + card},
		{name: "account-freezing", path: "/accounts/" + other},
		{name: "freeze", path: "/accounts/" + card + "/freeze"},
		{name: "pay-wrong", path: "/pay/review?" + url.Values{"account": {card}, "method": {bank}, "what": {"amount"}, "amount": {"a lot"}, "key": {"g"}}.Encode()},
		{name: "review-refused", path: "/pay", form: url.Values{"account": {card}, "method": {bank}, "what": {"amount"}, "exact": {"900.00"}, "key": {"g"}}},
		{name: "done-waiting", path: "/pay/done/" + s.numbers[0]},
		{name: "done-refused", path: "/pay/done/" + s.numbers[2]},
		{name: "payments", path: "/payments"},
		{name: "not-now", path: "/transfer"},
	}
}

// Paths are the addresses of all entries in all languages.
func (g *Gallery) Paths() (list []string) {
	for _, l := range g.texts.Locales() {
		for _, e := range g.stages[0].entries() {
			list = append(list, fmt.Sprintf("/gallery/%s/standin-%s", l, e.name))
		}
	}
	return list
}

// ServeHTTP serves the entries and the files they need.
func (g *Gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	locale, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/gallery/"), "/standin-")
	i := slices.IndexFunc(g.stages[0].entries(), func(e scene) bool { return e.name == name })
	if i < 0 {
		g.stages[0].site.ServeHTTP(w, r)
		return
	}
	a := g.answer(g.stages[0].entries()[i], locale)
	for _, h := range []string{"Content-Type", "Content-Security-Policy"} {
		w.Header().Set(h, a.Header().Get(h))
	}
	_, _ = w.Write(a.Body.Bytes()) // with 200: a browser keeps it on the screen
}

func (g *Gallery) answer(e scene, locale string) *httptest.ResponseRecorder {
	s := g.stages[e.later]
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+e.path, nil)
	if e.form != nil {
		r = httptest.NewRequest(http.MethodPost, "http://localhost"+e.path, strings.NewReader(e.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", locale)
	r.AddCookie(&http.Cookie{Name: "sf_us_device_v2", Value: s.device})
	if !e.nobody {
		r.AddCookie(&http.Cookie{Name: "sf_us_session_v1", Value: s.session})
	}
	w := httptest.NewRecorder()
	s.site.ServeHTTP(w, r)
	return w
}
