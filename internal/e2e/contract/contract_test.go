package contract

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

func dollars(value string) object { return object{"value": value, "currency": "USD"} }

// missing is an id that nothing has.
const missing = "019cada2-6c00-7000-8000-2d5f3ab0cfff"

func TestSigningIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := &client{h: h, flow: "one"}
		wrong := c.do("POST", "/sign-in", object{"username": "alex", "password": "not this one"}).want(401, "")
		nobody := c.do("POST", "/sign-in", object{"username": "nobody-at-all", "password": "not this one"}).want(401, "")
		if !bytes.Equal(wrong.text, nobody.text) {
			t.Errorf("a wrong password is told from an unknown name:\n%s\n%s", wrong.text, nobody.text)
		}
		sent := h.mail.count()
		a := c.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}).want(200, "")
		id := a.str("challenge.id")
		for _, field := range []string{"challenge.channel", "challenge.sent_to", "challenge.expires_at"} {
			a.str(field)
		}
		code := h.mail.code(t, sent)
		c.do("POST", "/sign-in/code", object{"challenge_id": id, "code": other(code)}).want(401, "")
		first := c.do("POST", "/sign-in/code", object{"challenge_id": id, "code": code, "trust_device": true}).want(200, "")
		again := c.do("POST", "/sign-in/code", object{"challenge_id": id, "code": code, "trust_device": true}).want(200, "")
		if first.at("status") != "signed_in" || again.at("status") != "signed_in" {
			t.Errorf("%s\n%s", first.text, again.text)
		}
		elsewhere := &client{h: h, flow: "two"}
		elsewhere.do("POST", "/sign-in/code", object{"challenge_id": id, "code": code}).want(401, "")
		c.token = first.str("session.token")
		if n := len(c.do("GET", "/sessions", nil).want(200, "").items()); n != 1 {
			t.Errorf("the same code twice made %d sessions", n)
		}
		c.token, c.device = "", first.str("device.token")
		if a := c.do("POST", "/sign-in", object{"username": "ALEX", "password": "harbor-lantern-42"}).want(200, ""); a.at("status") != "signed_in" {
			t.Errorf("a remembered device is asked for a code: %s", a.text)
		}
	})
}

// other gives a code that is not the given one.
func other(code string) string {
	if code[0] == '1' {
		return "2" + code[1:]
	}
	return "1" + code[1:]
}

func TestSessionsAndDevices(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		s := c.do("GET", "/session", nil).want(200, "")
		if s.at("member.username") != "alex" || s.str("expires_at") == "" || s.str("authenticated_at") == "" || len(s.at("methods").([]any)) == 0 {
			t.Errorf("%s", s.text)
		}
		for _, token := range []string{"none", "v4.public.none", strings.Repeat("x", 9000)} {
			(&client{h: h, token: token}).do("GET", "/session", nil).want(401, "")
		}
		(&client{h: h}).do("GET", "/session", nil).want(401, "")

		old := *c
		c.do("DELETE", "/session", nil).want(204, "")
		c.do("GET", "/session", nil).want(401, "")
		a := c.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}, "Authorization", "").want(200, "")
		if a.at("status") != "signed_in" {
			t.Fatalf("the device was forgotten at sign-out: %s", a.text)
		}
		c.token = a.str("session.token")
		old.do("GET", "/session", nil).want(401, "")

		device := c.do("GET", "/devices", nil).want(200, "").items()[0].(object)["id"].(string)
		h.jamie().do("DELETE", "/devices/"+device, nil).want(404, "")
		c.do("DELETE", "/devices/"+missing, nil).want(404, "")
		c.do("DELETE", "/devices/"+device, nil).want(204, "")
		a = c.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}, "Authorization", "").want(200, "")
		if a.at("status") != "code_required" {
			t.Errorf("a removed device is still known: %s", a.text)
		}
	})
}

func TestSigningOutEverywhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one := h.alex()
		two := *one
		two.token = one.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}, "Authorization", "").want(200, "").str("session.token")
		if n := len(one.do("GET", "/sessions", nil).want(200, "").items()); n != 2 {
			t.Errorf("%d sessions", n)
		}
		one.do("DELETE", "/sessions/"+missing, nil).want(404, "")
		two.do("DELETE", "/sessions", nil).want(204, "")
		one.do("GET", "/dashboard", nil).want(401, "")
		two.do("GET", "/dashboard", nil).want(401, "")
	})
}

