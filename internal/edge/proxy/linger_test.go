package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
)

// A client that sends everything before it reads gets the refusal, and no reset.
func TestWhoSendsTooMuchReadsWhy(t *testing.T) {
	w := newWire(t)
	s := (&stand{t: t}).before(Limits{}, "http://"+w.Addr().String())
	for range 5 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(c, "POST /pay HTTP/1.1\r\nHost: my.example.com\r\nContent-Length: 4000000\r\n\r\n"+strings.Repeat("x", 4_000_000))
		if err != nil {
			t.Fatal("writing:", err)
		}
		b, err := io.ReadAll(c)
		if c.Close(); err != nil || !strings.Contains(string(b), string(TooLarge)) {
			t.Fatalf("%q, %v", b, err)
		}
	}
}
