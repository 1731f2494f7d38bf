package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"path"
	"testing"
)

func TestEveryFileIsServedUnderItsHash(t *testing.T) {
	s := Load()
	for name, f := range s.byName {
		for _, accept := range []string{"", "gzip", "br, gzip;q=0.8", "gzip;q=0"} {
			r := httptest.NewRequest("GET", f.URL, nil)
			r.Header.Set("Accept-Encoding", accept)
			r.SetPathValue("id", path.Base(f.URL))
			w := httptest.NewRecorder()
			if !s.Serve(w, r) {
				t.Fatalf("%s is not served", f.URL)
			}
			body := io.Reader(w.Body)
			if w.Header().Get("Content-Encoding") == "gzip" {
				if accept == "" || accept == "gzip;q=0" {
					t.Errorf("%s is compressed for a reader who takes %q", name, accept)
				}
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, f.plain) {
				t.Errorf("%s for %q: %d bytes, %v; want %d", name, accept, len(got), err, len(f.plain))
			}
			if w.Header().Get("Content-Type") == "" {
				t.Errorf("%s has no type", name)
			}
		}
	}
}

func TestANameWithoutItsHashIsNotServed(t *testing.T) {
	r := httptest.NewRequest("GET", "/static/app.css", nil)
	r.SetPathValue("id", "app.css")
	if Load().Serve(httptest.NewRecorder(), r) {
		t.Error("served")
	}
}

// UX.md: at most 20 kB of script and 75 kB in all for a member's page, compressed.
func TestFilesStaySmall(t *testing.T) {
	s := Load()
	script, all := 0, 0
	for name, f := range s.byName {
		all += len(f.packed)
		if path.Ext(name) == ".js" {
			script += len(f.packed)
		}
	}
	t.Logf("script %d bytes, all files %d bytes", script, all)
	if script > 20_000 || all > 30_000 {
		t.Errorf("script %d bytes, all %d", script, all)
	}
}
