package e2e

import (
	"strings"
	"testing"
)

// A member who has lost every way in begins at the portal, an agent and a
// supervisor say yes at the console, each by passkey, a code goes to the new
// telephone number, and the new password signs in. The member's pages need no script.
func TestAMemberWhoLostEverythingIsLetBackIn(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	chief := newTab(t, d.Console, desktop)
	chief.authenticator()
	chief.open(strings.TrimPrefix(d.Operators[0].SetUp, strings.TrimSuffix(d.Console, "/")))
	chief.fill("name", "Olga Operator")
	chief.press(staffMake)
	chief.expect("/people")
	agent, boss := chief.colleague(d, "Ann Agent", "agent"), chief.colleague(d, "Bo Supervisor", "supervisor")

	who := d.Members[0]
	b := newTab(t, d.Portal, look{width: 375, height: 812, noScript: true})
	b.open("/recover/help")
	b.fill("username", who.Username)
	b.press(`form[action="/recover/help"] button.button`)
	b.expect("/recover-help/", "Now call us")
	page := b.path()
	reference := strings.ReplaceAll(b.text(`dl.facts div:nth-child(2) dd`), " ", "")

	agent.open("/cases")
	agent.fill("reference", reference)
	agent.press(`form[action="/cases/find"] button`)
	agent.expect("/cases/new", "What was checked")
	agent.tick("proofs-document-seen")
	agent.tick("proofs-call-back")
	agent.fill("phone", "+1 202 555 0177")
	agent.press(`form[action="/cases/new"] button.button`)
	agent.expect("/cases/new", "Is this right?")
	agent.press(staffSignIn)
	agent.expect("/cases/", "Submitted. A supervisor decides.")

	before := d.mails(t)
	boss.open(strings.TrimPrefix(agent.path(), strings.TrimSuffix(d.Console, "/")))
	boss.press(`form[action$="/approve"] [data-passkey=get] button`)
	boss.expect("/cases/", "Approved.")
	code := d.newCode(t, before)

	b.open(page)
	b.expect("/recover-help/", "0177")
	b.fill("code", code)
	b.press(`form[action$="/code"] button.button`)
	b.expect("/recover-help/", "Set a new password")
	b.fill("new", newPassword)
	b.press(recoverSet)
	b.expect("/recover-help-done", "Your new password is set")
	d.Members[0].Password = newPassword
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.expect("/dashboard")
}

// colleague invites somebody, who sets up in a browser of their own.
func (b *tab) colleague(d *demo, name, role string) *tab {
	b.t.Helper()
	b.open("/people/invite")
	b.fill("name", name)
	eval[bool](b, `(document.getElementById('role').value = '`+role+`', true)`)
	b.press(staffSubmit)
	b.expect("/people/invite", "/set-up/")
	link := strings.TrimSpace(b.text(`p.secret`))
	other := newTab(b.t, d.Console, desktop)
	other.authenticator()
	other.open(link[strings.Index(link, "/set-up/"):])
	other.press(staffMake)
	other.expect("/cases")
	return other
}
