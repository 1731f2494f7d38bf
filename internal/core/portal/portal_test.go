package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/payment"
	"standfast/internal/core/portal/guard"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/masterkey"
	"standfast/internal/overload"
)

func want(t testing.TB, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestAMemberSignsInAndPaysOnce(t *testing.T) {
	each(t, func(h *house) {
		p, b := h.person("ada"), h.browser()
		landed := b.signIn("ada", "/payments")
		want(h, "the page that was asked for", landed.heading(), "Payments")

		home := b.get("/dashboard")
		for _, s := range []string{"$1,000.00", "$500.00", "Everyday Card", "&lt;b&gt;Shop"} {
			if !strings.Contains(home.body, s) {
				h.Errorf("the dashboard lacks %q", s)
			}
		}

		form := b.follow(b.get("/pay")).form("/pay/review")
		form.Set("what", view.WhatAmount)
		form.Set("amount", "25.00")
		review := b.get("/pay/review?" + form.Encode())
		want(h, "the review's key", review.form("/pay").Get("key"), form.Get("key"))
		first := b.post("/pay", review.form("/pay"))
		again := b.post("/pay", review.form("/pay"))
		want(h, "the receipt of a double click", again.Header.Get("Location"), first.Header.Get("Location"))
		receipt := b.follow(first)
		if !strings.Contains(receipt.heading(), "$25.00") {
			h.Errorf("the receipt says %q", receipt.heading())
		}
		list, _, err := h.services.Payments.List(ctx, p.ID, "", "", 0)
		h.must(err)
		want(h, "payments made", len(list), 1)

	})
}

// Whoever goes back after paying, changes the amount and pays is told of the first
// payment, and can make the second, once.
func TestGoneBackAndChangedIsAnotherPaymentThatSaysSo(t *testing.T) {
	each(t, func(h *house) {
		p, b := h.person("ada"), h.browser()
		form := amount(b.follow(b.signIn("ada", "/pay")).form("/pay/review"), "25.00")
		made := b.follow(b.post("/pay", b.get("/pay/review?"+form.Encode()).form("/pay")))
		list, _, err := h.services.Payments.List(ctx, p.ID, "", "", 0)
		h.must(err)
		number := payment.Grouped(list[0].ConfirmationNumber)
		if !strings.Contains(made.body, number) {
			h.Fatalf("the receipt lacks %q", number)
		}

		changed := b.get("/pay/review?" + amount(form, "26.00").Encode()).form("/pay")
		asked := b.post("/pay", changed)
		want(h, "the same page for another amount", asked.StatusCode, http.StatusConflict)
		for _, s := range []string{"$25.00", number} {
			if !strings.Contains(asked.errors(), s) {
				h.Errorf("%q lacks %q", asked.errors(), s)
			}
		}
		if strings.Contains(asked.body, "Nothing has been paid yet") {
			h.Error("it says that nothing has been paid")
		}
		want(h, "a second press before the answer", b.post("/pay", changed).form("/pay").Get("key"), asked.form("/pay").Get("key"))
		second := b.post("/pay", asked.form("/pay"))
		want(h, "the second receipt", b.follow(second).heading(), strings.Replace(made.heading(), "25", "26", 1))
		again := b.post("/pay", b.post("/pay", changed).form("/pay"))
		want(h, "the whole way once more", again.Header.Get("Location"), second.Header.Get("Location"))
		list, _, err = h.services.Payments.List(ctx, p.ID, "", "", 0)
		h.must(err)
		want(h, "payments made", len(list), 2)

		_, err = h.services.Payments.Cancel(ctx, p.ID, list[0].ID)
		h.must(err)
		over := asked.form("/pay")
		over.Set("exact", "27.00")
		if said := b.post("/pay", over).errors(); !strings.Contains(said, "was not carried out") || !strings.Contains(said, "$26.00") {
			h.Errorf("after it was cancelled: %q", said)
		}
	})
}

func TestALargePaymentNeedsACodeBoundToIt(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	form := b.signIn("ada", "/pay")
	review := b.get("/pay/review?" + amount(b.follow(form).form("/pay/review"), "600").Encode())
	asked := b.post("/pay", review.form("/pay"))
	code := b.follow(asked)
	want(t, "the page", code.heading(), "Confirm it is you")
	for _, s := range []string{"$600.00", "Everyday Card"} { // payer sees amount and payee
		if !strings.Contains(code.body, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
	want(t, "after a reload", b.get(asked.Header.Get("Location")).heading(), "Confirm it is you")

	wrong := code.form("/pay/code")
	wrong.Set("code", "000000")
	refused := b.post("/pay/code", wrong)
	want(t, "a wrong code", refused.StatusCode, http.StatusForbidden)
	want(t, "what was typed", refused.form("/pay/code").Get("code"), "000000")

	changed := code.form("/pay/code")
	changed.Set("exact", "700.00")
	changed.Set("code", h.newCode())
	want(t, "the code for another amount", b.post("/pay/code", changed).StatusCode != http.StatusSeeOther, true)
}

func TestACodeThatHasPaidLeadsToItsReceipt(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	pay := b.follow(b.signIn("ada", "/pay"))
	review := b.get("/pay/review?" + amount(pay.form("/pay/review"), "600").Encode())
	form := b.follow(b.post("/pay", review.form("/pay"))).form("/pay/code")
	form.Set("code", h.newCode())
	first := b.post("/pay/code", form)
	again := b.post("/pay/code", form)
	want(t, "the second press", again.Header.Get("Location"), first.Header.Get("Location"))
	if !strings.HasPrefix(first.Header.Get("Location"), "/pay/done/") {
		t.Errorf("it leads to %q; %s", first.Header.Get("Location"), first.errors())
	}
}

func amount(form url.Values, typed string) url.Values {
	form.Set("what", view.WhatAmount)
	form.Set("amount", typed)
	return form
}

func TestWhatIsWrongWithAFormIsSaidAtItsField(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	pay := b.follow(b.signIn("ada", "/pay"))
	for typed, says := range map[string]string{
		"":                     "Enter an amount.",
		"25.001":               "The amount has too many decimals.",
		"-5":                   "Enter an amount of more than zero.",
		"0":                    "Enter an amount of more than zero.",
		"<b>":                  "Enter the amount in digits, such as 25 or 25.00.",
		"99999999999999999999": "The amount is too large.",
	} {
		p := b.get("/pay/review?" + amount(pay.form("/pay/review"), typed).Encode())
		want(t, "status of "+typed, p.StatusCode, http.StatusUnprocessableEntity)
		if !strings.Contains(p.errors(), says) || !strings.Contains(p.body, `href="#amount"`) {
			t.Errorf("%q: the page says %q", typed, p.errors())
		}
		want(t, "what was typed", p.form("/pay/review").Get("amount"), typed)
	}
	b.lang = "de"
	p := b.get("/pay/review?" + amount(pay.form("/pay/review"), "25,001").Encode())
	if !strings.Contains(p.errors(), "Der Betrag hat zu viele Nachkommastellen.") {
		t.Errorf("in German: %q", p.errors())
	}
}

func TestAnotherMembersAccountLooksLikeNone(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	eve := h.person("eve")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	missing := "01931234-1234-7234-8234-123456789012"
	for _, pattern := range []string{"/accounts/%", "/accounts/%/transactions.csv", "/accounts/%/freeze", "/pay?account=%", "/payments/%/cancel", "/payment-methods/%/confirm", "/pay/done/%"} {
		none := b.get(strings.Replace(pattern, "%", missing, 1))
		for _, id := range []string{eve.card.ID, eve.method.ID, "x", "%27%3B--"} {
			p := b.get(strings.Replace(pattern, "%", id, 1))
			if p.StatusCode != http.StatusNotFound || p.heading() != none.heading() {
				t.Errorf("%s for %s: %d %q, for none %d %q", pattern, id, p.StatusCode, p.heading(), none.StatusCode, none.heading())
			}
		}
	}
}

// A card is released by whoever says so, with a session that holds now, and by
// nobody else.
func TestAFrozenCardStaysFrozenUntilItsMemberReleasesIt(t *testing.T) {
	h := onSQLite(t)
	ada := h.person("ada")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	at := string(route.AccountFreeze.URL(ada.card.ID))
	frozen := func() bool { return strings.Contains(b.get(at).body, `value="no"`) }
	want(t, "freezing", b.post(at, url.Values{"freeze": {"yes"}}).StatusCode, http.StatusSeeOther)
	for _, says := range []string{"", "maybe", "YES"} {
		want(t, "a form that says "+says, b.post(at, url.Values{"freeze": {says}}).StatusCode, http.StatusBadRequest)
	}
	want(t, "it is frozen", frozen(), true)

	other, err := signin.New(h.db, h.services.Members, nil, masterkey.Demo(), signin.Config{Cell: "us", Now: h.clock.Now})
	h.must(err)
	h.clock.Advance(time.Minute) // what this process knows of sessions is a minute old
	h.must(other.SignOutEverywhere(ctx, signin.Session{MemberID: ada.ID}))
	want(t, "a session that was ended elsewhere", b.post(at, url.Values{"freeze": {"no"}}).Header.Get("Location"), "/sign-in")
	b.signIn("ada", "/dashboard")
	want(t, "it is frozen still", frozen(), true)
	want(t, "releasing", b.post(at, url.Values{"freeze": {"no"}}).StatusCode, http.StatusSeeOther)
	want(t, "it is frozen no more", frozen(), false)
}

func TestAnUnknownSessionTakesNothing(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	h.must(h.db.Close())
	h.clock.Advance(20 * time.Minute) // the list of revocations is too old to look by
	for _, address := range []string{"/dashboard", "/pay"} {
		p := b.get(address)
		want(t, "status of "+address, p.StatusCode, http.StatusServiceUnavailable)
		if len(p.Header.Values("Set-Cookie")) > 0 || p.Header.Get("Location") != "" || p.Header.Get("Retry-After") == "" {
			t.Errorf("%s: cookies %v, location %q, retry after %q", address, p.Header.Values("Set-Cookie"), p.Header.Get("Location"), p.Header.Get("Retry-After"))
		}
		if !strings.Contains(p.body, "still signed in") {
			t.Errorf("%s says %q", address, p.heading())
		}
	}
	out := b.post("/sign-out", url.Values{})
	want(t, "signing out when it is not known", out.StatusCode, http.StatusServiceUnavailable)
	if len(out.Header.Values("Set-Cookie")) > 0 {
		t.Error("a cookie was taken")
	}
	want(t, "the page for everybody", b.get("/help").StatusCode, http.StatusOK)
}

// Beside more requests than can be answered a page says so and comes back by
// itself; a form is not sent again by itself; nobody is signed out by it.
func TestAFullHouseComesBackByItself(t *testing.T) {
	h := onSQLite(t)
	h.services.Gate = overload.New(overload.Limits{Least: 1, Most: 1, Wait: time.Millisecond})
	h.server = httptest.NewServer(New(h.services))
	t.Cleanup(h.server.Close)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	leave, err := h.services.Gate.Admit(ctx, journey.Dashboard)
	h.must(err)
	p := b.get("/dashboard")
	want(t, "a full house", p.StatusCode, http.StatusServiceUnavailable)
	if again := p.Header.Get("Refresh"); again == "" || again != p.Header.Get("Retry-After") || len(p.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("comes back %q, retry after %q, cookies %v", again, p.Header.Get("Retry-After"), p.Header.Values("Set-Cookie"))
	}
	want(t, "says", p.heading(), "Very many people are here just now")
	want(t, "says between our processes", p.Header.Get(fault.ShedHeader), "1")
	sent := b.post("/transfer", url.Values{})
	want(t, "a form", sent.StatusCode, http.StatusServiceUnavailable)
	want(t, "is sent again by itself", sent.Header.Get("Refresh"), "")
	leave()
	want(t, "with room again", b.get("/dashboard").StatusCode, http.StatusOK)
}

func TestASessionThatIsOverLeadsToSignInAndBack(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	h.clock.Advance(2 * time.Hour)
	p := b.get("/accounts/x?q=a+b")
	want(t, "where it leads", p.Header.Get("Location"), string(route.SignIn.URL("next", "/accounts/x?q=a+b")))
	want(t, "a known device is asked for no code", b.signIn("ada", "/payments").heading(), "Payments")
}

// What was typed into a form whose session had ended is there again after signing
// in, for the member who typed it and nobody else.
func TestWhatWasTypedComesBackAfterSigningInAgain(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	h.person("eve")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	form := b.get("/payment-methods/add-bank-account").form("/payment-methods/add-bank-account")
	for name, typed := range map[string]string{"country": "US", "holder": "Ada Lovelace", "routing": "021000021", "account": "000999888777", "code": "123456", "password": "secret"} {
		form.Set(name, typed)
	}
	h.clock.Advance(2 * time.Hour)
	asked := b.send(http.MethodPost, "/payment-methods/add-bank-account", strings.NewReader(form.Encode()), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Referer": {h.server.URL + "/payment-methods/add-bank-account?country=US"}})
	next := asked.Header.Get("Location")
	back := b.signIn("ada", next)
	typed := back.form("/payment-methods/add-bank-account")
	for name, value := range map[string]string{"holder": "Ada Lovelace", "routing": "021000021", "account": "000999888777"} {
		want(t, name, typed.Get(name), value)
	}
	if !strings.Contains(back.body, "What you had typed is back") || strings.Contains(back.body, "123456") || strings.Contains(back.body, "secret") {
		t.Error("the page says nothing of it, or shows a secret")
	}
	eve := h.browser()
	theirs := eve.signIn("eve", next)
	want(t, "another member's form", theirs.form("/payment-methods/add-bank-account").Get("holder"), "")
}

// Whoever comes to the wrong region's site is offered the others, the same
// whatever name was tried; a choice is remembered, and leads only to sites of ours.
func TestOtherRegionsAreOfferedAndRemembered(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	h.services.Cell.Regions = []view.Region{{Name: "us", Label: "United States", URL: "https://us.example.com", Here: true}, {Name: "gb", Label: "United Kingdom", URL: "https://gb.example.com"}}
	h.server.Config.Handler = New(h.services)
	b := h.browser()
	offers := func(p page) bool { return strings.Contains(p.body, `href="/regions"`) }
	want(t, "offered before anything is typed", offers(b.get("/sign-in")), true)
	var said []string
	for _, name := range []string{"ada", "nobody"} {
		p := b.post("/sign-in", url.Values{"username": {name}, "password": {"not the password"}})
		want(t, "offered to "+name, offers(p), true)
		said = append(said, p.errors())
	}
	want(t, "what a stranger hears", said[1], said[0])
	chosen := b.get("/regions/gb")
	want(t, "where it leads", chosen.Header.Get("Location"), "https://gb.example.com/sign-in")
	if back := b.get("/sign-in"); back.StatusCode != http.StatusOK || !strings.Contains(back.body, "Last time you chose United Kingdom") {
		t.Errorf("the choice is forgotten, or sends away: %d", back.StatusCode)
	}
	want(t, "this site", b.get("/regions/us").Header.Get("Location"), "/sign-in")
	if strings.Contains(b.get("/sign-in").body, "Last time you chose") {
		t.Error("this site is offered to those who are on it")
	}
	for _, other := range []string{"evil.example", "xx", "..", "https:%2f%2fevil.example"} {
		if p := b.get("/regions/" + other); p.Header.Get("Location") != "" && !strings.HasPrefix(p.Header.Get("Location"), "/") {
			t.Errorf("%s leads to %s", other, p.Header.Get("Location"))
		}
	}
}

// Another site's page can have a member's browser send any of our forms. None is
// taken, whatever it is about.
func TestNoFormIsTakenFromAnotherSite(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "/dashboard")
	for _, e := range (&server{}).entries() {
		if e.method != http.MethodPost {
			continue
		}
		address := strings.Replace(e.pattern, "{id}", "01931234-1234-7234-8234-123456789012", 1)
		for name, from := range map[string]http.Header{
			"by fetch metadata": {"Sec-Fetch-Site": {"cross-site"}}, "by origin": {"Sec-Fetch-Site": nil, "Origin": {"https://evil.example"}}, "by a sister site": {"Sec-Fetch-Site": {"same-site"}},
		} {
			from.Set("Content-Type", "application/x-www-form-urlencoded")
			if p := b.send(http.MethodPost, address, strings.NewReader(""), from); p.StatusCode != http.StatusForbidden {
				t.Errorf("%s is taken (%s): %d", address, name, p.StatusCode)
			}
		}
	}
	want(t, "the session", b.get("/dashboard").StatusCode, http.StatusOK)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := onSQLite(t)
	b := h.browser()
	guarded := http.Header{}
	guard.Headers(guarded, false)
	for _, address := range []string{"/", "/sign-in", "/nope", "/dashboard", static.Load().Get("app.css").URL} {
		p := b.get(address)
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Opener-Policy", "Referrer-Policy", "Permissions-Policy"} {
			want(t, name+" of "+address, p.Header.Get(name), guarded.Get(name))
		}
	}
	want(t, "caching of a page", b.get("/sign-in").Header.Get("Cache-Control"), "no-store")
	want(t, "caching of a file", b.get(static.Load().Get("app.css").URL).Header.Get("Cache-Control"), "public, max-age=31536000, immutable")
}

func TestBadRequestsAreRefusedWithAPage(t *testing.T) {
	h := onSQLite(t)
	b := h.browser()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	foreign := form.Clone()
	foreign["Sec-Fetch-Site"] = []string{"cross-site"}
	for name, x := range map[string]struct {
		method, address, body string
		header                http.Header
		status                int
	}{
		"no such page":        {"GET", "/nope", "", nil, 404},
		"no such file":        {"GET", "/static/app.css", "", nil, 404},
		"no such method":      {"POST", "/help", "a=b", form, 405},
		"another site's form": {"POST", "/sign-in", "username=a", foreign, 403},
		"too large":           {"POST", "/sign-in", "username=" + strings.Repeat("a", maxForm), form, 413},
		"too long":            {"POST", "/sign-in", "username=" + strings.Repeat("a", 600), form, 422},
		"JSON":                {"POST", "/sign-in", "{}", http.Header{"Content-Type": {"application/json"}}, 415},
		"no type":             {"POST", "/sign-in", "username=a", nil, 415},
		"half an escape":      {"POST", "/sign-in", "username=%zz", form, 400},
		"NUL":                 {"POST", "/sign-in", "username=%00", form, 422},
		"no UTF-8":            {"GET", "/sign-in?next=%ff", "", nil, 422},
	} {
		p := b.send(x.method, x.address, strings.NewReader(x.body), x.header)
		if p.StatusCode != x.status || p.heading() == "" {
			t.Errorf("%s: %d %q, want %d", name, p.StatusCode, p.heading(), x.status)
		}
	}
}

// A browser that comes by itself to an address that only takes a form, by a reload
// or after it had to sign in again there, finds the page that the form is on.
func TestAnAddressOfAFormLeadsToItsPage(t *testing.T) {
	h := onSQLite(t)
	h.person("ada")
	b := h.browser()
	b.signIn("ada", "")
	own := map[string]bool{}
	list := (&server{}).entries()
	for _, e := range list {
		own[e.pattern] = own[e.pattern] || e.method == http.MethodGet
	}
	led := map[string]string{}
	for _, e := range list {
		if own[e.pattern] {
			continue
		}
		p := b.get(strings.ReplaceAll(e.pattern, "{id}", db.NewID()))
		led[e.pattern] = p.Header.Get("Location")
		for range 3 { // the sign-in page leads on whoever is signed in
			if p.StatusCode == http.StatusSeeOther {
				p = b.follow(p)
			}
		}
		if p.StatusCode != http.StatusOK {
			t.Errorf("%s leads to %q, which answers %d", e.pattern, led[e.pattern], p.StatusCode)
		}
	}
	want(t, "renaming a device", led[route.DeviceRename.Pattern()], string(route.Devices))
	want(t, "ending a session", led[route.SessionEnd.Pattern()], string(route.Profile))
	want(t, "removing an app", led[route.AuthenticatorRemove.Pattern()], string(route.Authenticator))
	want(t, "signing out", led[route.SignOut.Pattern()], string(route.Home))
}

func TestTheLanguageIsRemembered(t *testing.T) {
	h := onSQLite(t)
	b := h.browser()
	p := b.follow(b.post("/language", url.Values{"locale": {"de-DE"}, "return": {"/help"}}))
	want(t, "the page in German", p.heading(), "Hilfe")
	want(t, "the next page", b.get("/sign-in").heading(), "Anmelden")
	want(t, "a way to elsewhere", b.post("/language", url.Values{"locale": {"en-US"}, "return": {"//evil.example"}}).Header.Get("Location"), "/")
}

func TestADownloadIsSafeInASpreadsheet(t *testing.T) {
	h := onSQLite(t)
	p, b := h.person("ada"), h.browser()
	b.signIn("ada", "/dashboard")
	file := b.get(string(route.AccountCSV.URL(p.card.ID)))
	if want := "2026-03-02,\"'=HYPERLINK(\"\"x\"\") <b>Shop</b>\",purchase,posted,-1000.00,USD,-1000.00\n"; !strings.HasSuffix(file.body, want) {
		t.Errorf("the file is %q", file.body)
	}
}

func TestMoneyMovesBetweenOwnAccountsOnce(t *testing.T) {
	each(t, func(h *house) {
		p, b := h.person("ada"), h.browser()
		form := b.signIn("ada", "/transfer").form("/transfer/review")
		form.Set("from", p.savings.ID)
		form.Set("to", p.card.ID)
		form.Set("amount", "100")
		review := b.get("/transfer/review?" + form.Encode())
		first := b.post("/transfer", review.form("/transfer"))
		again := b.post("/transfer", review.form("/transfer"))
		want(h, "the receipt of a double click", again.Header.Get("Location"), first.Header.Get("Location"))
		want(h, "the receipt", b.follow(first).heading(), "You moved $100.00")
		t, err := h.services.Accounts.Get(ctx, p.ID, p.savings.ID)
		h.must(err)
		want(h, "what is left", t.Balance.Balance.Value(), "400.00")

		form.Set("amount", "50")
		changed := b.get("/transfer/review?" + form.Encode()).form("/transfer")
		asked := b.post("/transfer", changed)
		want(h, "the same page for another amount", asked.StatusCode, http.StatusConflict)
		number := reference(path.Base(strings.Split(first.Header.Get("Location"), "?")[0]))
		for _, s := range []string{"$100.00", number} {
			if !strings.Contains(asked.errors(), s) {
				h.Errorf("%q lacks %q", asked.errors(), s)
			}
		}
		second := b.post("/transfer", asked.form("/transfer"))
		want(h, "the second receipt", b.follow(second).heading(), "You moved $50.00")
		third := b.post("/transfer", b.post("/transfer", changed).form("/transfer"))
		want(h, "the whole way once more", third.Header.Get("Location"), second.Header.Get("Location"))

		form.Set("key", "another")
		form.Set("amount", "350.01")
		refused := b.post("/transfer", b.get("/transfer/review?"+form.Encode()).form("/transfer"))
		if !strings.Contains(refused.errors(), "not enough money") {
			h.Errorf("more than there is: %d %q", refused.StatusCode, refused.errors())
		}
	})
}
