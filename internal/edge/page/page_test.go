package page

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"standfast/internal/edge/proxy"
	"standfast/internal/text"
)

func pages(t *testing.T) *Pages {
	t.Helper()
	texts, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	return New(texts)
}

func cell(locales ...string) proxy.Cell {
	return proxy.Cell{Name: "gb", Brand: "Standfast", Telephone: "0800 555 0100", Locales: locales, StatusURL: "https://status.example.com/"}
}

func ask(t *testing.T, method, path string, a proxy.Apology, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	pages(t).Apologize(w, r, a)
	return w
}

func TestWhatIsSaidFitsWhatHappened(t *testing.T) {
	for _, c := range []struct {
		method  string
		reason  proxy.Reason
		after   time.Duration
		status  int
		refresh string
		says    string
	}{
		{"GET", proxy.Down, 14 * time.Second, 503, "14", "We cannot show your accounts just now"},
		{"HEAD", proxy.Down, 14 * time.Second, 503, "", ""},
		{"POST", proxy.Down, 14 * time.Second, 503, "", "nothing was paid, moved or changed"},
		{"POST", proxy.Unknown, 1500 * time.Millisecond, 503, "", "We do not know yet whether this was done"},
		{"GET", proxy.Busy, 3 * time.Second, 503, "3", "in 3 seconds"},
		{"GET", proxy.Crowded, 3 * time.Second, 503, "3", "in 3 seconds"},
		{"POST", proxy.Busy, 3 * time.Second, 503, "", "was not done"},
		{"POST", proxy.TooLarge, 0, 413, "", "too long"},
		{"POST", proxy.TooSlow, 0, 408, "", "broke off"},
	} {
		w := ask(t, c.method, "/dashboard?x=1", proxy.Apology{Cell: cell("en-US"), Reason: c.reason, RetryAfter: c.after}, "Accept", "text/html,*/*;q=0.8")
		body := w.Body.String()
		if w.Code != c.status || w.Header().Get("Refresh") != c.refresh || !strings.Contains(body, c.says) || (w.Header().Get("Retry-After") == "") != (c.after == 0) {
			t.Errorf("%s %s: %d %v\n%s", c.method, c.reason, w.Code, w.Header(), body)
		}
		if !strings.Contains(body, `href="tel:08005550100"`) || !strings.Contains(body, "https://status.example.com/") {
			t.Errorf("%s %s does not say whom to call and where to look", c.method, c.reason)
		}
		if w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s %s: %v", c.method, c.reason, w.Header())
		}
	}
}

func TestTheLanguageIsTheReadersAmongTheCells(t *testing.T) {
	for _, c := range []struct{ locales, accept, want string }{
		{"en-US de-DE", "de", "de-DE"}, {"en-US de-DE", "fr, de;q=0.5", "de-DE"}, {"de-DE en-US", "", "de-DE"},
		{"de-DE", "en-GB", "de-DE"}, {"en-US", "de", "en-US"}, {"", "de", "de-DE"}, {"de-DE", "\xff;;q=", "de-DE"},
	} {
		w := ask(t, "GET", "/", proxy.Apology{Cell: cell(strings.Fields(c.locales)...), Reason: proxy.Down}, "Accept-Language", c.accept)
		if !strings.Contains(w.Body.String(), `<html lang="`+c.want+`">`) {
			t.Errorf("%q in a cell of %q: not %s", c.accept, c.locales, c.want)
		}
	}
}

func TestProgramsGetAProblemDocument(t *testing.T) {
	for path, accept := range map[string]string{"/api/v1/payments": "*/*", "/dashboard": "application/json"} {
		w := ask(t, "POST", path, proxy.Apology{Cell: cell("en-US"), Reason: proxy.Unknown, RetryAfter: 11 * time.Second}, "Accept", accept)
		var p struct {
			Type, Detail, Telephone string
			Status                  int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if w.Code != 503 || w.Header().Get("Retry-After") != "11" || w.Header().Get("Content-Type") != "application/problem+json" || p.Type != "/problems/edge.unknown" ||
			p.Status != 503 || !strings.Contains(p.Detail, "Idempotency-Key") || p.Telephone == "" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
}

func TestFilesAreServedByTheirContentsName(t *testing.T) {
	p := pages(t)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		if !p.Serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)) {
			t.Errorf("%s is left to others", path)
		}
		return w
	}
	if w := get(p.css.url); w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get("/edge-static/../page.go"); w.Code != 404 {
		t.Errorf("a name that is none: %d", w.Code)
	}
	if p.Serve(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/static/app.css", nil)) {
		t.Error("files of others are taken")
	}
}

// The edge may import nothing of core's, and must look like it all the same.
func TestTheTokensAreThoseOfTheMembersPages(t *testing.T) {
	theirs, err := os.ReadFile("../../core/portal/static/files/app.css")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := files.ReadFile("files/edge.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := regexp.MustCompile(`(?s):root \{.*?\n\}`)
	if a, b := tokens.Find(theirs), tokens.Find(ours); len(a) == 0 || string(a) != string(b) {
		t.Error("edge.css has other tokens than app.css")
	}
}

func TestTheFrontLeadsToEachRegion(t *testing.T) {
	f := proxy.Front{Brand: "Standfast", Cells: []proxy.Cell{
		{Name: "gb", Label: "United Kingdom", URL: "https://my.example.co.uk", Telephone: "0808 157 0100", Locales: []string{"en-GB"}},
		{Name: "eu", Label: "Europäische Union", URL: "https://my.example.eu:8443/", Telephone: "030 23125 100", Locales: []string{"de-DE", "en-GB"}}}}
	for _, c := range []struct {
		method, path, accept, language string
		status                         int
		says                           []string
	}{
		{"GET", "/", "text/html", "de", 200, []string{`lang="de-DE"`, `href="https://my.example.co.uk/"`, `href="https://my.example.eu:8443/"`, `href="tel:08081570100"`, "Wo sind Ihre Konten?"}},
		{"GET", "/", "text/html", "fr", 200, []string{`<html lang="en-GB"`, `<strong lang="de-DE">Europäische Union`, "Where are your accounts?"}},
		{"GET", "/dashboard", "text/html", "", 303, nil},
		{"POST", "/sign-in", "text/html", "", 404, []string{`"regions":{"eu":"https://my.example.eu:8443/","gb":"https://my.example.co.uk"}`}},
		{"GET", "/api/v1/dashboard", "*/*", "", 404, []string{`edge.no-region`}},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		r.Header.Set("Accept-Language", c.language)
		w := httptest.NewRecorder()
		pages(t).Choose(w, r, f)
		if w.Code != c.status || len(w.Result().Cookies()) > 0 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d, %v", c.method, c.path, w.Code, w.Header())
		}
		for _, s := range c.says {
			if !strings.Contains(w.Body.String(), s) {
				t.Errorf("%s %s does not say %q:\n%s", c.method, c.path, s, w.Body)
			}
		}
	}
}
