package edge

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Beyond its limit of connections a listener accepts nobody, and who waits is served as
// soon as one of the others goes.
func TestALimitOfConnectionsIsKept(t *testing.T) {
	const most = 2
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 8)
	s := Server{Connections: most, Log: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- r.URL.Path
	})}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	open := func(path string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: my.example.com\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := open("/1")
	second := open("/2")
	if got := <-came + <-came; got != "/1/2" && got != "/2/1" {
		t.Fatal(got)
	}
	third := open("/3")
	// The two that are there are served on; the third has not come by then.
	for _, c := range []net.Conn{first, second} {
		if _, err := io.WriteString(c, "GET /again HTTP/1.1\r\nHost: my.example.com\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := <-came; got != "/again" {
			t.Errorf("came %s", got)
		}
	}
	first.Close()
	if got := <-came; got != "/3" {
		t.Errorf("came %s", got)
	}
	b := make([]byte, 64)
	if n, err := third.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 200") {
		t.Errorf("%q, %v", b[:n], err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
