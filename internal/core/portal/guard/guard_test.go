package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What each page must forbid is written out, so that it cannot go by itself.
func TestPagesAreGuarded(t *testing.T) {
	h := http.Header{}
	Headers(h, true)
	for name, parts := range map[string]string{
		"Content-Security-Policy":      "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"X-Content-Type-Options":       "nosniff",
		"Cache-Control":                "no-store",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "max-age=63072000",
	} {
		for part := range strings.SplitSeq(parts, "; ") {
			if !strings.Contains(h.Get(name), part) {
				t.Errorf("%s lacks %s: %s", name, part, h.Get(name))
			}
		}
	}
	if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
		t.Error("something inline is allowed")
	}
	plain := http.Header{}
	Headers(plain, false)
	if plain.Get("Strict-Transport-Security") != "" {
		t.Error("a site without TLS insists on it")
	}
}

func TestOtherSitesFormsAreNotTaken(t *testing.T) {
	p, err := Origins("https://my.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{"https://my.example.com": true, "https://evil.example": false, "http://my.example.com": false, "null": false} {
		r := httptest.NewRequest("POST", "http://core.internal/", nil)
		r.Header.Set("Origin", origin)
		if got := p.Check(r) == nil; got != want {
			t.Errorf("%s: taken %v", origin, got)
		}
	}
	if _, err := Origins("no origin"); err == nil {
		t.Error("what is no origin is taken for one")
	}
}
