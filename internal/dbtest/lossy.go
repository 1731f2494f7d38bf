package dbtest

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
)

// Lossy stands between a program and PostgreSQL and loses the answers to commits.
type Lossy struct {
	URL     string       // leads through it
	Answers atomic.Int32 // how many commits from now on are done and not answered: the connection breaks
	Commits atomic.Int32 // how many from now on do not even arrive; they come before Answers
	lost    atomic.Int32
}

// Lost tells how often something was lost.
func (l *Lossy) Lost() int { return int(l.lost.Load()) }

// NewLossy makes a Lossy before the server of a postgres:// URL.
func NewLossy(t testing.TB, target string) *Lossy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	l := &Lossy{}
	server := u.Host
	q := u.Query()
	q.Set("sslmode", "disable") // a commit must be seen
	u.Host, u.RawQuery = in.Addr().String(), q.Encode()
	l.URL = u.String()
	go func() {
		for {
			client, err := in.Accept()
			if err != nil {
				return
			}
			go l.pass(client, server)
		}
	}()
	return l
}

func (l *Lossy) pass(client net.Conn, server string) {
	defer client.Close()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer up.Close()
	var deaf atomic.Bool
	go func() {
		defer client.Close()
		_, _ = io.Copy(muted{client, &deaf}, up)
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		commit := bytes.Contains(b[:n], []byte("commit\x00"))
		if commit && l.take(&l.Commits) {
			return
		}
		if commit && l.take(&l.Answers) {
			deaf.Store(true)
		}
		if _, err := up.Write(b[:n]); err != nil {
			return
		}
	}
}

func (l *Lossy) take(from *atomic.Int32) bool {
	for n := from.Load(); n > 0; n = from.Load() {
		if from.CompareAndSwap(n, n-1) {
			l.lost.Add(1)
			return true
		}
	}
	return false
}

// muted passes on what a server says until it is deaf, and then breaks off.
type muted struct {
	net.Conn
	deaf *atomic.Bool
}

func (m muted) Write(b []byte) (int, error) {
	if m.deaf.Load() {
		return 0, io.ErrClosedPipe
	}
	return m.Conn.Write(b)
}
