package contract

import (
	"encoding/json"
	"testing"

	"standfast/internal/core/passkey/softkey"
)

// site is the demo's origin as browsers report it.
const site = "http://localhost"

// asserted gives what the authenticator answers to a call's options.
func (c *client) asserted(t *testing.T, key *softkey.Authenticator, options any) object {
	t.Helper()
	raw, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := key.Get(raw, site)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, answer)
}

func parsed(t *testing.T, raw []byte) (o object) {
	t.Helper()
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// addPasskey gives the client's member a passkey.
func (c *client) addPasskey(t *testing.T, key *softkey.Authenticator, name string) answer {
	t.Helper()
	p := c.do("POST", "/passkeys/options", nil).want(200, "")
	created, err := key.Create(p.text, site)
	if err != nil {
		t.Fatal(err)
	}
	return c.do("POST", "/passkeys", object{"state": p.at("state"), "name": name, "credential": parsed(t, created)})
}

// byPasskey signs in without a user name.
func (c *client) byPasskey(t *testing.T, key *softkey.Authenticator) answer {
	t.Helper()
	p := c.do("POST", "/sign-in/passkey/options", nil).want(200, "")
	return c.do("POST", "/sign-in/passkey", object{"state": p.at("state"), "assertion": c.asserted(t, key, p.body), "trust_device": true})
}

func TestPasskeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c, key := h.alex(), &softkey.Authenticator{Counts: true}
		id := c.addPasskey(t, key, "Phone").want(201, "").str("id")
		elsewhere := &client{h: h, flow: "elsewhere"}
		a := elsewhere.byPasskey(t, key).want(200, "")
		if a.at("status") != "signed_in" || a.str("device.token") == "" {
			t.Errorf("%s", a.text)
		}
		elsewhere.token = a.str("session.token")
		if m := elsewhere.do("GET", "/session", nil).want(200, ""); m.at("member.username") != "alex" || m.at("methods").([]any)[0] != "hwk" {
			t.Errorf("%s", m.text)
		}
		list := c.do("GET", "/passkeys", nil).want(200, "").items()
		if p := list[0].(object); len(list) != 1 || p["id"] != id || p["name"] != "Phone" || p["last_used_at"] == nil || p["synced"] != false {
			t.Errorf("%v", list)
		}
		c.do("PATCH", "/passkeys/"+id, object{"name": "Old phone"}).want(200, "")
		h.jamie().do("DELETE", "/passkeys/"+id, nil).want(404, "passkey.not-found")
		c.do("DELETE", "/passkeys/"+missing, nil).want(404, "passkey.not-found")
		c.do("DELETE", "/passkeys/"+id, nil).want(204, "")
		(&client{h: h, flow: "later"}).byPasskey(t, key).want(401, "passkey.refused")
	})
}

// A replay, a foreign flow, a truncated answer, neither state nor challenge.
func TestBadAnswersOfPasskeysOverTheWire(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c, key := h.alex(), &softkey.Authenticator{}
		c.addPasskey(t, key, "").want(201, "")
		here, there := &client{h: h, flow: "here"}, &client{h: h, flow: "there"}
		p := here.do("POST", "/sign-in/passkey/options", nil).want(200, "")
		good := object{"state": p.at("state"), "assertion": here.asserted(t, key, p.body)}
		there.do("POST", "/sign-in/passkey", good).want(401, "passkey.over")
		here.do("POST", "/sign-in/passkey", good).want(200, "")
		here.do("POST", "/sign-in/passkey", good).want(401, "passkey.over")
		here.do("POST", "/sign-in/passkey", object{"state": p.str("state")[:40], "assertion": good["assertion"]}).want(401, "passkey.over")
		here.do("POST", "/sign-in/passkey", object{"state": p.at("state"), "assertion": object{"id": "AA"}}).want(422, "invalid")
		here.do("POST", "/sign-in/passkey", object{"assertion": good["assertion"]}).want(422, "invalid")
		here.do("POST", "/sign-in/passkey", object{"state": p.at("state"), "challenge_id": missing, "assertion": good["assertion"]}).want(422, "invalid")
		here.do("POST", "/sign-in/passkey", object{"challenge_id": missing, "assertion": good["assertion"]}).want(401, "signin.code-over")
		c.do("POST", "/passkeys", object{"state": p.at("state"), "credential": good["assertion"]}).want(403, "passkey.over")
	})
}

func TestAPasskeyInPlaceOfACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c, key := h.alex(), &softkey.Authenticator{Synced: true}
		c.addPasskey(t, key, "Phone").want(201, "")
		fresh := &client{h: h, flow: "fresh"}
		a := fresh.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}).want(200, "")
		a = fresh.do("POST", "/sign-in/passkey", object{"challenge_id": a.at("challenge.id"), "assertion": fresh.asserted(t, key, a.at("challenge.passkey"))}).want(200, "")
		fresh.token = a.str("session.token")

		large := object{"account_id": fresh.account("card"), "payment_method_id": fresh.find("/payment-methods", "status", "verified"), "amount": dollars("900.00")}
		refused := fresh.do("POST", "/payments", large, "Idempotency-Key", "big").want(403, "step-up-required")
		assertion := fresh.asserted(t, key, refused.at("challenge.passkey"))
		challenge := refused.str("challenge.id")
		c.do("POST", "/step-up", object{"challenge_id": challenge, "assertion": assertion}).want(403, "step-up.code-over")
		proof := fresh.do("POST", "/step-up", object{"challenge_id": challenge, "assertion": assertion}).want(200, "").str("proof")
		large["amount"] = dollars("901.00")
		fresh.do("POST", "/payments", large, "Idempotency-Key", "other", "Step-Up-Proof", proof).want(403, "")
		large["amount"] = dollars("900.00")
		paid := fresh.do("POST", "/payments", large, "Idempotency-Key", "big", "Step-Up-Proof", proof).want(201, "").str("id")
		e, err := h.core.SignIn.EvidenceFor(t.Context(), paid)
		if err != nil || e.Way != "passkey" {
			t.Fatalf("%+v %v", e, err)
		}
		if err := e.Verify(); err != nil {
			t.Fatal(err)
		}
	})
}
