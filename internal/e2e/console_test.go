package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// What the console's pages have.
const (
	staffMake    = `[data-passkey=create] button`
	staffSignIn  = `[data-passkey=get] button`
	staffSignOut = `form[action="/sign-out"] button`
	staffSubmit  = `main form button.button`
)

// The first operator opens the link of the demo, makes a passkey, invites an agent
// of a supplier, and comes back by passkey. The pages are held to what members'
// pages are held to.
func TestAnOperatorRunsTheConsole(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Console, desktop)
	b.authenticator()
	link := strings.TrimPrefix(d.Operators[0].SetUp, strings.TrimSuffix(d.Console, "/"))
	b.open(link)
	b.looked("console-set-up")
	b.fill("name", "Olga Operator")
	b.press(staffMake)
	b.expect("/people", "Olga Operator")

	b.open("/organisations")
	b.fill("name", "Northern Call Centre Ltd")
	b.press(staffSubmit)
	b.expect("/organisations", "Northern Call Centre Ltd")
	b.looked("console-organisations")

	b.open("/people/invite")
	b.looked("console-invite")
	b.fill("name", "Sam Agent")
	eval[bool](b, `(document.getElementById('organisation').selectedIndex = 1, document.getElementById('until').value = '`+
		time.Now().AddDate(0, 0, 30).Format(time.DateOnly)+`', true)`)
	b.press(staffSubmit)
	b.expect("/people/invite", "/set-up/")
	b.looked("console-link")

	b.open("/people")
	b.looked("console-people")
	b.press(`tbody tr:last-child a`)
	b.expect("/people/", "Northern Call Centre Ltd")
	b.looked("console-person")
	b.open("/passkeys")
	b.looked("console-passkeys")

	b.press(staffSignOut)
	b.expect("/sign-in")
	b.looked("console-sign-in")
	b.open("/people")
	b.press(staffSignIn)
	b.expect("/people", "Sam Agent")
	if status := b.open(link); status != 404 {
		t.Errorf("the link works again: %d", status)
	}
	b.expect("/set-up/", "does not work any more")
	b.looked("console-link-over")
}

// looked holds the open page to axe, where it is there, and to the widths that
// people have, and takes its picture.
func (b *tab) looked(name string) {
	b.t.Helper()
	if os.Getenv("STANDFAST_TEST_AXE") != "" {
		b.axeInBothThemes(axeScript(b.t), desktop)
	}
	b.shot(name)
	for _, l := range []look{{width: 320, height: 700}, {width: 375, height: 812, dark: true}} {
		b.as(l)
		if by := b.sideways(); by > 0 {
			b.t.Errorf("%s scrolls sideways by %d px at %d px", name, by, l.width)
		}
	}
	b.shot(name + "-phone-dark")
	b.as(desktop)
}

// A member's cookies open nothing at the console, and staff's open nothing at the
// member portal.
func TestMembersAndStaffKeepApart(t *testing.T) {
	d := startDemo(t)
	c := signIn(t, d, 0)
	for _, address := range []string{d.Console + "people", d.Console + "api/v1/session", d.Console + "dashboard"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.token)
		r.AddCookie(&http.Cookie{Name: "sf_us_session_v1", Value: c.token})
		r.AddCookie(&http.Cookie{Name: "sf_us_staff_session_v1", Value: c.token})
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 404 && !strings.HasPrefix(answer.Header.Get("Location"), "/sign-in") {
			t.Errorf("%s: %d", address, answer.StatusCode)
		}
	}
}
