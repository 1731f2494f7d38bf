package portal

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every page that asks for a code can be asked what became of it, sends it again
// by another channel, and still is the page of the same action.
func TestEveryCodePageSendsAgain(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		b.signIn("ada", "/dashboard")
		h.clock.Advance(11 * time.Minute) // the sign-in's code spares no step-up any more

		review := b.get("/pay/review?" + amount(b.follow(b.get("/pay")).form("/pay/review"), "600.00").Encode())
		pay := b.follow(b.post("/pay", review.form("/pay")))
		payCode := b.newCode()
		add := b.get("/payment-methods/add-bank-account").form("/payment-methods/add-bank-account")
		for name, v := range map[string]string{"holder": "Ada Lovelace", "routing": "021000021", "account": "12345678"} {
			add.Set(name, v)
		}
		method := b.post("/payment-methods/add-bank-account", add)
		methodCode := b.newCode()

		stranger := h.browser()
		form := stranger.get("/sign-in").form("/sign-in")
		form.Set("username", "ada")
		form.Set("password", password)
		signIn := stranger.follow(stranger.post("/sign-in", form))
		signInCode := b.newCode()

		b.codePageSendsAgain(pay, payCode, "/pay/code/resend", "$600.00")
		b.codePageSendsAgain(method, methodCode, "/payment-methods/add-bank-account/code/resend", "5678")
		stranger.codePageSendsAgain(signIn, signInCode, "/sign-in/code/resend", "Enter")
	})
}

// codePageSendsAgain plays one page: the code has not arrived, then comes by a call.
func (b *browser) codePageSendsAgain(p page, code, again, says string) {
	b.Helper()
	look := p.form(again)
	want(b, again+": a form that asks for the state", look.Get("look"), "1")
	b.clock.Advance(15 * time.Second)
	p = b.arrive(b.post(again, look))
	call := p.form(again)
	if call.Get("channel") != "voice" || !strings.Contains(p.body, says) {
		b.Fatalf("%s: after 15 seconds the page offers %v and says %q", again, call, p.heading())
	}
	b.mail.mu.Lock()
	b.mail.code = ""
	b.mail.mu.Unlock()
	p = b.arrive(b.post(again, call))
	want(b, again+": the code of the call", b.newCode(), code)
	if !strings.Contains(p.body, "We sent your code again") || !strings.Contains(p.body, says) {
		b.Errorf("%s: the page says %q", again, p.heading())
	}
	p = b.arrive(b.post(again, call))
	want(b, again+": at once a second time", p.StatusCode, http.StatusTooManyRequests)
}

// arrive follows a 303, where the answer is one.
func (b *browser) arrive(p page) page {
	b.Helper()
	if p.StatusCode == http.StatusSeeOther {
		return b.follow(p)
	}
	return p
}

func TestMembersChooseTheirWays(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		b.signIn("ada", "/profile/codes")
		form := b.get("/profile/codes").form("/profile/codes")
		want(h, "what comes first", form.Get("first"), "text")
		form.Set("first", "voice")
		form.Set("by-itself", "yes")
		form.Del("email")
		saved := b.follow(b.post("/profile/codes", form))
		form = saved.form("/profile/codes")
		if form.Get("first") != "voice" || form.Get("by-itself") != "yes" || form.Has("email") || !strings.Contains(saved.body, "Saved") {
			h.Fatal(form)
		}
		if !strings.Contains(saved.body, "Codes of the last 30 days") || !strings.Contains(saved.body, "One message") {
			h.Error("the code of the sign-in is not in the list")
		}
	})
}

func TestTheDashboardTellsOfCodesThatNobodyUsed(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		b.signIn("ada", "/dashboard")
		for range 3 {
			h.clock.Advance(11 * time.Minute)
			s := h.browser()
			form := s.get("/sign-in").form("/sign-in")
			form.Set("username", "ada")
			form.Set("password", password)
			s.follow(s.post("/sign-in", form))
		}
		b.post("/sign-out", nil)
		if p := b.signIn("ada", "/dashboard"); !strings.Contains(p.body, "3 codes were asked for and not used") {
			h.Fatal("the dashboard says nothing of three codes")
		}
		b.get("/profile/codes")
		if p := b.get("/dashboard"); strings.Contains(p.body, "asked for and not used") {
			h.Error("told again what was read")
		}
	})
}
