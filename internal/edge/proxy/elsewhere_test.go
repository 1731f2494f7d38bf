package proxy

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"standfast/internal/edge/route"
)

// What the stand-in cannot do is asked of core before the member reads of it; a
// form is never said to have done nothing when core may have done it.
func TestWhatOnlyCoreCanDoIsAskedOfCore(t *testing.T) {
	refuses := func(mark string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if mark != "" {
				w.Header().Set(ElsewhereHeader, mark)
			}
			http.Error(w, "not here", http.StatusServiceUnavailable)
		}
	}
	hangsUp := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	didIt := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(ElsewhereHeader, "1")
		io.WriteString(w, "standin")
	}
	const twice = "/sign-in" // what may be done on both sides
	fails := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sorry", http.StatusInternalServerError) }
	for _, c := range []struct {
		name, method string
		path         string // empty: /pay
		standin      http.HandlerFunc
		core         http.HandlerFunc // nil: refuses connections
		want         string
		status       int
	}{
		{"a form that core can take", "POST", "", refuses("1"), says("core"), "core", 200},
		{"a page that core has", "GET", "", refuses("1"), says("core"), "core", 200},
		{"a refusal that holds on both sides", "POST", "", refuses(""), says("core"), "not here\n", 503},
		{"core is dead", "POST", "", refuses("1"), nil, "not here\n", 503},
		{"core fails too", "POST", "", refuses("1"), fails, "not here\n", 503},
		{"core hangs up on a page", "GET", "", refuses("1"), hangsUp, "not here\n", 503},
		{"core hangs up on a form", "POST", "", refuses("1"), hangsUp, "unknown", 503},
		{"done here, and core is to do it too", "POST", twice, didIt, says("core"), "core", 200},
		{"done here, and core is dead", "POST", twice, didIt, nil, "standin", 200},
		{"done here, and core hangs up", "POST", twice, didIt, hangsUp, "standin", 200},
		{"done here, and core fails", "POST", twice, didIt, fails, "standin", 200},
		{"done here, and not to be done twice", "POST", "", didIt, says("core"), "standin", 200},
		{"refused here, and core hangs up", "POST", twice, refuses("1"), hangsUp, "unknown", 503},
		{"the stand-in did it", "POST", "", says("standin"), says("core"), "standin", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			core := dead(t)
			if c.core != nil {
				s := httptest.NewServer(built(c.core))
				defer s.Close()
				core = s.URL
			}
			standin := httptest.NewServer(built(c.standin))
			defer standin.Close()
			s := standBefore(t, Limits{}, standin.URL, core)
			s.table.targets[0].Side = route.Standin
			body := ""
			if c.method == "POST" {
				body = "amount=25"
			}
			a, got := s.do(c.method, cmp.Or(c.path, "/pay"), body)
			if got != c.want || a.StatusCode != c.status {
				t.Errorf("%d %q, want %d %q", a.StatusCode, got, c.status, c.want)
			}
			if a.Header.Get(ElsewhereHeader) != "" {
				t.Error("members are told what goes on between our processes")
			}
		})
	}
}
