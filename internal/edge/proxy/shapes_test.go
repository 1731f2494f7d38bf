package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a target that keeps every byte it gets, so that a test sees what went
// over the wire and not what somebody made of it.
type wire struct {
	net.Listener
	mu    sync.Mutex
	bytes strings.Builder
}

func newWire(t *testing.T) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.serve(c)
		}
	}()
	return w
}

func (w *wire) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(io.TeeReader(c, w))
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nStandfast-Build: b\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes.Write(b)
}

func (w *wire) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes.String()
}

// shapes are requests that two readers have been known to read in two ways, with
// what net/http alone answers and what the edge does. A smuggled request would
// ask for /evil; an honest one follows each, if the connection is still good.
func shapes() []struct{ name, request, bare, edge string } {
	const post = "POST /pay HTTP/1.1\r\nHost: my.example.com\r\n"
	const evil = "GET /evil HTTP/1.1\r\nHost: my.example.com\r\n\r\n"
	return []struct{ name, request, bare, edge string }{
		{"length and chunks", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, "200 200 200", "200"},
		{"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n" + evil, "400", "400"},
		{"two lengths", post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + evil, "400", "400"},
		{"two equal lengths", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "200 200", "200 200"},
		{"a list of lengths", post + "Content-Length: 0, 44\r\n\r\n" + evil, "400", "400"},
		{"a length with a sign", post + "Content-Length: +2\r\n\r\nab", "400", "400"},
		{"a length in hexadecimal", post + "Content-Length: 0x2\r\n\r\nab", "400", "400"},
		{"a negative length", post + "Content-Length: -1\r\n\r\n", "400", "400"},
		{"an unknown coding", post + "Transfer-Encoding: xchunked\r\n\r\n" + evil, "501", "501"},
		{"a coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501", "501"},
		{"a list of codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501", "501"},
		{"identity and a length", post + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab", "501", "501"},
		{"a space before the colon", post + "Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\nab", "400", "400"},
		{"a tab before the colon", post + "Content-Length\t: 2\r\n\r\nab", "400", "400"},
		{"a vertical tab before the coding", post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "400", "400"},
		{"a folded header", post + "X-A: b\r\n Content-Length: 44\r\nContent-Length: 0\r\n\r\n", "200 200", "200 200"},
		{"a folded coding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "200 200", "200"},
		{"a fold in the first header", "POST /pay HTTP/1.1\r\n Host: my.example.com\r\n\r\n", "400", "400"},
		{"a bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n" + evil, "400", "400"},
		{"a chunk longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n" + evil, "400", "400"},
		{"a chunk size beyond 64 bits", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nab\r\n0\r\n\r\n" + evil, "400", "400"},
		{"chunks that end early", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", "400", "400"},
		{"a trailer that is a length", post + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: 44\r\n\r\n", "400", "400"},
		{"a null in a header", post + "X-A: b\x00c\r\n\r\n", "400", "400"},
		{"a bare CR in a header", post + "X-A: b\rTransfer-Encoding: chunked\r\n\r\n", "400", "400"},
		{"two hosts", post + "Host: evil.example\r\n\r\n", "400", "400"},
		{"no host", "GET /pay HTTP/1.1\r\n\r\n", "400", "400"},
		{"HTTP/1.0 with chunks", "POST /pay HTTP/1.0\r\nHost: my.example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, "200", "200"},
		{"a GET with a length", "GET /a HTTP/1.1\r\nHost: my.example.com\r\nContent-Length: 44\r\n\r\n" + evil, "200 200", "200 200"},
		{"HTTP/2 in the clear by upgrade", "GET /a HTTP/1.1\r\nHost: my.example.com\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "200 200", "200 200"},
		{"a WebSocket", "GET /a HTTP/1.1\r\nHost: my.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + evil, "200 200 200", "501"},
		{"a tunnel", "CONNECT my.example.com HTTP/1.1\r\nHost: my.example.com\r\n\r\n" + evil, "200 200 200", "501"},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: my.example.com\r\n\r\n", "200 200", "200 200"},
		{"a line ending in the address", "GET /a%0d%0aX:%20y HTTP/1.1\r\nHost: my.example.com\r\n\r\n", "200 200", "200 200"},
	}
}

func TestNothingThatCanBeReadInTwoWaysGoesOn(t *testing.T) {
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer bare.Close()
	for _, c := range shapes() {
		t.Run(c.name, func(t *testing.T) {
			w := newWire(t)
			s := standBefore(t, Limits{}, "http://"+w.Addr().String())
			const last = "GET /last HTTP/1.1\r\nHost: my.example.com\r\nConnection: close\r\n\r\n"
			if got := statuses(s.raw(c.request + last)); got != c.edge {
				t.Errorf("the edge answers %q, want %q", got, c.edge)
			}
			plain := &stand{t: t, addr: bare.Listener.Addr().String()}
			if got := statuses(plain.raw(c.request + last)); got != c.bare {
				t.Errorf("net/http alone answers %q, want %q", got, c.bare)
			}
			soundOnTheWire(t, w.seen())
		})
	}
}

// soundOnTheWire holds what a target got against the plainest reading: one
// request at a time, with one length or none, never in chunks, and nothing smuggled.
func soundOnTheWire(t *testing.T, seen string) {
	t.Helper()
	if strings.Contains(seen, "GET /evil ") {
		t.Errorf("a request was smuggled: %q", seen)
	}
	for _, request := range strings.SplitAfter(seen, "\r\n\r\n") {
		head := strings.ToLower(request)
		if strings.Contains(head, "transfer-encoding") || strings.Count(head, "\r\ncontent-length:") > 1 || strings.Contains(head, "upgrade") {
			t.Errorf("it went on as %q", request)
		}
	}
	if strings.Contains(strings.ReplaceAll(seen, "\r\n", ""), "\n") || strings.Contains(strings.ReplaceAll(seen, "\r\n", ""), "\r") {
		t.Errorf("a line end of its own: %q", seen)
	}
}

// statuses lists the statuses of answers, one after the other.
func statuses(answers string) string {
	var list []string
	r := bufio.NewReader(strings.NewReader(answers))
	for {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			return strings.Join(list, " ")
		}
		_, _ = io.Copy(io.Discard, a.Body)
		list = append(list, a.Status[:3])
	}
}

func TestBodiesArriveWholeOrNotAtAll(t *testing.T) {
	w := newWire(t)
	s := standBefore(t, Limits{Body: 1000}, "http://"+w.Addr().String())
	if _, got := s.do("POST", "/api/v1/x", strings.Repeat("a", 1001)); got != string(TooLarge) {
		t.Errorf("too much, announced: %q", got)
	}
	const post = "POST /api/v1/x HTTP/1.1\r\nHost: my.example.com\r\n"
	chunk := "3e9\r\n" + strings.Repeat("a", 1001) + "\r\n0\r\n\r\n"
	if got := s.raw(post + "Transfer-Encoding: chunked\r\n\r\n" + chunk); !strings.Contains(got, string(TooLarge)) {
		t.Errorf("too much, in chunks: %q", got)
	}
	if w.seen() != "" {
		t.Errorf("something of it went on: %q", w.seen())
	}
	if got := s.raw(post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"); !strings.Contains(got, "\r\nConnection: close\r\n") {
		t.Errorf("after chunks the connection stays: %q", got)
	}
	if seen := w.seen(); !strings.Contains(seen, "Content-Length: 3\r\n") || !strings.HasSuffix(seen, "\r\n\r\nabc") {
		t.Errorf("it went on as %q", seen)
	}
}

// A client that sends slowly is cut off, and holds no place meanwhile.
func TestASlowBodyHoldsNoPlace(t *testing.T) {
	w := newWire(t)
	s := (&stand{t: t, readTimeout: 2 * time.Second}).before(Limits{InFlight: 1}, "http://"+w.Addr().String())
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /pay HTTP/1.1\r\nHost: my.example.com\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	if _, got := s.do("GET", "/", ""); got != "ok" {
		t.Errorf("beside it: %q", got)
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(b), string(TooSlow)) {
		t.Errorf("the slow one got %q, %v", b, err)
	}
	if strings.Contains(w.seen(), "half") {
		t.Error("a half request went on")
	}
}
