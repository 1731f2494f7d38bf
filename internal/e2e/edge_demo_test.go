package e2e

import (
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
	d := startDemo(t, "--edge")
	c := signIn(t, d, 0)
	paid := c.pay(t, cent, "edge-"+t.Name())
	for _, name := range []string{"core", "edge"} {
		if err := syscall.Kill(d.PIDs[name], syscall.SIGKILL); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
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

// With core dead for good, the edge says so itself: a page with the telephone
// number, a problem with when to come back, and no cookie is touched.
func TestWithCoreDeadTheEdgeAnswersHonestly(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--edge", "--no-restart")
	c := signIn(t, d, 0)
	if err := syscall.Kill(d.PIDs["core"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
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
