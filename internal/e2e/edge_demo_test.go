package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Core and edge are killed, one after the other. The supervisor starts each
// again, and the session that was there still serves: nobody signs in anew, and
// the payment that was acknowledged stands.
func TestBehindAnEdgeASessionOutlivesEachProcess(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := signIn(t, d, 0)
	paid := c.pay(t, cent, "edge-"+t.Name())
	for _, name := range []string{"core", "edge"} {
		d.kill(t, name)
		eventually(t, startLimit, "answer after "+name+" was killed", func() bool {
			status, _, err := c.send("GET", "/dashboard", nil, nil)
			if status == http.StatusUnauthorized {
				t.Fatalf("after %s was killed the session is gone", name)
			}
			return err == nil && status == http.StatusOK
		})
	}
	if again := c.pay(t, cent, "edge-"+t.Name()); again.ID != paid.ID {
		t.Errorf("one intention, two payments: %v and %v", paid, again)
	}
}

// kill ends a process of the demo for good.
func (d *demo) kill(t testing.TB, name string) { d.signal(t, name, syscall.SIGKILL) }

func (d *demo) signal(t testing.TB, name string, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(d.PIDs[name], s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// standinKnows waits until the stand-in has all that is committed now.
func (d *demo) standinKnows(t testing.TB) {
	t.Helper()
	now := time.Now()
	eventually(t, time.Minute, "stand-in that knows it all", func() bool {
		r, err := http.Get(d.StandIn + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		var state struct {
			AsOf time.Time `json:"as_of"`
		}
		return json.NewDecoder(r.Body).Decode(&state) == nil && state.AsOf.After(now)
	})
}

// With core stopped, the stand-in serves the session that is there: balances, a
// payment, a freeze, and a new sign-in from the known browser. Once core goes on,
// the payment is there once, is found by the number that was given, and settles.
func TestWithCoreStoppedTheStandInServes(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := signIn(t, d, 0)
	d.standinKnows(t)
	d.signal(t, "core", syscall.SIGSTOP)
	var paid receipt
	eventually(t, time.Minute, "payment without core", func() bool {
		status, a, err := c.send("POST", "/payments", c.payment(cent), map[string]string{"Idempotency-Key": "standin-1"})
		if status == http.StatusUnauthorized {
			t.Fatal("without core the session is gone")
		}
		paid = receiptOf(a, "standin-1")
		return err == nil && status == http.StatusCreated
	})
	if again := c.pay(t, cent, "standin-1"); again.ID != paid.ID || again.ConfirmationNumber != paid.ConfirmationNumber {
		t.Errorf("one intention, two payments: %v and %v", paid, again)
	}
	if status, a := c.do(t, "GET", "/dashboard", nil, nil); status != http.StatusOK {
		t.Errorf("dashboard: %d %v", status, a)
	}
	if status, a := c.do(t, "POST", "/cards/"+c.card+"/freeze", nil, nil); status != http.StatusOK || a["status"] != "requested" {
		t.Errorf("freeze: %d %v", status, a)
	}
	who := d.Members[0]
	status, a := c.do(t, "POST", "/sign-in", map[string]any{"username": who.Username, "password": who.Password}, nil)
	if status != http.StatusOK || a["status"] != "signed_in" {
		t.Errorf("sign-in from a known browser: %d %v", status, a)
	}
	d.signal(t, "core", syscall.SIGCONT)
	eventually(t, 3*time.Minute, "payment that core has taken over", func() bool {
		status, a := c.do(t, "GET", "/payments", nil, nil)
		list, _ := a["items"].([]any)
		return status == http.StatusOK && len(list) == 1 && receiptOf(list[0].(map[string]any), "").Status == "settled"
	})
	// Core may have taken the first attempt after all, when it went on: then the
	// payment stands under its number, and is found by the other one too.
	if all := c.payments(t); len(all) != 1 {
		t.Errorf("one intention is %d payments: %v", len(all), all)
	}
	if status, a := c.do(t, "GET", "/payments/"+paid.ConfirmationNumber, nil, nil); status != http.StatusOK || receiptOf(a, "").Status != "settled" {
		t.Errorf("the number that the member was given leads to %d %v", status, a)
	}
}

// With everything behind it dead for good, the edge says so itself: a page with the telephone
// number, a problem with when to come back, and no cookie is touched.
func TestWithNothingBehindItTheEdgeAnswersHonestly(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--no-restart")
	c := signIn(t, d, 0)
	d.kill(t, "core")
	d.kill(t, "standin")
	eventually(t, time.Minute, "honest problem", func() bool {
		status, a, err := c.send("GET", "/dashboard", nil, nil)
		return err == nil && status == http.StatusServiceUnavailable && a["title"] != nil
	})
	r, err := http.Get(d.Portal + "dashboard")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	page, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || len(r.Cookies()) > 0 || !strings.Contains(string(page), "1 800 555 0100") {
		t.Errorf("%s %v\n%s", r.Status, r.Header, page)
	}
}
