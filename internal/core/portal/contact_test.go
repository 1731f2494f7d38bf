package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// changePhone goes from the profile to where the new number waits.
func (b *browser) changePhone(to string) page {
	b.Helper()
	form := b.get("/profile/contact/phone").form("/profile/contact/phone")
	form.Set("address", to)
	p := b.post("/profile/contact/phone", form)
	if form = p.form("/profile/contact/prove"); form.Get("challenge") != "" {
		form.Set("code", b.newCode())
		p = b.post("/profile/contact/prove", form)
	}
	p = b.arrive(p)
	form = p.form("/profile/contact/code")
	form.Set("code", b.newCode())
	return b.arrive(b.post("/profile/contact/code", form))
}

// TestAMemberChangesTheTelephone from the profile, reads when it holds, and stops
// it; and somebody who only has the notice stops it without signing in.
func TestAMemberChangesTheTelephone(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		b.signIn("ada", "/dashboard")
		h.clock.Advance(11 * time.Minute)
		p := b.changePhone("+1 202 555 0199")
		if p.StatusCode != http.StatusOK || !strings.Contains(p.body, "changes to +12025550199 on March 3, 2026") {
			h.Fatalf("%d %s", p.StatusCode, p.body)
		}
		if profile := b.get("/profile"); !strings.Contains(profile.body, "changes to +12025550199") || !strings.Contains(profile.body, "+12025550142") {
			h.Error("the profile does not say what waits")
		}
		p = b.arrive(b.post("/profile/contact/stop", p.form("/profile/contact/stop")))
		if !strings.Contains(p.body, "The change was stopped") {
			h.Errorf("%s", p.heading())
		}

		b.changePhone("+12025550188")
		h.must(h.jobs.Drain(ctx))
		stranger := h.browser()
		link := h.mail.link
		for range 2 { // a mail program opens links by itself
			p = stranger.get(link)
			if p.StatusCode != http.StatusOK || strings.Contains(p.body, "+12025550188") || !strings.Contains(p.body, "0188") {
				h.Fatalf("%d %s", p.StatusCode, p.heading())
			}
		}
		want(t, "looking stops nothing", strings.Contains(b.get("/profile").body, "+12025550188"), true)
		for range 2 {
			p = stranger.post("/contact/stop", p.form("/contact/stop"))
			want(t, "stopping", p.heading(), "Nothing changes")
			p = stranger.get(link)
			want(t, "the link afterwards", p.heading(), "Nothing changes")
			p = page{Response: p.Response, body: `<form action="/contact/stop"><input name="token" value="` + url.QueryEscape(strings.TrimPrefix(link, "/contact/stop?token=")) + `"></form>`}
		}
		want(t, "it is gone", strings.Contains(b.get("/profile").body, "+12025550188"), false)
		p = stranger.get(link[:len(link)-1])
		if p.StatusCode != http.StatusNotFound || p.heading() != "This link does not work" {
			h.Errorf("half a link: %d %s", p.StatusCode, p.heading())
		}
	})
}

// TestContactPagesSayWhatIsWrong at the field, keep what was typed, and let codes
// be sent again.
func TestContactPagesSayWhatIsWrong(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		b.signIn("ada", "/dashboard")
		for typed, says := range map[string]string{"": "Enter the new one", "202 555 0199": "international form", "+1 202 555 0142": "like this already",
			"+12025550199\r\nBcc: x": "international form"} {
			p := b.post("/profile/contact/phone", url.Values{"address": {typed}})
			if p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.errors(), says) {
				h.Errorf("%q: %d %s", typed, p.StatusCode, p.errors())
			}
		}
		want(t, "another kind", b.get("/profile/contact/fax").StatusCode, http.StatusNotFound)
		want(t, "another kind, as a form", b.post("/profile/contact/fax", url.Values{"address": {"+12025550199"}}).StatusCode, http.StatusNotFound)

		h.clock.Advance(11 * time.Minute)
		prove := b.post("/profile/contact/phone", url.Values{"address": {"+12025550199"}})
		code := b.newCode()
		wrong := prove.form("/profile/contact/prove")
		p := b.post("/profile/contact/prove", wrong)
		if p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.body, "+12025550199") {
			h.Errorf("no code: %d %s", p.StatusCode, p.errors())
		}
		b.codePageSendsAgain(prove, code, "/profile/contact/prove/resend", "+12025550199")
		right := prove.form("/profile/contact/prove")
		right.Set("code", code)
		asked := b.arrive(b.post("/profile/contact/prove", right))
		b.codePageSendsAgain(asked, b.newCode(), "/profile/contact/code/resend", "0199")
		h.clock.Advance(11 * time.Minute)
		late := asked.form("/profile/contact/code")
		late.Set("code", b.newCode())
		if p := b.arrive(b.post("/profile/contact/code", late)); !strings.Contains(p.body, "took too long") {
			h.Errorf("too late: %s", p.heading())
		}
	})
}

// TestRecoveryCodesAreOfferedBelowTheMoney: the dashboard offers them to whoever has
// none, after what can be paid, until the offer is put away; paying never meets it.
func TestRecoveryCodesAreOfferedBelowTheMoney(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada")
		b := h.browser()
		p := b.signIn("ada", "/dashboard")
		offer, pay := strings.Index(p.body, "/profile/recovery-codes"), strings.LastIndex(p.body, "/pay?")
		if offer < 0 || pay < 0 || offer < pay {
			h.Fatalf("the offer stands at %d, paying at %d", offer, pay)
		}
		if strings.Contains(b.follow(b.get("/pay")).body, "/profile/recovery-codes") {
			h.Error("paying meets the offer")
		}
		p = b.arrive(b.post("/profile/recovery-codes/later", p.form("/profile/recovery-codes/later")))
		if p.StatusCode != http.StatusOK || strings.Contains(p.body, "/profile/recovery-codes") {
			h.Errorf("%d: the offer is still there", p.StatusCode)
		}
		other := h.browser()
		want(h, "on another device", strings.Contains(other.signIn("ada", "/dashboard").body, "/profile/recovery-codes"), false)
		want(h, "the profile", strings.Contains(b.get("/profile").body, "/profile/recovery-codes"), true)
	})
}
