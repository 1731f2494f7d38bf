package portal

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestPagesScoreAsMozillaCountsThem adds up what the MDN HTTP Observatory gives
// for an answer over TLS, by its published table of modifiers: 100 to begin with,
// what is missing taken away, and what is better than it must be on top (from 90
// on). Listing in the browsers' preload list, which would be 5 more, is not ours
// to decide.
func TestPagesScoreAsMozillaCountsThem(t *testing.T) {
	h := onSQLite(t)
	services := h.services
	services.Cell.Secure, services.Cookies.Secure = true, true
	pages := New(services)
	for _, address := range []string{"/", "/sign-in", "/help", "/security", "/nowhere"} {
		r := httptest.NewRequest(http.MethodGet, "https://my.example.com"+address, nil)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		got := observatory(w.Result(), w.Body.Bytes())
		if got < 130 {
			t.Errorf("%s scores %d", address, got)
		}
		t.Logf("%s: %d", address, got)
	}
}

func observatory(res *http.Response, body []byte) int {
	parts := []int{policyScore(res.Header), cookieScore(res.Cookies()), integrityScore(body), transportScore(res.Header), framesScore(res.Header),
		referrerScore(res.Header), resourceScore(res.Header), sniffScore(res.Header), sharingScore(res.Header)}
	score, bonus := 100, 0
	for _, p := range parts {
		if p < 0 {
			score += p
		} else {
			bonus += p
		}
	}
	if score >= 90 { // extra credit is for those who have the basics
		score += bonus
	}
	return score
}

// directives reads a content security policy.
func directives(h http.Header) map[string][]string {
	all := map[string][]string{}
	for d := range strings.SplitSeq(h.Get("Content-Security-Policy"), ";") {
		if f := strings.Fields(d); len(f) > 0 {
			all[f[0]] = f[1:]
		}
	}
	return all
}

func policyScore(h http.Header) int {
	d := directives(h)
	source := func(name string) []string {
		if v, ok := d[name]; ok {
			return v
		}
		return d["default-src"]
	}
	if len(d) == 0 {
		return -25
	}
	for _, name := range []string{"script-src", "object-src", "style-src"} {
		v := source(name)
		for _, bad := range []string{"'unsafe-inline'", "'unsafe-eval'", "data:", "https:", "http:", "*"} {
			if v == nil || slices.Contains(v, bad) {
				return -20
			}
		}
	}
	form := d["form-action"]
	if slices.Equal(d["default-src"], []string{"'none'"}) && (slices.Equal(form, []string{"'self'"}) || slices.Equal(form, []string{"'none'"})) {
		return 10
	}
	return 5
}

func cookieScore(list []*http.Cookie) int {
	for _, c := range list {
		switch {
		case !c.Secure:
			return -40
		case !c.HttpOnly:
			return -30
		case c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode:
			return 0
		}
	}
	if len(list) == 0 {
		return 0
	}
	return 5
}

// integrityScore looks at every script: our own origin, each with its sum.
func integrityScore(body []byte) int {
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return -20
	}
	scripts, score := 0, 5
	node{doc}.each(func(n node) {
		if n.Data != "script" || n.get("src") == "" {
			return
		}
		scripts++
		u, err := url.Parse(n.get("src"))
		if err != nil || u.Host != "" {
			score = -50
		} else if n.get("integrity") == "" {
			score = min(score, 0)
		}
	})
	if scripts == 0 {
		return 0
	}
	return score
}

func transportScore(h http.Header) int {
	for part := range strings.SplitSeq(h.Get("Strict-Transport-Security"), ";") {
		if age, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			if len(age) >= len("15768000") && (len(age) > len("15768000") || age >= "15768000") { // six months
				return 0
			}
			return -10
		}
	}
	return -20
}

func framesScore(h http.Header) int {
	switch v := directives(h)["frame-ancestors"]; {
	case slices.Equal(v, []string{"'none'"}), slices.Equal(v, []string{"'self'"}):
		return 5
	case h.Get("X-Frame-Options") == "DENY", h.Get("X-Frame-Options") == "SAMEORIGIN":
		return 0
	}
	return -20
}

func referrerScore(h http.Header) int {
	switch h.Get("Referrer-Policy") {
	case "no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin":
		return 5
	case "":
		return 0
	}
	return -5
}

func resourceScore(h http.Header) int {
	switch h.Get("Cross-Origin-Resource-Policy") {
	case "same-origin", "same-site":
		return 10
	case "", "cross-origin":
		return 0
	}
	return -5
}

func sniffScore(h http.Header) int {
	if h.Get("X-Content-Type-Options") != "nosniff" {
		return -5
	}
	return 0
}

func sharingScore(h http.Header) int {
	if h.Get("Access-Control-Allow-Origin") != "" && h.Get("Access-Control-Allow-Credentials") == "true" {
		return -50
	}
	return 0
}
