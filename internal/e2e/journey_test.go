package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Buttons and links, by what they do.
const (
	signInButton  = `form[action="/sign-in"] button`
	codeButton    = `form[action="/sign-in/code"] button`
	signOutButton = `form[action="/sign-out"] button`
	payLink       = `main a[href^="/pay?account="]`
	reviewButton  = `form[action="/pay/review"] button`
	payButton     = `form[action="/pay"] button:not(.quiet)`
)

// signInByHand types a member's password and, where it is asked for, the code.
func (b *tab) signInByHand(d *demo, n int, trust bool) {
	b.t.Helper()
	before := d.mails(b.t)
	who := d.Members[n]
	b.fill("username", who.Username)
	b.fill("password", who.Password)
	b.press(signInButton)
	if !strings.HasPrefix(b.path(), "/sign-in/code") {
		return
	}
	b.fill("code", d.newCode(b.t, before))
	if trust {
		b.tick("trust")
	}
	b.press(codeButton)
}

var confirmation = regexp.MustCompile(`[0-9A-Z]{4}[ -][0-9A-Z]{4}[ -][0-9A-Z]{4}`)

// The main job, with and without scripts, on a desk and on a telephone: sign in,
// pay (after a mistake), reload the receipt, sign out, and come back without a code.
func TestAMemberSignsInPaysAndComesBack(t *testing.T) {
	chromium(t)
	for name, l := range map[string]look{
		"desktop": desktop, "phone": phone,
		"desktop without scripts": {width: desktop.width, height: desktop.height, noScript: true},
		"phone without scripts":   {width: phone.width, height: phone.height, noScript: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t)
			b := newTab(t, d.Portal, l)
			b.open("/dashboard")
			b.expect("/sign-in")
			b.signInByHand(d, 0, true)
			b.expect("/dashboard", "Everyday Card", "High Yield Savings")
			b.shot("dashboard-" + strings.ReplaceAll(name, " ", "-"))
			b.payAfterAMistake(l)
			b.reloadReceipt()
			b.press(signOutButton)
			b.expect("/signed-out")
			b.open("/dashboard")
			b.expect("/sign-in")
			b.signInByHand(d, 0, false)
			b.expect("/dashboard") // the remembered device was not asked for a code
		})
	}
}

// payAfterAMistake asks for a negative amount, is told so with what was typed
// still there, and then pays 25 dollars.
func (b *tab) payAfterAMistake(l look) {
	b.t.Helper()
	b.press(payLink)
	b.expect("/pay?account=")
	b.tick("what-amount")
	b.fill("amount", "-5")
	b.press(reviewButton)
	b.expect("/pay")
	if typed := eval[string](b, `document.getElementById('amount').value`); typed != "-5" {
		b.failed(errorf("what was typed is gone: %q", typed))
	}
	if !l.noScript && !eval[bool](b, `document.activeElement.matches('.errors')`) {
		b.failed(errorf("the summary of errors has no focus"))
	}
	if link := eval[string](b, `document.querySelector('.errors a').getAttribute('href')`); link != "#amount" {
		b.failed(errorf("the error leads to %q", link))
	}
	b.fill("amount", "25.00")
	b.press(reviewButton)
	b.expect("/pay/review", "$25.00")
	b.press(payButton)
	b.expect("/pay/done/", "$25.00")
	if !confirmation.MatchString(b.text(".figure-code")) {
		b.failed(errorf("no confirmation number"))
	}
}

// reloadReceipt reloads and leaves and comes back: the receipt is a page, not the answer to a form.
func (b *tab) reloadReceipt() {
	b.t.Helper()
	at, number := b.path(), b.text(".figure-code")
	b.follow(chromedp.Reload())
	b.expect(at, number)
	b.open("/payments")
	b.open(at)
	b.expect(at, number)
	if n := b.paymentsOf("$25.00"); n != 1 {
		b.failed(errorf("the history has %d payments of $25.00", n))
	}
}

// paymentsOf counts an amount in the payment history.
func (b *tab) paymentsOf(amount string) int {
	b.t.Helper()
	b.open("/payments")
	return eval[int](b, fmt.Sprintf(`[...document.querySelectorAll('main li, main tr')].filter(e => e.innerText.includes(%q)).length`, amount))
}

