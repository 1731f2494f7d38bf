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

//go:embed catalogues/*.toml
var files embed.FS

// Catalogue holds the texts of all languages. It is read only after Load and
// safe for concurrent use.
type Catalogue struct {
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
	for _, l := range locales {
		c.plain[l], c.ids[l] = map[string]string{}, map[string]bool{}
		if err := c.loadLocale(l); err != nil {
			return nil, err
		}
	}
	c.matcher = language.NewMatcher(c.bundle.LanguageTags())
	for _, l := range locales {
		c.printers[l] = newPrinter(c, l)
	}
	return c, nil
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

// Locales gives the locales that have a catalogue, the default first.
func (c *Catalogue) Locales() []string { return slices.Clone(locales[:]) }

// Has tells whether the catalogue of a locale has an entry of its own.
func (c *Catalogue) Has(locale, id string) bool { return c.ids[locale][id] }

// IDs gives all ids of a locale in order.
func (c *Catalogue) IDs(locale string) []string {
	return slices.Sorted(maps.Keys(c.ids[locale]))
}

// Match chooses the locale for a reader: the one they chose, or the best for
// the Accept-Language header, or the default. Both may be empty or nonsense.
func (c *Catalogue) Match(acceptLanguage, preferred string) string {
	if slices.Contains(locales[:], preferred) {
		return preferred
	}
	// The header comes from outside: a long one is not worth parsing.
	if len(acceptLanguage) > 200 {
		return Default
	}
	_, i := language.MatchStrings(c.matcher, preferred, acceptLanguage)
	if i < 0 || i >= len(locales) {
		return Default
	}
	return locales[i]
}

// Printer gives the printer of a locale; an unknown locale gives the default's.
func (c *Catalogue) Printer(locale string) *Printer {
	if p := c.printers[locale]; p != nil {
		return p
	}
	return c.printers[Default]
}
