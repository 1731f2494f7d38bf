package e2e

import (
	"fmt"
	"os"
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

// The rules: WCAG 2.2 to level AA on everything; contrast to level AAA on amounts.
const axeRun = `(async () => {
	const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
	const all = (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})).violations;
	if (document.querySelector('.amount')) {
		const strict = {runOnly: {type: 'rule', values: ['color-contrast-enhanced']}, resultTypes: ['violations']};
		all.push(...(await axe.run({include: [['.amount']]}, strict)).violations);
	}
	return all.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' — ' + n.failureSummary.replace(/\s+/g, ' ')).join('; '));
})()`

// The colours alone, for the second theme of a page whose structure was checked.
const axeContrast = `(async () => {
	const rules = {runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}, resultTypes: ['violations']};
	const all = (await axe.run(document, rules)).violations;
	if (document.querySelector('.amount')) {
		const strict = {runOnly: {type: 'rule', values: ['color-contrast-enhanced']}, resultTypes: ['violations']};
		all.push(...(await axe.run({include: [['.amount']]}, strict)).violations);
	}
	return all.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' — ' + n.failureSummary.replace(/\s+/g, ' ')).join('; '));
})()`

// axe checks the page that is open. The script comes in through the debugger:
// the page's content security policy lets no other script in, and stays on.
func (b *tab) axe(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](script))
	b.report("light", eval[[]string](b, axeRun))
}

func (b *tab) report(theme string, violations []string) {
	b.t.Helper()
	for _, v := range violations {
		b.t.Errorf("%s in %s: %s", b.path(), theme, v)
	}
}

// axeInBothThemes checks the open page in light and, for its colours, in dark.
func (b *tab) axeInBothThemes(script string, l look) {
	b.t.Helper()
	b.axe(script)
	dark := l
	dark.dark = true
	b.as(dark)
	b.report("dark", eval[[]string](b, axeContrast))
	b.as(l)
}
