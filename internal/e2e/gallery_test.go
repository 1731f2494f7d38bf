package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	console "standfast/internal/core/console/gallery"
	portal "standfast/internal/core/portal/gallery"
	edge "standfast/internal/edge/page/gallery"
	standin "standfast/internal/standin/site/gallery"
)

// pages is what both galleries do: members' pages, and staff's.
type pages interface {
	http.Handler
	Paths() []string
}

func galleries(t testing.TB) map[string]pages {
	t.Helper()
	members, err := portal.New()
	if err != nil {
		t.Fatal(err)
	}
	staff, err := console.New()
	if err != nil {
		t.Fatal(err)
	}
	front, err := edge.New()
	if err != nil {
		t.Fatal(err)
	}
	second, err := standin.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]pages{"portal": members, "console": staff, "edge": front, "standin": second}
}

// Every page in every state, language and theme, without a violation and
// without a sideways scroll at the narrowest width that WCAG 1.4.10 names.
func TestEveryPageOfTheGallery(t *testing.T) {
	script := axeScript(t)
	for name, g := range galleries(t) {
		t.Run(name, func(t *testing.T) { everyPage(t, script, g) })
	}
}

func everyPage(t *testing.T, script string, g pages) {
	s := httptest.NewServer(g)
	defer s.Close()
	narrow := look{width: 320, height: 700}
	b := newTab(t, s.URL, desktop)
	for _, path := range g.Paths() {
		if status := b.open(path); status != 200 {
			t.Errorf("%s: %d", path, status)
			continue
		}
		if strings.Contains(path, "/en-US/") {
			b.axeInBothThemes(script, desktop)
		} else {
			b.axe(script) // colours are the same in every language
		}
		b.as(narrow)
		if by := b.sideways(); by > 0 {
			t.Errorf("%s scrolls sideways by %d px at 320 px", path, by)
		}
		if by := b.textTwiceAsLarge(); by > 0 {
			t.Errorf("%s scrolls sideways by %d px at 640 px with text of 200 %%", path, by)
		}
		b.as(desktop)
		b.shots("gallery" + strings.ReplaceAll(strings.TrimPrefix(path, "/gallery"), "/", "-"))
	}
	t.Logf("%d pages", len(g.Paths()))
}

// shots takes the open page's pictures on a desktop and on a phone at night, where
// somebody wants to see them.
func (b *tab) shots(name string) {
	if os.Getenv("STANDFAST_TEST_SHOTS") == "" {
		return
	}
	b.t.Helper()
	b.shot(name)
	b.as(look{width: 375, height: 812, dark: true})
	b.shot(name + "-phone-dark")
	b.as(desktop)
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
