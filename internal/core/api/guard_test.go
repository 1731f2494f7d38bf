package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask sends one request to a handler and gives its answer.
func ask(h http.Handler, method, path, contents string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(contents))
	if contents != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problemOf checks that an answer is a problem of the given status and type and gives it.
func problemOf(t *testing.T, w *httptest.ResponseRecorder, status int, code string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status || w.Header().Get("Content-Type") != problemJSON {
		t.Errorf("got %d as %s, want %d: %s", w.Code, w.Header().Get("Content-Type"), status, w.Body)
	}
	if code != "" && !strings.HasSuffix(p.Type, "/"+code) {
		t.Errorf("type is %s, want …/%s", p.Type, code)
	}
	if p.Title == "" || p.Detail == "" {
		t.Errorf("no title or detail: %s", w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the answer may be cached")
	}
	if (status == 503 || status == 429) != (w.Header().Get("Retry-After") != "") {
		t.Errorf("%d with Retry-After %q", status, w.Header().Get("Retry-After"))
	}
	return p
}

func TestWhatNoCallTakes(t *testing.T) {
	h := bare(t)
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     string
	}{
		{"unknown route", "GET", "/api/v1/nothing", "", nil, 404, "no-such-call"},
		{"unknown version", "GET", "/api/v2/session", "", nil, 404, "no-such-call"},
		{"the bare prefix", "GET", "/api/", "", nil, 404, "no-such-call"},
		{"wrong method", "PUT", "/api/v1/session", "", nil, 405, "method"},
		{"wrong method on an object", "PATCH", "/api/v1/payments/x", "", nil, 405, "method"},
		{"form", "POST", "/api/v1/sign-in", "username=a", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "content-type"},
		{"text", "POST", "/api/v1/sign-in", "{}", []string{"Content-Type", "text/plain"}, 415, "content-type"},
		{"other JSON", "POST", "/api/v1/sign-in", "{}", []string{"Content-Type", "application/vnd.x+json"}, 415, "content-type"},
		{"other charset", "POST", "/api/v1/sign-in", "{}", []string{"Content-Type", "application/json; charset=utf-16"}, 415, "content-type"},
		{"broken JSON", "POST", "/api/v1/sign-in", `{"username":`, nil, 400, "malformed"},
		{"two values", "POST", "/api/v1/sign-in", `{"username":"a","password":"b"} {}`, nil, 400, "malformed"},
		{"no body", "POST", "/api/v1/sign-in", "", nil, 400, "malformed"},
		{"deep nesting", "POST", "/api/v1/sign-in", strings.Repeat("[", 200000), nil, 400, "malformed"},
		{"a list", "POST", "/api/v1/sign-in", `[]`, nil, 422, "invalid"},
		{"null", "POST", "/api/v1/sign-in", `null`, nil, 422, "invalid"},
		{"cross-site", "POST", "/api/v1/sign-in", `{"username":"a","password":"b"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		{"other origin", "POST", "/api/v1/sign-in", `{"username":"a","password":"b"}`, []string{"Origin", "https://elsewhere.example"}, 403, "cross-origin"},
		{"too large", "POST", "/api/v1/sign-in", `{"username":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "too-large"},
		{"no longitude", "GET", "/api/v1/atms?lat=1", "", nil, 422, "invalid"},
		{"latitude beyond the pole", "GET", "/api/v1/atms?lat=91&lon=1", "", nil, 422, "invalid"},
		{"latitude in words", "GET", "/api/v1/atms?lat=north&lon=1", "", nil, 422, "invalid"},
		{"too long a list", "GET", "/api/v1/atms?lat=1&lon=1&limit=101", "", nil, 422, "invalid"},
		{"too short a list", "GET", "/api/v1/atms?lat=1&lon=1&limit=0", "", nil, 422, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, c.method, c.path, c.body, c.header...)
			problemOf(t, w, c.status, c.code)
			if (c.status == 405) != (w.Header().Get("Allow") != "") {
				t.Errorf("Allow is %q", w.Header().Get("Allow"))
			}
		})
	}
	if got := ask(h, "PUT", "/api/v1/session", "").Header().Get("Allow"); got != "DELETE, GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
}

