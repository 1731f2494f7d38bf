package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"standfast/internal/journey"
)

func TestWhoIsOneClient(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":                 "192.0.2.7/32",
		"[::ffff:192.0.2.7]:1":           "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:443":     "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:443":     "2001:db8:1:2::/64",
		"[fe80::1%eth0]:443":             "fe80::/64",
		"@":                              "invalid Prefix",
		"my.example.com:443, 192.0.2.7:": "invalid Prefix",
	} {
		if got := neighbourhood(remote).String(); got != want {
			t.Errorf("%s is %s, not %s", remote, got, want)
		}
	}
}

// from sends the first part of a form from an address of this machine and gives the
// connection, on which the rest never comes.
func (s *stand) from(address string) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c, err := d.DialContext(s.t.Context(), "tcp", s.addr)
	if err != nil {
		s.t.Skipf("no second address on this machine: %v", err)
	}
	s.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// One address that sends its forms slowly has only so many requests under way, and another
// address is served as if it were alone. A place that was left can be had again.
func TestASlowClientHoldsOnlyItsOwnPlaces(t *testing.T) {
	const most = 3
	s := newStand(t, Limits{PerClient: most}, says("served"))
	get := "GET /dashboard HTTP/1.1\r\nHost: my.example.com\r\nX-Forwarded-For: 192.0.2.99\r\nConnection: close\r\n\r\n"
	ask := func(address string) string {
		c := s.from(address)
		fmt.Fprint(c, get)
		b, _ := io.ReadAll(c)
		return string(b)
	}
	held := func() int {
		s.proxy.clients.mu.Lock()
		defer s.proxy.clients.mu.Unlock()
		return s.proxy.clients.held[neighbourhood("127.0.0.2:1")]
	}
	var slow []net.Conn
	for range most {
		c := s.from("127.0.0.2")
		io.WriteString(c, "POST /pay HTTP/1.1\r\nHost: my.example.com\r\nContent-Length: 10\r\n\r\nhalf")
		slow = append(slow, c)
	}
	await(t, func() bool { return held() == most })
	if got := ask("127.0.0.2"); !strings.HasSuffix(got, string(Crowded)) {
		t.Errorf("one more of the slow one's: %q", got)
	}
	if got := ask("127.0.0.3"); !strings.HasSuffix(got, "served") {
		t.Errorf("another address: %q", got)
	}
	slow[0].Close()
	await(t, func() bool { return held() == most-1 })
	if got := ask("127.0.0.2"); !strings.HasSuffix(got, "served") {
		t.Errorf("after a place was left: %q", got)
	}
	for _, c := range slow {
		c.Close()
	}
	await(t, func() bool { return held() == 0 })
	if n := len(s.proxy.clients.held); n != 0 {
		t.Errorf("%d addresses are kept of whom nothing is under way", n)
	}
	s.end()
	refused := 0
	for _, a := range s.table.answers {
		switch a.Outcome {
		case journey.Refused:
			refused++
		case journey.Failed:
			t.Errorf("a greedy address counts as a failure of ours: %+v", a)
		}
	}
	if refused == 0 {
		t.Error("nobody counts who was turned away")
	}
}

// await waits until something is so; the test's own time is its limit.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for !so() {
		select {
		case <-t.Context().Done():
			t.Fatal("it never comes to be")
		case <-time.After(time.Millisecond):
		}
	}
}
