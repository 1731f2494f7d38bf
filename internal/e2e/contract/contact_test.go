package contract

import (
	"strings"
	"testing"
	"time"
)

// A program that changes its member's telephone: the refusal that leads to a
// proof of exactly this number, the code at the new one, the day's wait, the stop.
func TestContacts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		before := c.do("GET", "/contacts", nil).want(200, "")
		n := h.mail.count()
		a := c.do("PUT", "/contacts/phone", object{"address": "+1 202 555 0199"})
		if a.status == 403 { // the sign-in is too long ago
			a.want(403, "step-up-required")
			proof := c.do("POST", "/step-up", object{"challenge_id": a.str("challenge.id"), "code": h.mail.code(t, n)}).want(200, "").str("proof")
			c.do("PUT", "/contacts/phone", object{"address": "+12025550198"}, "Step-Up-Proof", proof).want(403, "step-up-refused")
			n = h.mail.count()
			a = c.do("PUT", "/contacts/phone", object{"address": "+12025550199"}, "Step-Up-Proof", proof)
		}
		id := a.want(200, "").str("id")
		if again := c.do("PUT", "/contacts/phone", object{"address": "+12025550199"}).want(200, ""); again.str("id") != id || a.str("state") != "unproved" {
			t.Errorf("%s", again.text)
		}
		code := h.mail.code(t, n)
		h.jamie().do("POST", "/contacts/changes/"+id+"/code", object{"code": code}).want(403, "step-up.code-over")
		c.do("POST", "/contacts/changes/"+id+"/code", object{"code": "12345x"}).want(422, "")
		done := c.do("POST", "/contacts/changes/"+id+"/code", object{"code": code}).want(200, "")
		if from, err := time.Parse(time.RFC3339, done.str("effective_at")); err != nil || done.str("state") != "waiting" || time.Until(from) < 23*time.Hour {
			t.Errorf("%s", done.text)
		}
		now := c.do("GET", "/contacts", nil).want(200, "")
		if now.str("phone") != before.str("phone") || len(now.at("waiting").([]any)) != 1 {
			t.Errorf("%s", now.text)
		}
		for _, address := range []string{"2025550199", "+1202555O199", strings.Repeat("1", 400)} {
			c.do("PUT", "/contacts/phone", object{"address": address}).want(422, "")
		}
		c.do("PUT", "/contacts/fax", object{"address": "+12025550199"}).want(404, "contact.kind")
		h.jamie().do("DELETE", "/contacts/changes/"+id, nil).want(404, "")
		c.do("DELETE", "/contacts/changes/"+id, nil).want(204, "")
		c.do("DELETE", "/contacts/changes/"+id, nil).want(404, "contact.no-change")
	})
}