// reviewed opens the review of a payment of an amount.
func (b *tab) reviewed(amount string) {
	b.t.Helper()
	b.open("/dashboard")
	b.press(payLink)
	b.tick("what-amount")
	b.fill("amount", amount)
	b.press(reviewButton)
	b.expect("/pay/review")
}

// A double click, with and without the script that guards against it, and going
// back and sending the same form again: one payment.
func TestPayingTwiceByMistakePaysOnce(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	for i, noScript := range []bool{false, true} {
		t.Run(fmt.Sprintf("scripts off %v", noScript), func(t *testing.T) {
			amount := fmt.Sprintf("%d.17", 31+i)
			b := newTab(t, d.Portal, look{width: 1280, height: 900, noScript: noScript})
			b.open("/sign-in")
			b.signInByHand(d, i, true)
			b.reviewed(amount)
			form := b.path()
			b.follow(chromedp.DoubleClick(chromedp.CSS(payButton)))
			b.expect("/pay/done/", "$"+amount)
			first := b.text(".figure-code")
			b.open(form)
			b.press(payButton)
			b.expect("/pay/done/", first)
			if n := b.paymentsOf("$" + amount); n != 1 {
				t.Errorf("%d payments", n)
			}
		})
	}
}

// From the dashboard to the receipt with the keyboard alone, in at most 20 keys.
func TestPayingWithTheKeyboardAlone(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, desktop)
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	b.expect("/dashboard")
	keys := 0
	press := func(key string) { keys++; b.do(chromedp.KeyEvent(key)) }
	// reach skips to the main part, goes to what matches, and presses some keys and Enter there.
	reach := func(selector string, then ...string) {
		press(kb.Tab)
		press(kb.Enter)
		for press(kb.Tab); !eval[bool](b, `document.activeElement.matches('`+selector+`')`); press(kb.Tab) {
			if keys > 40 {
				b.failed(errorf("no way to %s", selector))
			}
		}
		for _, key := range then {
			press(key)
		}
		keys++
		b.follow(chromedp.KeyEvent(kb.Enter))
	}
	reach(`main a[href^="/pay?account="]`)
	b.expect("/pay?account=")
	// The one bank account and today stand already; the minimum is one key above
	// the statement balance, and needs no code. Enter in the form sends it.
	reach(`main input`, kb.ArrowUp)
	b.expect("/pay/review")
	reach(`form[action="/pay"] button`)
	if strings.HasPrefix(b.path(), "/pay/code") {
		b.failed(errorf("a code was asked for"))
	}
	b.expect("/pay/done/")
	if keys > 20 {
		t.Errorf("%d keys", keys)
	}
	t.Logf("%d keys", keys)
}

// The pages as they are served (with their headers, unlike the gallery's), in
// both themes, on a telephone.
func TestServedPagesHaveNoViolation(t *testing.T) {
	script := axeScript(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, phone)
	for _, path := range []string{"/", "/help", "/security", "/sign-in", "/nowhere"} {
		b.open(path)
		b.axeInBothThemes(script, phone)
	}
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	account := eval[string](b, `document.querySelector('main a[href^="/accounts/"]').getAttribute('href')`)
	for _, path := range []string{"/dashboard", account, "/pay", "/payments", "/payment-methods", "/payment-methods/add-bank-account",
		"/transfer", "/profile", "/profile/password", "/profile/devices"} {
		if status := b.open(path); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
		b.axeInBothThemes(script, phone)
		if by := b.sideways(); by > 0 {
			t.Errorf("%s scrolls sideways by %d px", path, by)
		}
		b.shot("phone" + strings.ReplaceAll(path, "/", "-"))
	}
}

// docs/*.png. Not run unless STANDFAST_TEST_SHOTS says where to; see scripts/screenshots.sh.
func TestPicturesForTheDocuments(t *testing.T) {
	chromium(t)
	d := startDemo(t)
	b := newTab(t, d.Portal, look{width: 1280, height: 860})
	b.open("/sign-in")
	b.signInByHand(d, 0, true)
	b.expect("/dashboard")
	b.window("dashboard")
	b.as(look{width: 375, height: 812, dark: true})
	b.window("dashboard-phone-dark")
}
