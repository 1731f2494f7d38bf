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
	c := EdgeDefaults()
	c.Store = filepath.Join(t.TempDir(), "edge.db")
	c.Cells = []EdgeCellConfig{{Name: "us", Hosts: []string{"localhost"}, Builds: []EdgeBuildConfig{{Name: "a", URL: "http://localhost:1"}}}}
	r, err := newRouting(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.decisions.finish()
	r.ask = func(context.Context, route.Target, string) (*http.Response, error) {
		keys := fmt.Sprintf(`{"keys":[{"id":"k1","public_key":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(keys))}, nil
	}
	r.readKeys(t.Context(), "us")

	mint := func(key ed25519.PrivateKey) string {
		ring := token.NewKeyring("us", 1)
		if err := ring.Replace(nil, token.Signer{ID: "k1", Key: key}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		tok, err := ring.Sign(token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: "member 7", IssuedAt: now, Idle: now.Add(time.Hour), Expires: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cookie, bearer, want string }{
		{"a page's session", mint(private), "", "member 7"},
		{"a program's session", "", mint(private), "member 7"},
		{"a forged one", mint(other), "", "192.0.2.1"},
		{"none", "", "", "192.0.2.1"},
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
