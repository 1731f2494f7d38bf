// Package text is every word that Standfast says, in each language it speaks,
// and the way a language writes amounts, dates and numbers. No sentence is
// glued from parts: a sentence is one entry of a catalogue.
package text

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

// Default is the locale whose catalogue every other falls back to.
const Default = "en-US"

// locales in the order of preference when nothing else decides. The first is Default.
var locales = [...]string{Default, "de-DE"}

// varieties are written like Default but for what their own catalogue says
// otherwise: dates, numbers and some words. They are spoken where a cell asks for
// them (see Among) and nowhere else.
var varieties = [...]string{"en-GB"}

//go:embed catalogues/*.toml
var files embed.FS

// Catalogue holds the texts of all languages. It is read only after Load and
// safe for concurrent use.
type Catalogue struct {
	offered  []string // what readers are offered; the first is for whom nothing fits
	bundle   *i18n.Bundle
	matcher  language.Matcher
	plain    map[string]map[string]string // locale → id → text that needs no values
	ids      map[string]map[string]bool   // locale → id
	printers map[string]*Printer
}

// Load reads the embedded catalogues. A file that does not parse, or an id that
// stands twice, is an error: a release with such a file must not start.
func Load() (*Catalogue, error) {
	c := &Catalogue{
		bundle:   i18n.NewBundle(language.MustParse(Default)),
		plain:    map[string]map[string]string{},
		ids:      map[string]map[string]bool{},
		printers: map[string]*Printer{},
	}
	c.bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	written := slices.Concat(locales[:], varieties[:])
	for _, l := range written {
		c.plain[l], c.ids[l] = map[string]string{}, map[string]bool{}
		if err := c.loadLocale(l); err != nil {
			return nil, err
		}
	}
	for _, l := range varieties {
		c.borrow(l)
	}
	for _, l := range written {
		c.printers[l] = newPrinter(c, l)
	}
	return c.offer(locales[:]), nil
}

// borrow gives a variety the plain texts that it has no own words for.
func (c *Catalogue) borrow(variety string) {
	for id, s := range c.plain[Default] {
		if !c.ids[variety][id] {
			c.plain[variety][id] = s
		}
	}
}

// Among gives the same catalogue for readers who are offered these locales alone,
// in this order: a cell's. Those that have no catalogue are left out; when none is
// left, every language is offered.
func (c *Catalogue) Among(list []string) *Catalogue {
	var have []string
	for _, l := range list {
		if c.printers[l] != nil && !slices.Contains(have, l) {
			have = append(have, l)
		}
	}
	if len(have) == 0 {
		have = locales[:]
	}
	q := *c
	return q.offer(have)
}

func (c *Catalogue) offer(list []string) *Catalogue {
	tags := make([]language.Tag, len(list))
	for i, l := range list {
		tags[i] = language.MustParse(l)
	}
	c.offered, c.matcher = list, language.NewMatcher(tags)
	return c
}

func (c *Catalogue) loadLocale(locale string) error {
	paths, err := files.ReadDir("catalogues")
	if err != nil {
		return err
	}
	for _, p := range paths {
		if !strings.HasSuffix(p.Name(), "."+locale+".toml") {
			continue
		}
		if err := c.loadFile(locale, path.Join("catalogues", p.Name())); err != nil {
			return fmt.Errorf("%s: %w", p.Name(), err)
		}
	}
	return nil
}

func (c *Catalogue) loadFile(locale, name string) error {
	f, err := c.bundle.LoadMessageFileFS(files, name)
	if err != nil {
		return err
	}
	for _, m := range f.Messages {
		if c.ids[locale][m.ID] {
			return fmt.Errorf("id %q stands twice in %s", m.ID, locale)
		}
		c.ids[locale][m.ID] = true
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			c.plain[locale][m.ID] = m.Other
		}
	}
	return nil
}

// Locales gives the locales that readers are offered, the first one for whom
// nothing fits.
func (c *Catalogue) Locales() []string { return slices.Clone(c.offered) }

// Has tells whether the catalogue of a locale has an entry of its own.
func (c *Catalogue) Has(locale, id string) bool { return c.ids[locale][id] }

// IDs gives all ids of a locale in order.
func (c *Catalogue) IDs(locale string) []string {
	return slices.Sorted(maps.Keys(c.ids[locale]))
}

// Match chooses the locale for a reader: the one they chose, or the best for
// the Accept-Language header, or the first that is offered. Both may be empty or
// nonsense.
func (c *Catalogue) Match(acceptLanguage, preferred string) string {
	if slices.Contains(c.offered, preferred) {
		return preferred
	}
	// The header comes from outside: a long one is not worth parsing.
	if len(acceptLanguage) > 200 {
		return c.offered[0]
	}
	_, i := language.MatchStrings(c.matcher, preferred, acceptLanguage)
	if i < 0 || i >= len(c.offered) {
		return c.offered[0]
	}
	return c.offered[i]
}

// Printer gives the printer of a locale; an unknown locale gives the default's.
func (c *Catalogue) Printer(locale string) *Printer {
	if p := c.printers[locale]; p != nil {
		return p
	}
	return c.printers[Default]
}