func TestABodyWithoutLengthIsBoundedToo(t *testing.T) {
	r := httptest.NewRequest("POST", "/api/v1/sign-in", &endless{})
	r.ContentLength = -1
	w := httptest.NewRecorder()
	bare(t).ServeHTTP(w, r)
	problemOf(t, w, 413, "too-large")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

func TestAPanicTellsNothing(t *testing.T) {
	// Signing in without a service behind it is a nil dereference.
	w := ask(bare(t), "POST", "/api/v1/sign-in", `{"username":"ada","password":"secret words"}`)
	p := problemOf(t, w, 500, "internal")
	if strings.Contains(w.Body.String(), "nil") || len(p.Errors) > 0 {
		t.Errorf("the answer tells about the panic: %s", w.Body)
	}
}

func TestEveryBrokenRuleNamesItsField(t *testing.T) {
	h := bare(t)
	for _, c := range []struct{ name, path, body, location, code string }{
		{"missing username", "/api/v1/sign-in", `{"password":"x"}`, "body.username", "required"},
		{"empty password", "/api/v1/sign-in", `{"username":"a","password":""}`, "body.password", "too-short"},
		{"long username", "/api/v1/sign-in", `{"username":"` + strings.Repeat("a", 65) + `","password":"x"}`, "body.username", "too-long"},
		{"long password", "/api/v1/sign-in", `{"username":"a","password":"` + strings.Repeat("a", 257) + `"}`, "body.password", "too-long"},
		{"a number", "/api/v1/sign-in", `{"username":1,"password":"x"}`, "body.username", "type"},
		{"null", "/api/v1/sign-in", `{"username":null,"password":"x"}`, "body.username", "type"},
		{"NUL", "/api/v1/sign-in", `{"username":"a\u0000b","password":"x"}`, "body.username", "form"},
		{"unknown field", "/api/v1/sign-in", `{"username":"a","password":"x","role":"admin"}`, "body.role", "unknown-field"},
		{"missing challenge", "/api/v1/sign-in/code", `{"code":"123456"}`, "body.challenge_id", "required"},
		{"letters as code", "/api/v1/sign-in/code", `{"challenge_id":"x","code":"abc"}`, "body.code", "form"},
		{"text for a switch", "/api/v1/sign-in/code", `{"challenge_id":"x","code":"1","trust_device":"yes"}`, "body.trust_device", "type"},
		{"unknown channel", "/api/v1/sign-in/code/resend", `{"challenge_id":"x","channel":"pigeon"}`, "body.channel", "unknown-value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := problemOf(t, ask(h, "POST", c.path, c.body), 422, "invalid")
			if len(p.Errors) != 1 || p.Errors[0].Location != c.location || p.Errors[0].Code != c.code || p.Errors[0].Message == "" {
				t.Errorf("errors are %+v, want %s %s", p.Errors, c.location, c.code)
			}
		})
	}
}

func TestARefusalNeverRepeatsWhatWasSent(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, b := range []string{
		`{"username":"a","password":"` + strings.Repeat(secret, 30) + `"}`,
		`{"username":"a","password":{"` + secret + `":1}}`,
		`{"username":"a","password":"` + secret,
		`{"username":"a","password":["` + secret + `"]}`,
	} {
		if w := ask(bare(t), "POST", "/api/v1/sign-in", b); strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s", w.Body)
		}
	}
}

// FuzzSignInBody holds that no body makes anything but a problem, and never a 500
// before a service is asked.
func FuzzSignInBody(f *testing.F) {
	for _, s := range []string{`{"username":"a","password":""}`, `{`, `[]`, `{"username":"\ud800"}`, "\xff\xfe", `{"username":1e999}`} {
		f.Add([]byte(s), "application/json")
	}
	h := bare(f)
	f.Fuzz(func(t *testing.T, b []byte, contentType string) {
		r := httptest.NewRequest("POST", "/api/v1/sign-in/code/resend", bytes.NewReader(append([]byte(`{"channel":7,"x":`), b...)))
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 400 || w.Code > 499 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
