package edge

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// door is a server whose requests to /slow wait until they are let go.
type door struct {
	t     *testing.T
	addr  string
	stop  context.CancelFunc
	done  chan error
	began chan struct{}
	let   chan struct{}
}

func newDoor(t *testing.T, connections int) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	d := &door{t: t, addr: l.Addr().String(), stop: stop, done: make(chan error, 1), began: make(chan struct{}, 9), let: make(chan struct{})}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			d.began <- struct{}{}
			<-d.let
		}
		_, _ = io.WriteString(w, "ok")
	})
	go func() {
		d.done <- Server{Handler: h, Connections: connections, Log: slog.New(slog.DiscardHandler)}.Serve(ctx, l)
	}()
	return d
}

type caller struct {
	net.Conn
	answers *bufio.Reader
}

func (d *door) call() caller {
	d.t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	return caller{c, bufio.NewReader(c)}
}

// ask sends a request; answer reads its answer, within some time.
func (c caller) ask(path string) {
	_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
}

func (c caller) answer(within time.Duration) (*http.Response, error) {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(c.answers, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return r, err
}

// Whoever is being served when the process stops gets the whole answer, and is told that
// the connection ends; nobody else gets in.
func TestStoppingFinishesWhatHasBegun(t *testing.T) {
	d := newDoor(t, 0)
	c := d.call()
	c.ask("/slow")
	<-d.began
	d.stop()
	for until := time.Now().Add(time.Minute); ; {
		n, err := net.Dial("tcp", d.addr)
		if err != nil {
			break
		}
		n.Close()
		if time.Now().After(until) {
			t.Fatal("a stopping process takes connections")
		}
	}
	close(d.let)
	r, err := c.answer(time.Minute)
	if err != nil || r.StatusCode != http.StatusOK || !r.Close {
		t.Errorf("%v %v", r, err)
	}
	if err := <-d.done; err != nil {
		t.Error(err)
	}
}

// A header that is larger than any of ours is refused before anybody reads it.
func TestHugeHeadersAreRefused(t *testing.T) {
	d := newDoor(t, 0)
	for name, header := range map[string]string{"one": "Cookie: " + strings.Repeat("x", 40<<10), "many": strings.Repeat("A: b\r\n", 8<<10)} {
		c := d.call()
		_, _ = io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n")
		r, err := c.answer(time.Minute)
		if err != nil || r.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !r.Close {
			t.Errorf("%s: %v %v", name, r, err)
		}
	}
	if len(d.began) > 0 {
		t.Error("somebody has read it")
	}
}

// Whoever sends a header letter by letter is cut off, however long they go on.
func TestASlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	d := newDoor(t, 0)
	c := d.call()
	_, _ = io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: x\r\n")
	letters := time.NewTicker(100 * time.Millisecond)
	defer letters.Stop()
	go func() {
		for range letters.C {
			if _, err := io.WriteString(c, "a"); err != nil {
				return
			}
		}
	}()
	if r, err := c.answer(time.Minute); err == nil && r.StatusCode < 400 || errors.Is(err, os.ErrDeadlineExceeded) || len(d.began) > 0 {
		t.Errorf("%v %v", r, err)
	}
}