func TestLookingAtAccounts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		d := c.do("GET", "/dashboard", nil).want(200, "")
		tiles := d.at("tiles").([]any)
		if len(tiles) != 3 || d.str("as_of") == "" {
			t.Fatalf("%s", d.text)
		}
		for _, v := range tiles {
			tile := v.(object)
			if tile["state"] != "current" || tile["account_id"] == "" || tile["name"] == "" || lookUp(t, tile, "balance.value") == "" {
				t.Errorf("%v", tile)
			}
		}
		card := c.account("card")
		a := c.do("GET", "/accounts/"+card, nil).want(200, "")
		for _, field := range []string{"currency", "balance.value", "available.value", "credit_limit.value", "statement_balance.value", "minimum_due.value", "due_on"} {
			a.str(field)
		}
		if !strings.HasPrefix(a.str("balance.value"), "-") {
			t.Errorf("a card that is owed on shows %s", a.str("balance.value"))
		}
		h.foreign(t, "GET", "/accounts/%s", "", card)
		h.foreign(t, "GET", "/accounts/%s/transactions", "", card)
		h.foreign(t, "POST", "/cards/%s/freeze", "", card)
		h.foreign(t, "GET", "/accounts/%s/payment-options", "", card)
		c.pages(t, "/accounts/"+card+"/transactions")
	})
}

// pages holds that going through a list one item at a time gives what it has.
func (c *client) pages(t *testing.T, path string) {
	t.Helper()
	whole := c.do("GET", path+"?limit=5", nil).want(200, "").items()
	cursor := ""
	for i, want := range whole {
		a := c.do("GET", path+"?limit=1&cursor="+cursor, nil).want(200, "")
		got := a.items()
		if len(got) != 1 || got[0].(object)["id"] != want.(object)["id"] {
			t.Fatalf("item %d is %v, want %v", i, got, want)
		}
		cursor, _ = a.body["next_cursor"].(string)
	}
	c.do("GET", path+"?cursor=nonsense", nil).want(422, "invalid")
	for _, q := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "from=2026-02-30", "until=yesterday", "text=" + strings.Repeat("a", 101)} {
		c.do("GET", path+"?"+q, nil).want(422, "invalid")
	}
	if n := len(c.do("GET", path+"?from=1990-01-01&until=1990-12-31", nil).want(200, "").items()); n != 0 {
		t.Errorf("%d transactions before there were any", n)
	}
}

// foreign holds that another member's object answers byte for byte like one that
// does not exist, and like an id that is none. path and body take the id as %s.
func (h *house) foreign(t *testing.T, method, path, body, id string, header ...string) {
	t.Helper()
	stranger := h.known("jamie", h.jamie)
	var first []byte
	for _, id := range []string{id, missing, "none", "' OR 1=1 --"} {
		filled := strings.ReplaceAll(path, "%s", strings.ReplaceAll(strings.ReplaceAll(id, " ", "%20"), "'", "%27"))
		var contents any
		if body != "" {
			contents = strings.ReplaceAll(body, "%s", id)
		}
		a := stranger.do(method, filled, contents, header...).want(404, "")
		if first == nil {
			first = a.text
		}
		if !bytes.Equal(first, a.text) {
			t.Errorf("%s %s tells a foreign object from a missing one:\n%s\n%s", method, path, first, a.text)
		}
	}
}

func TestPaying(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		card, method := c.account("card"), c.find("/payment-methods", "status", "verified")
		small := object{"account_id": card, "payment_method_id": method, "amount": dollars("25.00")}
		first := c.do("POST", "/payments", small, "Idempotency-Key", "k1").want(201, "")
		for _, field := range []string{"id", "confirmation_number", "status", "amount.value", "credited_on"} {
			first.str(field)
		}
		again := c.do("POST", "/payments", small, "Idempotency-Key", "k1").want(201, "")
		if again.str("id") != first.str("id") || again.str("confirmation_number") != first.str("confirmation_number") {
			t.Errorf("paid twice:\n%s\n%s", first.text, again.text)
		}
		small["amount"] = dollars("26.00")
		c.do("POST", "/payments", small, "Idempotency-Key", "k1").want(409, "")
		id := first.str("id")
		if got := c.do("GET", "/payments/"+id, nil).want(200, ""); got.str("confirmation_number") != first.str("confirmation_number") {
			t.Errorf("%s", got.text)
		}
		if n := len(c.do("GET", "/payments?account_id="+card, nil).want(200, "").items()); n != 1 {
			t.Errorf("%d payments", n)
		}
		h.foreign(t, "GET", "/payments/%s", "", id)
		h.foreign(t, "POST", "/payments/%s/cancel", "", id)
		h.foreign(t, "GET", "/payments?account_id=%s", "", card)
		h.foreign(t, "POST", "/payments", `{"account_id":"%s","payment_method_id":"`+method+`","amount":{"value":"1.00","currency":"USD"}}`, card, "Idempotency-Key", "f1")
		own := h.known("jamie", h.jamie).account("card")
		h.foreign(t, "POST", "/payments", `{"account_id":"`+own+`","payment_method_id":"%s","amount":{"value":"1.00","currency":"USD"}}`, method, "Idempotency-Key", "f2")
	})
}

func TestPayingMuchNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		large := object{"account_id": c.account("card"), "payment_method_id": c.find("/payment-methods", "status", "verified"), "amount": dollars("900.00")}
		sent := h.mail.count()
		refused := c.do("POST", "/payments", large, "Idempotency-Key", "big").want(403, "step-up-required")
		challenge := refused.str("challenge.id")
		for _, field := range []string{"challenge.channel", "challenge.sent_to", "challenge.expires_at"} {
			refused.str(field)
		}
		code := h.mail.code(t, sent)
		c.do("POST", "/step-up", object{"challenge_id": challenge, "code": other(code)}).want(403, "")
		c.do("POST", "/step-up", object{"challenge_id": challenge}).want(422, "invalid")
		c.do("POST", "/step-up", object{"challenge_id": challenge, "assertion": object{"id": "x"}}).want(422, "invalid")
		proof := c.do("POST", "/step-up", object{"challenge_id": challenge, "code": code}).want(200, "").str("proof")
		large["amount"] = dollars("901.00")
		if a := c.do("POST", "/payments", large, "Idempotency-Key", "other", "Step-Up-Proof", proof); a.status != 403 {
			t.Errorf("a proof of one amount paid another: %d %s", a.status, a.text)
		}
		large["amount"] = dollars("900.00")
		paid := c.do("POST", "/payments", large, "Idempotency-Key", "big", "Step-Up-Proof", proof).want(201, "")
		if again := c.do("POST", "/payments", large, "Idempotency-Key", "big").want(201, ""); again.str("id") != paid.str("id") {
			t.Errorf("paid twice")
		}
		if a := c.do("POST", "/payments", large, "Idempotency-Key", "big2", "Step-Up-Proof", proof); a.status != 403 {
			t.Errorf("a proof was good twice: %d %s", a.status, a.text)
		}
	})
}

func TestCancelling(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		card := c.account("card")
		later := time.Now().AddDate(0, 0, 20).Format(time.DateOnly)
		body := object{"account_id": card, "payment_method_id": c.find("/payment-methods", "status", "verified"), "amount": dollars("40.00"), "date": later}
		p := c.do("POST", "/payments", body, "Idempotency-Key", "later").want(201, "")
		if p.at("status") != "scheduled" || p.at("date") != later {
			t.Fatalf("%s", p.text)
		}
		if a := c.do("POST", "/payments/"+p.str("id")+"/cancel", nil).want(200, ""); a.at("status") != "cancelled" {
			t.Errorf("%s", a.text)
		}
		c.do("GET", "/accounts/"+card+"/payment-options", nil).want(200, "").str("maximum.value")
	})
}

func TestPaymentMethods(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		add := object{"kind": "bank_account", "country": "US", "routing_number": "021000021", "account_number": "4400998877", "holder_name": "Alex <b>Morgan</b>"}
		m := c.do("POST", "/payment-methods", add).want(201, "")
		if m.at("status") != "new" || m.at("kind") != "bank_account" || !strings.HasSuffix(m.str("display"), "8877") || bytes.Contains(m.text, []byte("4400998877")) {
			t.Errorf("%s", m.text)
		}
		if again := c.do("POST", "/payment-methods", add).want(201, ""); again.str("id") != m.str("id") {
			t.Errorf("the same account twice: %s %s", m.text, again.text)
		}
		id := m.str("id")
		for _, body := range []string{`{"amounts":["0.12"]}`, `{"amounts":["0.12","x"]}`, `{"amounts":["0.123","0.34"]}`, `{"amounts":["0.12",7]}`, `{"amounts":"0.12"}`, `{}`} {
			c.do("POST", "/payment-methods/"+id+"/confirm", body).want(422, "invalid")
		}
		h.foreign(t, "GET", "/payment-methods/%s", "", id)
		h.foreign(t, "DELETE", "/payment-methods/%s", "", id)
		h.foreign(t, "POST", "/payment-methods/%s/confirm", `{"amounts":["0.12","0.34"]}`, id)
		unproved := object{"account_id": c.account("card"), "payment_method_id": id, "amount": dollars("1.00")}
		if a := c.do("POST", "/payments", unproved, "Idempotency-Key", "u"); a.status != 409 && a.status != 422 {
			t.Errorf("an unproved method paid: %d %s", a.status, a.text)
		}
		c.do("DELETE", "/payment-methods/"+id, nil).want(204, "")
		c.do("GET", "/payment-methods/"+id, nil)
	})
}

