package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/edge/route"
	"standfast/internal/token"
)

// The edge tells members apart by what their sessions say, under keys that core
// tells it; whoever has none, or one that nobody signed, by their address.
func TestAMemberIsTheSameFromEveryAddress(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := routingThatHears(t, keysSaid(public))
	r.readKeys(t.Context(), "us")

	sign := func(key ed25519.PrivateKey, cell string, lasts time.Duration) string {
		ring := token.NewKeyring(cell, 1)
		if err := ring.Replace(nil, token.Signer{ID: "k1", Key: key}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		tok, err := ring.Sign(token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: "member 7", IssuedAt: now.Add(-24 * time.Hour), Idle: now.Add(lasts), Expires: now.Add(lasts)})
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	mint := func(key ed25519.PrivateKey) string { return sign(key, "us", time.Hour) }
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cookie, bearer, want string }{
		{"a page's session", mint(private), "", "member 7"},
		{"a program's session", "", mint(private), "member 7"},
		{"a forged one", mint(other), "", "192.0.2.1"},
		{"none", "", "", "192.0.2.1"},
		{"one that is over", sign(private, "us", -time.Hour), "", "member 7"}, // signing in again happens where they were
		{"another cell's", sign(private, "gb", time.Hour), "", "192.0.2.1"},
		{"one cut short", mint(private)[:40], "", "192.0.2.1"},
		{"one with more behind it", "", mint(private) + "A", "192.0.2.1"},
		{"no token at all", "", "member 7", "192.0.2.1"},
		{"a very long one", "", "v4.public." + strings.Repeat("A", 1<<16), "192.0.2.1"},
		{"a bearer's before a cookie's", mint(private), "x", "192.0.2.1"},
	} {
		q := httptest.NewRequest("GET", "/dashboard", nil) // from 192.0.2.1
		if c.cookie != "" {
			q.AddCookie(&http.Cookie{Name: "sf_us_session_v1", Value: c.cookie})
		}
		if c.bearer != "" {
			q.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		if got := r.sticky("us", q); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// routingThatHears is a routing of one cell with one build, which answers every
// question of the edge's in the same way.
func routingThatHears(t *testing.T, a *said) *routing {
	t.Helper()
	c := EdgeDefaults()
	c.Store = filepath.Join(t.TempDir(), "edge.db")
	c.Cells = []EdgeCellConfig{{Name: "us", Hosts: []string{"localhost"}, Builds: []EdgeBuildConfig{{Name: "a", URL: "http://localhost:1"}}}}
	r, err := newRouting(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.decisions.finish)
	r.ask = func(context.Context, route.Target, string) (*http.Response, error) {
		return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body))}, nil
	}
	return r
}

// said is what a process says to the edge.
type said struct {
	status int
	body   string
}

func keysSaid(public ed25519.PublicKey) *said {
	return &said{http.StatusOK, fmt.Sprintf(`{"keys":[{"id":"k1","public_key":%q}]}`, base64.RawURLEncoding.EncodeToString(public))}
}

// What answers a probe is ready only if it says so as our processes do.
func TestAProbeBelievesOnlyWhatIsSaidInFull(t *testing.T) {
	for _, c := range []struct {
		name string
		said
		want route.Probe
	}{
		{"ready", said{200, `{"ready":true,"build":"a"}`}, route.Probe{Answered: true, Ready: true, Build: "a"}},
		{"about to stop", said{503, `{"ready":false,"build":"a"}`}, route.Probe{Answered: true, Build: "a"}},
		{"ready with a status that says no", said{503, `{"ready":true,"build":"a"}`}, route.Probe{Answered: true, Build: "a"}},
		{"another server's page", said{200, `<!doctype html><title>It works</title>`}, route.Probe{}},
		{"another server's JSON", said{200, `{"status":"ok"}`}, route.Probe{}},
		{"a word in place of yes", said{200, `{"ready":"true"}`}, route.Probe{}},
		{"nothing", said{200, ``}, route.Probe{}},
		{"cut short", said{200, `{"ready":true,"build":"a`}, route.Probe{}},
		{"a list", said{200, `[true]`}, route.Probe{}},
		{"not found", said{404, `{"ready":true,"build":"a"}`}, route.Probe{}},
		{"sent elsewhere", said{302, `{"ready":true,"build":"a"}`}, route.Probe{}},
		{"more than anybody reads", said{200, `{"build":"` + strings.Repeat("a", maxInternal) + `","ready":true}`}, route.Probe{}},
	} {
		r := routingThatHears(t, &c.said)
		if got := r.probe(t.Context(), r.Targets()[0]); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Keys that are none do not take away those that are known, and are asked for again soon.
func TestBadKeysLeaveTheKnownOnes(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := keysSaid(public)
	r := routingThatHears(t, a)
	if !r.readKeys(t.Context(), "us") {
		t.Error("keys that were read are not taken for it")
	}
	ring := token.NewKeyring("us", 1)
	if err := ring.Replace(nil, token.Signer{ID: "k1", Key: private}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tok, err := ring.Sign(token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: "member 7", IssuedAt: now, Idle: now.Add(time.Hour), Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	short := base64.RawURLEncoding.EncodeToString(public[:31])
	for _, body := range []string{``, `{}`, `{"keys":[]}`, `{"keys":null}`, `[]`, `<html>`, `{"keys":[{"id":"k1","public_key":"?"}]}`,
		`{"keys":[{"id":"k1","public_key":""}]}`, `{"keys":[{"id":"k1","public_key":"` + short + `"}]}`, a.body[:len(a.body)-3]} {
		*a = said{http.StatusOK, body}
		if r.readKeys(t.Context(), "us") {
			t.Errorf("%q is taken for keys", body)
		}
		q := httptest.NewRequest("GET", "/dashboard", nil)
		q.Header.Set("Authorization", "Bearer "+tok)
		if got := r.sticky("us", q); got != "member 7" {
			t.Errorf("after %q: %q", body, got)
		}
	}
}
