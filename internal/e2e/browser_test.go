package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shared is the one browser process of all tests; each test has a browser
// context of its own in it, with its own cookies.
var shared browser

type browser struct {
	once   sync.Once
	ctx    context.Context
	cancel []context.CancelFunc
	err    error
	dir    string
}

// chromium finds the browser, or skips the test.
func chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("STANDFAST_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: apt-get install chromium")
	return ""
}

func (b *browser) start(path string) {
	if b.dir, b.err = os.MkdirTemp("", "standfast-browser-"); b.err != nil {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(patience), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(b.dir), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"), chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel2 := chromedp.NewContext(allocator)
	b.ctx, b.cancel = ctx, []context.CancelFunc{cancel2, cancel}
	b.err = chromedp.Do(ctx)
}

func (b *browser) close() {
	if b.ctx != nil {
		ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
		defer cancel()
		_ = chromedp.Cancel(ctx)
	}
	for _, cancel := range b.cancel {
		cancel()
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// view is how a page is looked at.
type look struct {
	width, height int64
	dark          bool
	noScript      bool
}

var (
	desktop = look{width: 1280, height: 900}
	phone   = look{width: 375, height: 812}
)

// tab is one tab in a browser context of its own. Its methods fail the test.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // of relative addresses
}

// patience bounds each step in a browser.
const patience = 90 * time.Second

func newTab(t testing.TB, base string, l look) *tab {
	t.Helper()
	path := chromium(t)
	shared.once.Do(func() { shared.start(path) })
	if shared.err != nil {
		t.Fatal("Chromium does not start: ", shared.err)
	}
	ctx, cancel := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: strings.TrimSuffix(base, "/")}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b.as(l)
	return b
}

// as sets size, theme and whether scripts run, from the next page on.
func (b *tab) as(l look) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(l.width, l.height))
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.noScript})
}

func command[P, R any](b *tab, c cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.failed(err)
	}
}

func value[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.failed(err)
	}
	return v
}

// eval evaluates an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return value(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// failed ends the test with a picture of what the browser showed, where pictures are wanted.
func (b *tab) failed(err error) {
	b.t.Helper()
	b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
	at, _ := chromedp.Run(b.ctx, chromedp.Location())
	body, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText.slice(0, 1500) : ""`))
	b.t.Fatalf("at %s: %v\n%s", at, err, body)
}

// open goes to an address and gives the answer's status.
func (b *tab) open(address string) int64 {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	return value(b, chromedp.NavigateResponse(address)).Status
}

// press clicks the first element that matches and waits for the page that follows.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.follow(chromedp.Click(chromedp.CSS(selector)))
}

// follow does a step that leads to another page and waits for that.
func (b *tab) follow(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, steps...); err != nil {
		b.failed(err)
	}
}

// fill replaces what stands in the field with this id.
func (b *tab) fill(id, text string) {
	b.t.Helper()
	field := chromedp.CSS("#" + id)
	b.do(chromedp.WaitVisible(field), chromedp.Evaluate[chromedp.Void](`document.getElementById("`+id+`").value = ""`), chromedp.SendKeys(field, text))
}

// tick clicks a box or a radio button.
func (b *tab) tick(id string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS("#" + id)))
}

// path gives the address without scheme and host.
func (b *tab) path() string {
	b.t.Helper()
	return strings.TrimPrefix(value(b, chromedp.Location()), b.base)
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(value(b, chromedp.Text(chromedp.CSS(selector))))
}

// expect fails unless the page is at the address and says all of these.
func (b *tab) expect(path string, says ...string) {
	b.t.Helper()
	if at := b.path(); !strings.HasPrefix(at, path) {
		b.failed(errorf("the address is %q and should begin with %q", at, path))
	}
	body := eval[string](b, `document.body.innerText`)
	for _, s := range says {
		if !strings.Contains(body, s) {
			b.failed(errorf("the page does not say %q", s))
		}
	}
}

// shot writes a picture of the whole page where STANDFAST_TEST_SHOTS names a folder.
func (b *tab) shot(name string) { b.picture(name, chromedp.FullScreenshot(100)) }

// window writes a picture of what the window shows.
func (b *tab) window(name string) { b.picture(name, chromedp.CaptureScreenshot()) }

func (b *tab) picture(name string, take chromedp.Action[[]byte]) {
	dir := os.Getenv("STANDFAST_TEST_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, take)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
	}
}

// sideways tells by how many pixels the page is wider than its window.
func (b *tab) sideways() int {
	b.t.Helper()
	return eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}
