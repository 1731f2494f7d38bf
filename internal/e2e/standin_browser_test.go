package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// atStandin opens an address again and again until the stand-in's page comes.
func (b *tab) atStandin(address string) {
	b.t.Helper()
	eventually(b.t, time.Minute, "stand-in's page", func() bool {
		b.open(address)
		return eval[bool](b, `!!document.querySelector('link[href*="standin."]')`)
	})
}

// atCore opens an address again and again until core's page comes.
func (b *tab) atCore(address string) {
	b.t.Helper()
	eventually(b.t, 3*time.Minute, "core's page", func() bool {
		b.open(address)
		return eval[bool](b, `!document.querySelector('link[href*="standin."]') && !!document.querySelector('link[href*="app."]')`)
	})
}

// cardPath is where the member's first card is.
func (b *tab) cardPath() string {
	b.t.Helper()
	return eval[string](b, `new URL(document.querySelector('main a[href^="/accounts/"]').href).pathname`)
}

// While core hangs, a member signs in at the stand-in with the passkey that core knows,
// freezes the card and pays it in two presses of one button; once core goes on, the
// session is the same, the card is frozen and there is one payment.
func TestAPasskeySignsInAtTheStandIn(t *testing.T) {
	chromium(t)
	t.Parallel()
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.authenticator()
	b.withoutOffers()
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	b.addPasskey("My laptop")
	b.press(signOutButton)
	d.standinKnows(t)
	d.signal(t, "core", syscall.SIGSTOP)

	b.atStandin("/sign-in")
	b.shot("standin-sign-in")
	b.press(passkeySignIn)
	b.expect("/dashboard", "As of")
	b.shot("standin-dashboard")
	card := b.cardPath()
	b.open(card + "/freeze")
	b.press(fmt.Sprintf(`form[action="%s/freeze"] button`, card))
	b.expect(card)
	b.open("/pay?account=" + strings.TrimPrefix(card, "/accounts/"))
	b.fill("amount", "25.00")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('input[name=method]').checked = true`))
	b.press(reviewButton)
	b.expect("/pay/review", "$25.00")
	b.follow(chromedp.Evaluate[chromedp.Void](`{ const pay = document.querySelector('form[action="/pay"] button'); pay.click(); pay.click(); }`))
	b.expect("/pay/done/", "$25.00")
	b.shot("standin-paid")
	number := b.text(".figure-code")

	d.signal(t, "core", syscall.SIGCONT)
	b.atCore(card)
	eventually(t, time.Minute, "frozen card", func() bool {
		b.open(card)
		return strings.Contains(b.text("main"), "Frozen")
	})
	eventually(t, time.Minute, "payment at core", func() bool { return b.paymentsOf("$25.00") == 1 })
	b.expect("/payments", number)
}

// Core stops between a payment's review and its button: the member reads of the payment
// with its number after some seconds, and sending the same form again leads to
// the same one.
func TestAFormThatCoreDoesNotAnswerPaysOnce(t *testing.T) {
	chromium(t)
	t.Parallel()
	d := startDemo(t)
	b := newTab(t, d.Portal, phone)
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	b.reviewed("25.00")
	form := b.path()
	d.standinKnows(t)
	d.signal(t, "core", syscall.SIGSTOP)
	b.press(payButton)
	b.expect("/pay/done/", "$25.00")
	number := b.text(".figure-code")
	b.open(form)
	b.press(payButton)
	b.expect("/pay/done/", number)
	if n := b.paymentsOf("$25.00"); n != 1 {
		t.Errorf("%d payments", n)
	}
	d.signal(t, "core", syscall.SIGCONT) // it must end with its test
}
