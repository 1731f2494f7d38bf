package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// What passkeys add to the pages.
const (
	passkeySignIn = `form[action="/sign-in/passkey"] button[type=button]`
	passkeyMake   = `form[action="/profile/passkeys/add"] [data-passkey=create] button`
	passkeyAdd    = `form[action="/profile/passkeys/add"] button`
	passkeyPay    = `form[action="/pay/code"] [data-passkey=get] button`
)

// authenticator gives the tab's browser an authenticator of its own: the device's,
// which verifies its user and keeps what signs in without a user name.
func (b *tab) authenticator() webauthn.AuthenticatorID {
	b.t.Helper()
	command(b, webauthn.Enable, webauthn.EnableParams{})
	got, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return got.AuthenticatorID
}

// withoutOffers keeps the pages from now on from offering passkeys by themselves,
// which the authenticator would take at once.
func (b *tab) withoutOffers() {
	b.t.Helper()
	command(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false;`})
}

// addPasskey adds a passkey in the profile, under a name.
func (b *tab) addPasskey(name string) {
	b.t.Helper()
	b.open("/profile/passkeys")
	b.press(passkeyAdd)
	b.expect("/profile/passkeys/add")
	b.fill("name", name)
	b.press(passkeyMake)
	b.expect("/profile/passkeys?done=added", name)
}

// A member adds a passkey, signs in with it and nothing else, and pays 650 dollars
// with it; there is one code in the mailbox for signing in and none was needed to pay.
func TestAMemberUsesAPasskey(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.authenticator()
	b.withoutOffers()
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.addPasskey("My laptop")
	b.shot("passkeys")
	b.press(signOutButton)

	before := len(d.mails(t))
	b.open("/sign-in")
	b.shot("sign-in-passkey")
	b.press(passkeySignIn)
	b.expect("/dashboard")
	if n := len(d.mails(t)) - before; n != 0 {
		t.Fatalf("%d messages were sent to somebody with a passkey", n)
	}

	b.reviewed("650.00")
	b.press(payButton)
	b.expect("/pay/code", "$650.00")
	b.shot("pay-passkey")
	b.press(passkeyPay)
	b.expect("/pay/done/", "$650.00")

	// A browser that has lost its key gets another one with a passkey and the box
	// ticked. The member is told, and it is known again.
	b.press(signOutButton)
	b.open("/sign-in")
	eval[string](b, `new Promise((done) => { const r = indexedDB.deleteDatabase("standfast"); r.onsuccess = () => done("gone"); r.onblocked = () => done("gone"); })`)
	b.do(chromedp.Click(chromedp.CSS("#passkey-trust")))
	b.press(passkeySignIn)
	b.expect("/dashboard")
	if got := eval[string](b, hasKey); got != "unreadable" {
		t.Fatalf("signing in by passkey left the browser with a key that is %s", got)
	}
	b.press(signOutButton)
	b.signInKnown(d, 0)
}

// The browser offers the passkey where the user name is typed.
func TestTheBrowserOffersPasskeysByItself(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.authenticator()
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.addPasskey("My laptop")
	b.press(signOutButton)
	b.open("/sign-in")
	eventually(t, patience, "sign-in from the list of passkeys", func() bool { return b.path() == "/dashboard" })
}

// Whoever stops the browser's question, or whose device does not know them, is told
// so, and can still sign in as before.
func TestAPasskeyThatIsNotGivenLeavesThePageAsItWas(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	key := b.authenticator()
	b.withoutOffers()
	b.open("/sign-in")
	b.signInByHand(d, 0, false)
	b.addPasskey("My laptop")
	b.press(signOutButton)
	command(b, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: key})
	b.open("/sign-in")
	b.do(chromedp.Click(chromedp.CSS(passkeySignIn)))
	eventually(t, patience, "sentence that it did not work", func() bool {
		return eval[bool](b, `!document.querySelector('.passkey .problem').hidden`)
	})
	b.expect("/sign-in")
	b.shot("sign-in-passkey-stopped")
	b.signInKnown(d, 0)
}

// 100 sign-ins from one device: one code.
func TestAHundredSignInsFromOneDeviceNeedOneCode(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.authenticator()
	b.withoutOffers()
	b.open("/sign-in")
	b.signInByHand(d, 0, false) // the box that remembers the device is ticked already
	b.addPasskey("My laptop")
	for n := 2; n <= 100; n++ {
		b.press(signOutButton)
		b.expect("/signed-out")
		b.open("/sign-in")
		if n%2 == 0 {
			b.fill("username", d.Members[0].Username)
			b.fill("password", d.Members[0].Password)
			b.press(signInButton)
		} else {
			b.press(passkeySignIn)
		}
		b.expect("/dashboard")
	}
	codes := 0
	for _, m := range d.mails(t) {
		if m.Code != "" {
			codes++
		}
	}
	if codes != 1 {
		t.Fatalf("%d codes in the mailbox", codes)
	}
}
