package e2e

import (
	"net/http/httptest"
	"strings"
	"testing"

	"standfast/internal/core/portal/gallery"
)

// Every page in every state, language and theme, without a violation and
// without a sideways scroll at the narrowest width that WCAG 1.4.10 names.
func TestEveryPageOfTheGallery(t *testing.T) {
	script := axeScript(t)
	g, err := gallery.New()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(g)
	defer s.Close()
	narrow := look{width: 320, height: 700}
	b := newTab(t, s.URL, desktop)
	for _, path := range g.Paths() {
		if status := b.open(path); status != 200 {
			t.Errorf("%s: %d", path, status)
			continue
		}
		b.axeInBothThemes(script, desktop)
		b.as(narrow)
		if by := b.sideways(); by > 0 {
			t.Errorf("%s scrolls sideways by %d px at 320 px", path, by)
		}
		if by := b.textTwiceAsLarge(); by > 0 {
			t.Errorf("%s scrolls sideways by %d px at 640 px with text of 200 %%", path, by)
		}
		b.as(desktop)
		b.shot("gallery" + strings.ReplaceAll(strings.TrimPrefix(path, "/gallery"), "/", "-"))
	}
	t.Logf("%d pages", len(g.Paths()))
}

// textTwiceAsLarge tells by how much the open page is too wide when its text is
// twice as large (WCAG 1.4.4), on a window of half a desktop's width.
func (b *tab) textTwiceAsLarge() int {
	b.t.Helper()
	b.as(look{width: 640, height: 900})
	eval[bool](b, `(document.documentElement.style.fontSize = '200%', true)`)
	by := b.sideways()
	eval[bool](b, `(document.documentElement.style.fontSize = '', true)`)
	return by
}
