package fault_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"standfast/internal/gameday/fault"
)

// Each fault is what its name says, is limited to the requests that it is for,
// and is over when it is healed; only one that hangs after the fact lets the
// server see the request.
func TestWebFaults(t *testing.T) {
	var seen atomic.Int64
	arrived := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		seen.Add(1)
		select {
		case arrived <- struct{}{}:
		default:
		}
		_, _ = io.WriteString(w, "right")
	}))
	defer server.Close()
	web, err := fault.NewWeb(server.URL, fault.Encryption{})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	only := func(r *http.Request) bool { return r.URL.Path == "/broken" }
	const hangs = "hangs"
	for name, c := range map[string]struct {
		set   func()
		want  string // body, or how it fails
		sees  int64
		empty bool
	}{
		"whole":      {set: web.Heal, want: "right", sees: 1},
		"late":       {set: func() { web.Delay(time.Millisecond, only) }, want: "right", sees: 1},
		"empty":      {set: func() { web.Empty(only) }, want: "", empty: true},
		"foreign":    {set: func() { web.Foreign(only) }, want: "It works!"},
		"dropped":    {set: func() { web.Drop(only) }, want: io.EOF.Error()},
		"reset":      {set: func() { web.Reset(only) }, want: syscall.ECONNRESET.Error()},
		"hung":       {set: func() { web.Hang(only) }, want: hangs},
		"hung after": {set: func() { web.HangAfter(only) }, want: hangs, sees: 1},
	} {
		select {
		case <-arrived:
		default:
		}
		c.set()
		before := seen.Load()
		if c.want == hangs {
			if err := hung(web.URL()+"/broken", arrived, c.sees > 0); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if got := get(web.URL() + "/broken"); !strings.Contains(got, c.want) || c.empty && got != "" {
			t.Errorf("%s: %q", name, got)
		}
		if n := seen.Load() - before; n != c.sees {
			t.Errorf("%s: the server saw %d requests of %d", name, n, c.sees)
		}
		if got := get(web.URL() + "/other"); got != "right" {
			t.Errorf("%s: another request got %q", name, got)
		}
		web.Heal()
		if got := get(web.URL() + "/broken"); got != "right" {
			t.Errorf("%s: healed, got %q", name, got)
		}
	}
}

// get gives the body, or how it failed. Each call has a connection of its own:
// a client repeats a GET by itself on a used one.
func get(url string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	r, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// hung makes a request that is not to be answered, and gives it up once it has
// arrived at the server, or, where it must not, after a moment.
func hung(url string, arrived <-chan struct{}, arrives bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	if !arrives {
		ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
	}
	defer cancel()
	go func() {
		select {
		case <-arrived:
			cancel()
		case <-ctx.Done():
		}
	}()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(q)
	if err == nil {
		r.Body.Close()
		return errors.New("was answered")
	}
	if ctx.Err() == nil {
		return err
	}
	return nil
}
