package e2e

import (
	"strings"
	"testing"
)

// Whoever the issuer's files brought along sets up online access, from the sign-in
// page to the dashboard, with scripts and without.
func TestAnImportedMemberEnrols(t *testing.T) {
	chromium(t)
	for name, l := range map[string]look{"phone": phone, "desktop without scripts": {width: desktop.width, height: desktop.height, noScript: true}} {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t)
			b := newTab(t, d.Portal, l)
			b.open("/sign-in")
			b.press(`a[href="/enrol"]`)
			b.expect("/enrol", "Set up online access")
			b.fill("who", "demo-robin")
			b.fill("last4", "6402")
			b.fill("expires", "08/31")
			before := d.mails(t)
			b.press(`form[action="/enrol"] button`)
			at := b.path()
			b.fill("code", d.newCode(t, before))
			b.press(`form[action="` + at + `"] button`)
			b.expect(at+"/login", "Choose how you sign in")
			b.fill("new", "a heron counts eleven boats")
			b.fill("pin", "739152")
			b.press(`form[action="` + at + `/login"] button`)
			b.expect("/enrol/done", "Your online access is set up")
			b.shot("enrolled-" + strings.ReplaceAll(name, " ", "-"))
			b.press(`main a[href="/dashboard"]`)
			b.expect("/dashboard", "Everyday Card", "6402")
		})
	}
}
