package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// signInKnown types a member's password and wants to be let in without a code.
func (b *tab) signInKnown(d *demo, n int) {
	b.t.Helper()
	before := d.mails(b.t)
	b.open("/sign-in")
	b.fill("username", d.Members[n].Username)
	b.fill("password", d.Members[n].Password)
	b.press(signInButton)
	b.expect("/dashboard")
	if after := d.mails(b.t); len(after) != len(before) {
		b.t.Fatalf("%d messages were sent to a device that is known", len(after)-len(before))
	}
}

// hasKey tells whether the browser keeps a key, and that no script can read it out.
const hasKey = `(async () => {
	const answer = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await answer(indexedDB.open("standfast", 1));
	const kept = await answer(db.transaction("device-keys").objectStore("device-keys").get("us"));
	if (!kept) return "none";
	return crypto.subtle.exportKey("pkcs8", kept.key).then(() => "readable", () => "unreadable");
})()`

// A browser that is remembered is known by its key: it signs in without a code
// again and again. Its cookies in another profile are worth nothing, and when its
// storage is gone it is asked once.
func TestARememberedBrowserIsKnownByItsKey(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.open("/sign-in")
	b.signInByHand(d, 0, false) // the box is ticked already
	b.expect("/dashboard")
	if got := eval[string](b, hasKey); got != "unreadable" {
		t.Fatalf("the browser's key is %s", got)
	}
	for range 3 {
		b.press(signOutButton)
		b.signInKnown(d, 0)
	}

	b.press(signOutButton)
	thief := newTab(t, d.Portal, desktop)
	thief.take(b)
	thief.open("/sign-in")
	thief.fill("username", d.Members[0].Username)
	thief.fill("password", d.Members[0].Password)
	thief.press(signInButton)
	thief.expect("/sign-in/code", "somebody has copied its cookies")
	thief.shot("code-key-gone")

	b.signInKnown(d, 0)
	b.press(signOutButton)
	b.open("/sign-in")
	eval[string](b, `new Promise((done) => { const r = indexedDB.deleteDatabase("standfast"); r.onsuccess = () => done("gone"); r.onblocked = () => done("gone"); })`)
	b.signInByHand(d, 0, false)
	b.expect("/dashboard")
	b.press(signOutButton)
	b.signInKnown(d, 0)
}

// Without scripts a browser that never had a key is known by its cookie.
func TestWithoutScriptsTheCookieIsEnough(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, look{width: 1280, height: 900, noScript: true})
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.expect("/dashboard")
	b.press(signOutButton)
	b.signInKnown(d, 0)
	// Scripts on: the key is bound in passing, and from then on it is wanted.
	b.as(desktop)
	b.press(signOutButton)
	b.signInKnown(d, 0)
	b.press(signOutButton)
	b.signInKnown(d, 0)
	b.as(look{width: 1280, height: 900, noScript: true})
	b.press(signOutButton)
	b.open("/sign-in")
	b.fill("username", d.Members[0].Username)
	b.fill("password", d.Members[0].Password)
	b.press(signInButton)
	b.expect("/sign-in/code", "when scripts are off")
}

// take copies another browser's cookies, all of them, as a thief would.
func (b *tab) take(from *tab) {
	b.t.Helper()
	got, err := chromedp.Call(from.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{from.base}})
	if err != nil {
		b.t.Fatal(err)
	}
	taken, yes := 0, true
	for _, c := range got.Cookies {
		if strings.Contains(c.Name, "_flow_") {
			continue // each browser begins an attempt of its own
		}
		command(b, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: from.base, HTTPOnly: &yes, SameSite: c.SameSite})
		taken++
	}
	if taken == 0 {
		b.t.Fatal("there was no cookie to take")
	}
}

// A session warns before it ends and goes on for whoever says so; past its end
// the page says what happens to what was typed.
func TestASessionWarnsBeforeItEnds(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, phone)
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.open("/profile")
	later := func(minutes int) {
		eval[bool](b, fmt.Sprintf(`(() => { const real = Date.now; Date.now = () => real() + %d * 60_000; document.dispatchEvent(new Event("visibilitychange")); return true; })()`, minutes))
	}
	open := func() bool { return eval[bool](b, `document.getElementById("session-end").open`) }
	if open() {
		t.Fatal("the warning stands there from the beginning")
	}
	later(59)
	if !open() || !eval[bool](b, `document.activeElement.closest("#session-stay") !== null`) {
		t.Fatal("nobody was warned, or the button to stay has no focus")
	}
	b.shot("session-warning")
	if os.Getenv("STANDFAST_TEST_AXE") != "" {
		b.axeInBothThemes(axeScript(t), phone)
	}
	b.do(chromedp.Click(chromedp.CSS("#session-stay button")))
	eval[bool](b, `new Promise((done) => { const wait = () => document.getElementById("session-end").open ? setTimeout(wait, 20) : done(true); wait(); })`)
	later(61)
	if words := eval[string](b, `document.getElementById("session-end").innerText`); !strings.Contains(words, "You have been signed out") {
		t.Fatalf("past the end it says %q", words)
	}
}
