package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"standfast/internal/dbtest"
)

// What recovering a password adds to the pages.
const (
	recoverSendButton = `form[action="/recover"] button[value=yes]`
	recoverOwnButton  = `form[action="/recover"] button[value=""]`
	recoverGoOn       = `form[action^="/recover/"] .actions > button:not([type=button])`
	recoverPasskey    = `form[action^="/recover/"] [data-passkey=get] button`
	recoverSet        = `form[action$="/password"] button`
	newPassword       = "a heron waits for the tide"
)

// A member who has forgotten the password proves telephone and mailbox, sets
// another, and signs in with it; and whoever asks for a name that is nobody's is
// shown the same bytes. On SQLite, without scripts.
func TestAForgottenPasswordIsRecoveredByTwoMessages(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, look{width: 375, height: 812, noScript: true})
	who := d.Members[0]
	b.open("/sign-in")
	b.press(`a[href="/recover"]`)
	b.fill("username", who.Username)
	first := d.mails(t)
	b.press(recoverSendButton)
	for range 3 { // a machine whose disk stalls says so, and that nothing was changed
		if b.path() == "/recover" {
			b.press(recoverSendButton)
		}
	}
	b.expect("/recover/", "Prove that it is you")
	code := d.newCode(t, first)
	second := d.mails(t)
	b.fill("code", code)
	b.press(recoverGoOn)
	b.expect("/recover/", "One more proof")
	b.fill("code", d.newCode(t, second))
	b.press(recoverGoOn)
	b.expect("/recover/", "Choose a new password")
	b.fill("new", newPassword)
	told := len(d.mails(t))
	b.press(recoverSet)
	b.expect("/recover/done", "Your new password is set")
	eventually(t, patience, "notices to the telephone and the mailbox", func() bool { return len(d.mails(t)) >= told+2 })
	d.Members[0].Password = newPassword
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.expect("/dashboard")

	if known, nobody := d.recoveryPages(t, who.Username), d.recoveryPages(t, "nobody-"+who.Username); known != nobody {
		at := 0
		for at < min(len(known), len(nobody)) && known[at] == nobody[at] {
			at++
		}
		t.Errorf("a member's pages differ from nobody's: %.200q, %.200q", known[max(0, at-50):], nobody[max(0, at-50):])
	}
}

// drawn is what stands in a page by chance: ids, references, what a passkey is to
// sign, and times; and the ways to send again, which appear after some seconds.
var drawn = regexp.MustCompile(`(?s)<section class="fields" aria-labelledby="ways-title">.*?</section>|[0-9a-f]{8}-[0-9a-f-]{27}|\d{3}\x{a0}\d{3}\x{a0}\d{4}|data-options="[^"]*"|data-device-nonce="[^"]*"|value="[A-Za-z0-9_-]{40,}"|\d{1,2}:\d\d`)

// recoveryPages gives all that somebody sees who knows no more than a user name,
// without what is drawn by chance, and without the name.
func (d *demo) recoveryPages(t *testing.T, name string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	var seen strings.Builder
	at := d.Portal + "/recover"
	for _, form := range []url.Values{{"username": {name}, "send": {"yes"}}, {"code": {"000000"}}, {"code": {"abc"}}} {
		q, err := http.NewRequest(http.MethodPost, at, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("User-Agent", "Mozilla/5.0")
		q.Header.Set("Sec-Fetch-Site", "same-origin")
		a, err := c.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if form.Has("username") {
			at = a.Request.URL.String()
		}
		seen.WriteString(a.Status + "\n" + strings.ReplaceAll(drawn.ReplaceAllString(string(page), "…"), name, "NAME") + "\n")
	}
	return seen.String()
}

// A passkey is enough by itself; and a member who signed in by it alone sets a
// new password without the old one. On PostgreSQL.
func TestAForgottenPasswordIsRecoveredByPasskey(t *testing.T) {
	chromium(t)
	d := startDemo(t, "--database", dbtest.PostgreSQLURL(t))
	b := newTab(t, d.Portal, desktop)
	b.authenticator()
	b.withoutOffers()
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.addPasskey("My laptop")
	b.press(signOutButton)

	b.open("/recover")
	b.fill("username", d.Members[0].Username)
	b.press(recoverOwnButton)
	b.expect("/recover/", "Prove that it is you")
	b.press(recoverPasskey)
	b.expect("/recover/", "Choose a new password")
	b.fill("new", newPassword)
	b.press(recoverSet)
	b.expect("/recover/done", "Your new password is set")

	b.open("/sign-in")
	b.press(passkeySignIn)
	b.expect("/dashboard")
	b.open("/profile/password")
	b.fill("new", newPassword+" again")
	b.press(`form[action="/profile/password"] button`)
	b.expect("/profile/password/done")
}
