package gallery

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Every entry is a page of its own, in each language, with the telephone number and
// as of when it is.
func TestTheGalleryShowsEveryState(t *testing.T) {
	g, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	main := regexp.MustCompile(`(?s)<body.*</main>`)
	for _, path := range g.Paths() {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		body := w.Body.String()
		if w.Code != 200 || !strings.Contains(body, "<h1>") || !strings.Contains(body, "1 800 555 0100") || !strings.Contains(body, "2026") {
			t.Errorf("%s: %d %.500s", path, w.Code, body)
		}
		if same := seen[main.FindString(body)]; same != "" && strings.Contains(path, "/en-US/") {
			t.Errorf("%s is the same as %s", path, same)
		}
		seen[main.FindString(body)] = path
	}
}
