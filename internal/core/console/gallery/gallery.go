// Package gallery shows every page of the console in every state, from data that
// is made up here. Tests and axe walk through it; nothing of it is in a release
// binary, as only tests import it.
package gallery

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/console/view"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/staff"
	"standfast/internal/text"
)

// Entry is one page in one state.
type Entry struct {
	Name    string     // as "people-empty"; ends the address
	Role    staff.Role // of who looks; "" for nobody who is signed in
	Section route.Page
	Page    func(view.Frame) templ.Component
}

// Gallery renders entries and serves them with the files they need.
type Gallery struct {
	texts   *text.Catalogue
	files   *static.Files
	entries []Entry
}

// New loads texts and files.
func New() (*Gallery, error) {
	texts, err := text.Load()
	if err != nil {
		return nil, err
	}
	return &Gallery{texts: texts, files: static.Load(), entries: Entries()}, nil
}

// Entries are all pages × states.
func Entries() []Entry {
	return slices.Concat(doorEntries(), peopleEntries(), caseEntries(), adviceEntries(), routingEntries())
}

// Paths are the addresses of all entries in all languages.
func (g *Gallery) Paths() []string {
	var list []string
	for _, l := range g.texts.Locales() {
		for _, e := range g.entries {
			list = append(list, fmt.Sprintf("/console/%s/%s", l, e.Name))
		}
	}
	return list
}

// now is when the gallery is looked at: a Sunday afternoon in New York.
var now = time.Date(2026, time.November, 22, 19, 7, 0, 0, time.UTC)

// id makes the ids of the gallery: stable, and as long as real ones.
func id(n int) string { return fmt.Sprintf("019a0000-0000-7000-8000-%012d", n) }

func (g *Gallery) frame(e Entry, locale string) view.Frame {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		zone = time.UTC
	}
	f := view.Frame{Printer: g.texts.Printer(locale).In(zone), Brand: "Standfast", Files: g.files, Locales: g.texts.Locales(), Here: "/", Section: e.Section}
	if e.Role != "" {
		f.Session = staff.Session{ID: id(1), Person: staff.Person{ID: id(2), Name: "Olga Bergström-Featherstonehaugh", Role: e.Role, Organisation: issuer}}
	}
	return f
}

// Render gives the HTML of an entry in a language.
func (g *Gallery) Render(e Entry, locale string) ([]byte, error) {
	var b bytes.Buffer
	err := e.Page(g.frame(e, locale)).Render(context.Background(), &b)
	return b.Bytes(), err
}

// ServeHTTP serves the entries below /console/{locale}/{name}, and the static files.
func (g *Gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/static/"); ok {
		r.SetPathValue("id", name)
		if !g.files.Serve(w, r) {
			http.NotFound(w, r)
		}
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/console/"), "/")
	for _, e := range g.entries {
		if len(parts) != 2 || e.Name != parts[1] {
			continue
		}
		page, err := g.Render(e, parts[0])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
		return
	}
	http.NotFound(w, r)
}
