package console

import (
	"regexp"
	"testing"

	"standfast/internal/core/console/gallery"
	"standfast/internal/text"
)

// rawID is a text's id that stands where its text should.
var rawID = regexp.MustCompile(`[>\s"](console|fault)\.[a-z-]+(\.[a-z-]*)+`)

// A text that is asked for by what comes from elsewhere, as a journey's name, is
// there for all that may come.
func TestNoPageShowsATextsID(t *testing.T) {
	g, err := gallery.New()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range texts.Locales() {
		for _, e := range gallery.Entries() {
			page, err := g.Render(e, l)
			if err != nil {
				t.Fatal(err)
			}
			if found := rawID.Find(page); found != nil {
				t.Errorf("%s %s shows %s", l, e.Name, found)
			}
		}
	}
}
