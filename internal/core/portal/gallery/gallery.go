// Package gallery shows every page of the portal in every state, from data that
// is made up here. Tests and axe walk through it; nothing of it is in a release
// binary, as only tests import it.
package gallery

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/static"
	"standfast/internal/core/portal/view"
	"standfast/internal/text"
)

// Entry is one page in one state.
type Entry struct {
	Name      string // as "dashboard-stale"; ends the address
	SignedOut bool
	Section   view.Section
	Notices   []view.Notice
	Page      func(view.Frame) templ.Component
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
	var all []Entry
	for _, part := range [][]Entry{publicEntries(), codeEntries(), assistedEntries(), recoverEntries(), enrolEntries(), accountEntries(), payEntries(), methodEntries(), transferEntries(), profileEntries(), contactEntries(), passkeyEntries()} {
		all = append(all, part...)
	}
	return all
}

// Locales are the languages that every entry is shown in.
func (g *Gallery) Locales() []string { return g.texts.Locales() }

// Paths are the addresses of all entries in all languages.
func (g *Gallery) Paths() []string {
	var list []string
	for _, l := range g.Locales() {
		for _, e := range g.entries {
			list = append(list, fmt.Sprintf("/gallery/%s/%s", l, e.Name))
		}
	}
	return list
}

// Render gives the HTML of an entry in a language.
func (g *Gallery) Render(e Entry, locale string) ([]byte, error) {
	var b bytes.Buffer
	err := e.Page(g.frame(e, locale)).Render(context.Background(), &b)
	return b.Bytes(), err
}

// now is when the gallery is looked at: a Sunday afternoon in New York.
var now = time.Date(2026, time.November, 22, 19, 7, 0, 0, time.UTC)

func (g *Gallery) frame(e Entry, locale string) view.Frame {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		zone = time.UTC
	}
	f := view.Frame{
		Printer:  g.texts.Printer(locale).In(zone),
		Cell:     view.Cell{Name: "Standfast", Telephone: "1 800 555 0100"},
		Files:    g.files,
		Locales:  g.Locales(),
		Here:     "/help",
		SignedIn: !e.SignedOut,
		Section:  e.Section,
		Notices:  e.Notices,
		Now:      now,
	}
	if f.SignedIn {
		f.Session = view.SessionClock{IdleAt: now.Add(time.Hour), EndsAt: now.Add(20 * time.Hour), Idle: time.Hour, Left: 20 * time.Hour}
	}
	return f
}

// ServeHTTP serves the entries below /gallery/{locale}/{name}, and the static files.
func (g *Gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/static/"); ok {
		r.SetPathValue("id", name)
		if !g.files.Serve(w, r) {
			http.NotFound(w, r)
		}
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/gallery/"), "/")
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
