package contract

import (
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// A program that sets up an authenticator app for its member, and recovery codes,
// with nothing but the document at hand.
func TestSecondFactors(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		set := c.do("POST", "/authenticators", nil).want(201, "")
		if n := len(c.do("GET", "/authenticators", nil).want(200, "").items()); n != 0 {
			t.Errorf("%d apps before the first code", n)
		}
		id := set.str("id")
		c.do("POST", "/authenticators/"+id+"/confirm", object{"code": "12345x"}).want(422, "")
		c.do("POST", "/authenticators/"+missing+"/confirm", object{"code": "123456"}).want(404, "")
		h.jamie().do("POST", "/authenticators/"+id+"/confirm", object{"code": "123456"}).want(404, "")
		code, err := totp.GenerateCode(set.str("secret"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.do("POST", "/authenticators/"+id+"/confirm", object{"code": code}).want(204, "")
		if app := c.do("GET", "/authenticators", nil).want(200, "").items(); len(app) != 1 || app[0].(object)["id"] != id {
			t.Errorf("%v", app)
		}

		made := c.do("POST", "/recovery-codes", nil).want(201, "").at("codes").([]any)
		fresh := &client{h: h, flow: "fresh"}
		a := fresh.do("POST", "/sign-in", object{"username": "alex", "password": "harbor-lantern-42"}).want(200, "")
		if a.at("challenge.channel") != "app" || !slices.Contains(a.at("challenge.ways").([]any), any("recovery")) {
			t.Errorf("%s", a.text)
		}
		in := object{"challenge_id": a.str("challenge.id"), "code": made[0]}
		fresh.do("POST", "/sign-in/code", in).want(200, "")
		fresh.do("POST", "/sign-in/code", in).want(200, "")
		if left := c.do("GET", "/recovery-codes", nil).want(200, "").at("left"); left != float64(len(made)-1) {
			t.Errorf("%v codes are left", left)
		}
		h.jamie().do("DELETE", "/authenticators/"+id, nil).want(404, "")
		c.do("DELETE", "/authenticators/"+id, nil).want(204, "")
	})
}
