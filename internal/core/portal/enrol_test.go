package portal

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
)

// unclaimed is a member as an import leaves one: with a card and no login.
func (h *house) unclaimed(name string) (m member.Member) {
	h.Helper()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		m, err = h.services.Members.Create(ctx, tx, member.Spec{Ref: "cust-" + name, Username: name, DisplayName: name, Email: name + "@example.org", Phone: "+12025550142", BirthDate: "1985-03-24"})
		if err == nil {
			h.open(tx, m.ID, account.Spec{Ref: "card-" + name, Kind: account.Card, Currency: "USD", Last4: "4417", ExpiresOn: "2027-08-31"})
		}
		return err
	}))
	return m
}

func shownCard(who, last4 string) url.Values {
	return url.Values{"who": {who}, "last4": {last4}, "expires": {"08/27"}}
}

// An imported member gets from the sign-in page to the dashboard by links and forms
// alone, and what was refused on the way can be put right.
func TestAMemberEnrolsByLinksAndForms(t *testing.T) {
	each(t, func(h *house) {
		h.person("ada") // has the name that is tried first
		h.unclaimed("robin")
		b := h.browser()
		if p := b.get("/sign-in"); !strings.Contains(p.body, `href="/enrol"`) {
			t.Error("nothing leads from the sign-in page")
		}
		if p := b.post("/enrol", url.Values{}); p.StatusCode != http.StatusUnprocessableEntity && p.StatusCode != http.StatusBadRequest || p.errors() == "" {
			t.Errorf("an empty form: %d %s", p.StatusCode, p.errors())
		}
		p := b.post("/enrol", shownCard("cust-robin", "44"))
		if !strings.Contains(p.errors(), "last four digits of the card") {
			t.Errorf("%d %s", p.StatusCode, p.errors())
		}
		p = b.follow(b.post("/enrol", shownCard("cust-robin", "4417")))
		at := p.Request.URL.Path
		if q := b.post(at, url.Values{"code": {"000000"}}); !strings.Contains(q.errors(), "not right") {
			t.Errorf("%d %s", q.StatusCode, q.errors())
		}
		p = b.follow(b.post(at, url.Values{"code": {h.newCode()}}))
		form := p.form(at + "/login")
		if form.Get("username") != "robin" {
			t.Errorf("the name on file is not offered: %v", form)
		}
		form.Set("username", "Ada")
		form.Set("new", "a heron counts eleven boats")
		form.Set("pin", "123456")
		p = b.post(at+"/login", form)
		if e := p.errors(); !strings.Contains(e, "taken") || !strings.Contains(e, "PIN") || strings.Contains(p.body, "heron") || strings.Contains(p.body, "123456") {
			t.Errorf("%d %s", p.StatusCode, e)
		}
		form.Set("username", "robin.v")
		form.Set("pin", "739 152")
		if p = b.follow(b.post(at+"/login", form)); !strings.Contains(p.heading(), "set up") {
			t.Fatalf("%d %s %s", p.StatusCode, p.heading(), p.errors())
		}
		if p = b.follow(b.post(at+"/login", form)); p.StatusCode != http.StatusOK { // pressed twice
			t.Errorf("%d", p.StatusCode)
		}
		if p = b.get("/dashboard"); p.StatusCode != http.StatusOK || !strings.Contains(p.body, "4417") {
			t.Errorf("%d, and no card", p.StatusCode)
		}
	})
}

// random is what differs between two claims of the same member.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{3} [0-9]{3} [0-9]{4}`)

// The pages, byte by byte, tell nobody whether what was shown fits somebody.
func TestEnrolmentPagesTellNobodyWhoIsAMember(t *testing.T) {
	each(t, func(h *house) {
		h.unclaimed("robin")
		h.person("ada")
		var want string
		for _, form := range []url.Values{shownCard("cust-robin", "4417"), shownCard("cust-robin", "4418"), shownCard("ada@example.org", "4242"), shownCard("cust-none", "4417")} {
			b := h.browser()
			begun := b.post("/enrol", form)
			page := b.follow(begun)
			h.must(h.jobs.Drain(ctx))
			refused := b.post(page.Request.URL.Path, url.Values{"code": {"000000"}})
			got := random.ReplaceAllString(begun.body+page.body+refused.body, "#")
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%v: another page", form)
			}
		}
	})
}

// The PIN is set in the profile, after a proof where the last one is old.
func TestThePINIsSetInTheProfile(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "/profile/pin")
	p := b.post("/profile/pin", url.Values{"pin": {"111111"}})
	if !strings.Contains(p.errors(), "first that others would try") || strings.Contains(p.body, "111111") {
		t.Errorf("%d %s", p.StatusCode, p.errors())
	}
	if p = b.follow(b.post("/profile/pin", url.Values{"pin": {"739152"}})); !strings.Contains(p.body, "Your telephone PIN is set") {
		t.Error(p.heading())
	}
}
