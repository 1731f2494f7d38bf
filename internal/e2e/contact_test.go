package e2e

import (
	"regexp"
	"strings"
	"testing"
)

var stopAddress = regexp.MustCompile(`https?://\S+/contact/stop\?token=[\w-]+`)

// A member changes the telephone in the profile, and both old addresses hear of it;
// whoever reads the notice stops it in a browser that is not signed in. Recovery
// codes are offered on the dashboard and put away.
func TestAMemberChangesTheTelephone(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	b.expect("/dashboard", "If your phone is lost tomorrow")
	b.press(`form[action="/profile/recovery-codes/later"] button`)
	b.expect("/dashboard")
	if strings.Contains(b.text("main"), "If your phone is lost tomorrow") {
		t.Error("the offer came back")
	}

	before := d.mails(t)
	b.open("/profile/contact/phone")
	b.fill("address", "202 555 0199")
	b.press(`form[action="/profile/contact/phone"] button`)
	b.expect("/profile/contact/phone", "international form")
	b.fill("address", "+1 202 555 0199")
	b.press(`form[action="/profile/contact/phone"] button`)
	b.expect("/profile/contact/code", "0199")
	b.shot("contact-code")
	b.fill("code", d.newCode(t, before))
	b.press(`form[action="/profile/contact/code"] button:not(.quiet)`)
	b.expect("/profile/contact/phone", "changes to +12025550199")
	b.shot("contact-waiting")

	var links []string
	eventually(t, patience, "a notice to each old address", func() bool {
		links = nil
		for _, m := range d.mails(t) {
			if link := stopAddress.FindString(m.Text); link != "" {
				links = append(links, link)
			}
		}
		return len(links) == 2
	})
	b.open("/profile/contact/phone")
	b.press(signOutButton)
	b.open(links[0])
	b.expect("/contact/stop", "Stop this change?")
	b.shot("contact-link")
	b.press(`form[action="/contact/stop"] button`)
	b.expect("/contact/stop", "Nothing changes")
	b.open(links[1])
	b.expect("/contact/stop", "Nothing changes")
}