func TestTransfers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		from, to := c.account("savings"), c.account("card")
		body := object{"from_account_id": from, "to_account_id": to, "amount": dollars("10.00")}
		before := c.do("GET", "/accounts/"+from, nil).want(200, "").str("available.value")
		first := c.do("POST", "/transfers", body, "Idempotency-Key", "t1").want(201, "")
		if first.at("status") != "posted" || first.str("id") == "" {
			t.Errorf("%s", first.text)
		}
		if again := c.do("POST", "/transfers", body, "Idempotency-Key", "t1").want(201, ""); again.str("id") != first.str("id") {
			t.Errorf("moved twice: %s %s", first.text, again.text)
		}
		if after := c.do("GET", "/accounts/"+from, nil).want(200, "").str("available.value"); after == before {
			t.Errorf("nothing moved: %s", after)
		}
		body["amount"] = dollars("11.00")
		c.do("POST", "/transfers", body, "Idempotency-Key", "t1").want(409, "")
		body["amount"] = dollars("99999999.00")
		c.do("POST", "/transfers", body, "Idempotency-Key", "t2").want(422, "")
		c.do("POST", "/transfers", object{"from_account_id": from, "to_account_id": from, "amount": dollars("1.00")}, "Idempotency-Key", "t3").want(422, "invalid")
		mine := h.known("jamie", h.jamie).account("savings")
		h.foreign(t, "POST", "/transfers", `{"from_account_id":"%s","to_account_id":"`+mine+`","amount":{"value":"1.00","currency":"USD"}}`, from, "Idempotency-Key", "f1")
		h.foreign(t, "POST", "/transfers", `{"from_account_id":"`+mine+`","to_account_id":"%s","amount":{"value":"1.00","currency":"USD"}}`, to, "Idempotency-Key", "f2")
	})
}

func TestFreezing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		card := c.account("card")
		for _, step := range []struct{ verb, status string }{{"freeze", "frozen"}, {"freeze", "frozen"}, {"unfreeze", "active"}, {"unfreeze", "active"}} {
			if a := c.do("POST", "/cards/"+card+"/"+step.verb, nil).want(200, ""); a.at("status") != step.status {
				t.Errorf("%s: %s", step.verb, a.text)
			}
		}
		if a := c.do("POST", "/cards/"+c.account("savings")+"/freeze", nil); a.status < 400 || a.status >= 500 {
			t.Errorf("a savings account was frozen: %d %s", a.status, a.text)
		}
	})
}

func TestWhatIsPublic(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := &client{h: h}
		s := c.do("GET", "/status", nil).want(200, "")
		if s.str("state") == "" || s.str("as_of") == "" || len(s.at("components").([]any)) == 0 || s.at("incidents") == nil {
			t.Errorf("%s", s.text)
		}
		c.do("GET", "/atms?lat=40.75&lon=-73.98&limit=3", nil).want(200, "").items()
		for _, q := range []string{"", "?lat=40", "?lon=4", "?lat=91&lon=0", "?lat=NaN&lon=0", "?lat=0&lon=181", "?lat=0&lon=Inf", "?lat=0&lon=0&limit=101"} {
			c.do("GET", "/atms"+q, nil).want(422, "invalid")
		}
	})
}

func TestBrowsersHaveCookies(t *testing.T) {
	h := open(t, t.TempDir()+"/core.db")
	cookies := map[string]*http.Cookie{}
	post := func(path, body string, header ...string) answer {
		r, err := http.NewRequest("POST", h.url+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		a := h.send(r)
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			site := http.SameSiteLaxMode
			if strings.Contains(c.Name, "_device_") {
				site = http.SameSiteStrictMode // no other site's link needs it
			}
			if !c.HttpOnly || c.SameSite != site || c.Path != "/" {
				t.Errorf("cookie %s", c)
			}
			cookies[c.Name] = c
		}
		return a
	}
	sent := h.mail.count()
	id := post("/sign-in", `{"username":"alex","password":"harbor-lantern-42"}`).want(200, "").str("challenge.id")
	post("/sign-in/code", `{"challenge_id":"`+id+`","code":"`+h.mail.code(t, sent)+`","trust_device":true}`).want(200, "")
	for _, name := range []string{"sf_us_session_v1", "sf_us_device_v2", "sf_us_flow_v1"} {
		if cookies[name] == nil {
			t.Fatalf("no cookie %s among %v", name, cookies)
		}
	}
	post("/cards/"+missing+"/freeze", "").want(404, "")
	post("/cards/"+missing+"/freeze", "", "Sec-Fetch-Site", "cross-site").want(403, "cross-origin")
	post("/cards/"+missing+"/freeze", "", "Origin", "https://evil.example").want(403, "cross-origin")
	post("/cards/"+missing+"/freeze", "", "Sec-Fetch-Site", "same-origin").want(404, "")
}
