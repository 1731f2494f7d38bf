package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// axeScript gives axe-core's source, or skips the test.
func axeScript(t testing.TB) string {
	t.Helper()
	path := os.Getenv("STANDFAST_TEST_AXE")
	if path == "" {
		t.Skip("no axe-core: make test fetches it with npm and sets STANDFAST_TEST_AXE")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The rules: WCAG 2.2 to level AA on everything, contrast to level AAA on
// amounts. With dark set, the colours alone: the structure was checked in light.
const axeRules = `async (dark) => {
	const contrast = ['color-contrast', 'color-contrast-enhanced', 'link-in-text-block'];
	const options = dark
		? {runOnly: {type: 'rule', values: contrast}}
		: {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']},
			rules: {'color-contrast-enhanced': {enabled: true}}};
	const {violations} = await axe.run(document, {...options, resultTypes: ['violations']});
	const counts = (rule, node) => rule !== 'color-contrast-enhanced' || document.querySelector(node.target.at(-1))?.closest('.amount');
	return violations
		.map(v => [v.id, v.nodes.filter(n => counts(v.id, n))])
		.filter(([, nodes]) => nodes.length)
		.map(([id, nodes]) => id + ': ' + nodes.map(n => n.target.join(' ') + ' — ' + n.failureSummary.replace(/\s+/g, ' ')).join('; '));
}`

// load brings axe into the open page, through the debugger: the page's content
// security policy lets no other script in, and stays on.
func (b *tab) load(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](script))
}

func (b *tab) violations(dark bool) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf("(%s)(%v)", axeRules, dark))
}

// axe checks the open page as it is shown.
func (b *tab) axe(script string) {
	b.t.Helper()
	b.load(script)
	for _, v := range b.violations(false) {
		b.t.Errorf("%s in light: %s", b.path(), v)
	}
}

// axeInBothThemes checks the open page in light and, for its colours, in dark.
func (b *tab) axeInBothThemes(script string, l look) {
	b.t.Helper()
	b.axe(script)
	dark := l
	dark.dark = true
	b.as(dark)
	for _, v := range b.violations(true) {
		b.t.Errorf("%s in dark: %s", b.path(), v)
	}
	b.as(l)
}

// A check that finds nothing has to be seen finding something.
func TestTheCheckFindsWhatIsWrong(t *testing.T) {
	script := axeScript(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; require-trusted-types-for 'script'")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Wrong</title><style>
			p { color: #707070; background: #fff }
			@media (prefers-color-scheme: dark) { .dark { color: #aaa } }
			</style><main><h1>Wrong</h1><p>Enough for text.</p><p class="amount">$1.00</p><p class="dark">Pale</p><input></main>`)
	}))
	defer s.Close()
	b := newTab(t, s.URL, desktop)
	b.open("/")
	b.load(script)
	light := strings.Join(b.violations(false), "\n")
	if !strings.Contains(light, "label: input") || !strings.Contains(light, "color-contrast-enhanced: .amount") || strings.Contains(light, ".dark") {
		t.Error("in light it found ", light)
	}
	b.as(look{width: 1280, height: 900, dark: true})
	if dark := strings.Join(b.violations(true), "\n"); !strings.Contains(dark, "color-contrast: .dark") {
		t.Error("in dark it found ", dark)
	}
}
