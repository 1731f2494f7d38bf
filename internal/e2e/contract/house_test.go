// Package contract holds the JSON API to API.md with the real rooms behind it, on
// both engines. It holds tests only.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/app"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// house is a core process's rooms with the demo's members, served over HTTP.
type house struct {
	t    testing.TB
	url  string
	mail *mailbox
	doc  object // OpenAPI
	db   *db.DB
	core *app.Rooms
	in   map[string]*client
}

// each runs a test on each engine, each time with a house of its own.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "core.db"))) })
	t.Run("postgresql", func(t *testing.T) { test(t, open(t, dbtest.PostgreSQLURL(t))) })
}

func open(t *testing.T, database string) *house {
	t.Helper()
	t.Setenv("STANDFAST_DEMO", "1")
	h := &house{t: t, mail: newMailbox(t), in: map[string]*client{}}
	c := app.Defaults()
	c.Cell.PublicURL = "http://localhost"
	c.Database, c.MasterKey = database, filepath.Join(t.TempDir(), "master.key")
	c.Demo.Mailbox = h.mail.url
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	rooms, err := app.Open(ctx, c, slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rooms.Close() })
	if err := app.SeedDemo(ctx, rooms, c); err != nil {
		t.Fatal(err)
	}
	h.db, h.core = rooms.DB, rooms
	h.run(ctx, stop, rooms)
	server := httptest.NewServer(rooms.Handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	r, err := http.NewRequest("GET", h.url+"/api/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.doc = h.send(r).body
	return h
}

// known gives a client that is signed in already, or signs it in.
func (h *house) known(name string, signIn func() *client) *client {
	if h.in[name] == nil {
		h.in[name] = signIn()
	}
	return h.in[name]
}

// run keeps the rooms' loops going until the test ends.
func (h *house) run(ctx context.Context, stop context.CancelFunc, rooms *app.Rooms) {
	if err := rooms.Jobs.Start(ctx); err != nil {
		h.t.Fatal(err)
	}
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{rooms.SignIn.Run, rooms.Ledger.Run, rooms.Sequencer.Run, rooms.Payments.Run} {
		loops.Go(func() {
			if err := loop(ctx); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
				h.t.Error(err)
			}
		})
	}
	h.t.Cleanup(func() {
		late, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := rooms.Jobs.Stop(late); err != nil {
			h.t.Log(err)
		}
		stop()
		loops.Wait()
	})
}

// testLog writes a log to the test's.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if os.Getenv("STANDFAST_TEST_LOG") != "" {
		l.t.Logf("%s", p)
	}
	return len(p), nil
}

// mailbox takes every message.
type mailbox struct {
	url   string
	mu    sync.Mutex
	mails []message
	came  chan struct{}
}

type message struct{ To, Code string }

func newMailbox(t testing.TB) *mailbox {
	m := &mailbox{came: make(chan struct{}, 1000)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var mail message
		if err := json.NewDecoder(r.Body).Decode(&mail); err == nil {
			m.mu.Lock()
			m.mails = append(m.mails, mail)
			m.mu.Unlock()
			m.came <- struct{}{}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	m.url = s.URL
	return m
}

// code waits for a code that came after the first n messages, and gives it.
func (m *mailbox) code(t testing.TB, n int) string {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		m.mu.Lock()
		for _, mail := range slices.Backward(m.mails[n:]) {
			if mail.Code != "" {
				m.mu.Unlock()
				return mail.Code
			}
		}
		m.mu.Unlock()
		select {
		case <-m.came:
		case <-late:
			t.Fatal("no code arrived")
		}
	}
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mails)
}

// object is a JSON object.
type object = map[string]any

// answer is what came back.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	text   []byte
	body   object
}

// client is one program that uses the API.
type client struct {
	h                   *house
	token, device, flow string
}

// do sends one request. body is JSON text, an object or nil; header are names and values in turn.
func (c *client) do(method, path string, body any, header ...string) answer {
	c.h.t.Helper()
	r, err := http.NewRequest(method, c.h.url+"/api/v1"+path, reader(c.h.t, body))
	if err != nil {
		c.h.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, v := range map[string]string{"Authorization": "Bearer " + c.token, "Standfast-Device": c.device, "Standfast-Flow": c.flow} {
		if v != "" && v != "Bearer " {
			r.Header.Set(name, v)
		}
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	return c.h.send(r)
}

func reader(t testing.TB, body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(text)
	}
}

func (h *house) send(r *http.Request) answer {
	h.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r) // follows nothing, keeps no cookies
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{t: h.t, what: r.Method + " " + r.URL.Path, status: res.StatusCode, header: res.Header}
	if a.text, err = io.ReadAll(res.Body); err != nil {
		h.t.Fatal(err)
	}
	if len(a.text) > 0 {
		if err := json.Unmarshal(a.text, &a.body); err != nil {
			h.t.Fatalf("%s: %v: %s", a.what, err, a.text)
		}
	}
	if h.doc != nil {
		h.keepsToDocument(r, a)
	}
	return a
}

// want checks the status and, for errors, the end of the type, and gives the answer.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answered %d, want %d: %s", a.what, a.status, status, a.text)
	}
	if kind, _ := a.body["type"].(string); code != "" && !strings.HasSuffix(kind, "/"+code) {
		a.t.Fatalf("%s is of type %q, want %q: %s", a.what, kind, code, a.text)
	}
	if status >= 400 && a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Errorf("%s: a problem of type %s", a.what, a.header.Get("Content-Type"))
	}
	return a
}

// at gives what is at a dotted path of the body: a member's name, or an index.
func (a answer) at(path string) any {
	a.t.Helper()
	return lookUp(a.t, a.body, path)
}

func (a answer) str(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s: %s is no text in %s", a.what, path, a.text)
	}
	return s
}

func (a answer) items() []any {
	a.t.Helper()
	l, ok := a.body["items"].([]any)
	if !ok {
		a.t.Fatalf("%s: no items in %s", a.what, a.text)
	}
	return l
}

func lookUp(t testing.TB, v any, path string) any {
	t.Helper()
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(object)
		if !ok {
			t.Fatalf("there is no %s in %v", path, v)
		}
		v = m[name]
	}
	return v
}

// signIn signs a demo member in with a code and has the device remembered.
func (h *house) signIn(username, password string) *client {
	h.t.Helper()
	c := &client{h: h, flow: "flow-of-" + username}
	sent := h.mail.count()
	a := c.do("POST", "/sign-in", object{"username": username, "password": password}).want(200, "")
	if a.at("status") != "code_required" {
		h.t.Fatalf("no code is required: %s", a.text)
	}
	a = c.do("POST", "/sign-in/code", object{"challenge_id": a.at("challenge.id"), "code": h.mail.code(h.t, sent), "trust_device": true}).want(200, "")
	c.token, c.device = a.str("session.token"), a.str("device.token")
	return c
}

// alex and jamie are demo members.
func (h *house) alex() *client  { return h.signIn("alex", "harbor-lantern-42") }
func (h *house) jamie() *client { return h.signIn("jamie", "meadow-copper-17") }

// account gives the id of the client's first account of a kind.
func (c *client) account(kind string) string {
	c.h.t.Helper()
	return c.find("/accounts", "kind", kind)
}

// find gives the id of the first item of a list whose field has a value.
func (c *client) find(path, field, value string) string {
	c.h.t.Helper()
	for _, i := range c.do("GET", path, nil).want(200, "").items() {
		if m := i.(object); m[field] == value {
			return m["id"].(string)
		}
	}
	c.h.t.Fatalf("%s has no item with %s %s", path, field, value)
	return ""
}
