package route

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"standfast/internal/journey"
)

func TestErrandsOfOddRequestsAreUnknown(t *testing.T) {
	table := Table()
	for _, c := range []struct{ method, target string }{
		{"GET", "//dashboard"}, {"GET", "/dashboard/"}, {"GET", "/../dashboard"}, {"POST", "/dashboard"},
		{"BREW", "/pay"}, {"GET", "/accounts/"}, {"GET", "/accounts/1/2"}, {"GET", "/nothing"},
	} {
		r := &http.Request{Method: c.method, Host: "bank.example", URL: &url.URL{Path: c.target}}
		if got := table.Of(r); got != (Errand{}) {
			t.Errorf("%s %s is %+v", c.method, c.target, got)
		}
	}
	if got := table.Of(httptest.NewRequest("HEAD", "/dashboard?x=1", nil)); got.Journey != journey.Dashboard || !got.Look {
		t.Errorf("HEAD is not like GET: %+v", got)
	}
}

func TestWhatTheStandinCanDo(t *testing.T) {
	table := Table()
	for target, want := range map[string]bool{
		"GET /": true, "GET /dashboard": true, "POST /pay": true, "POST /sign-in": true, "GET /static/site.css": true,
		"POST /sign-in/code": false, "POST /transfer": false, "GET /profile": false, "POST /recover": false,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := table.Of(httptest.NewRequest(method, path, nil)); got.Standin != want {
			t.Errorf("%s: %v", target, got.Standin)
		}
	}
}

// What may be done on both sides is listed here once more: a new line wants a thought.
func TestWhatMayBeDoneTwice(t *testing.T) {
	want := []string{"DELETE:/api/v1/session", "POST:/accounts/{id}/freeze", "POST:/api/v1/cards/{account_id}/freeze", "POST:/api/v1/sign-in", "POST:/sign-in", "POST:/sign-out"}
	keyed := []string{"POST:/api/v1/payments", "POST:/pay"}
	var got, gotKeyed []string
	for _, g := range groups() {
		if g.Repeats {
			got = append(got, strings.Fields(g.patterns)...)
		}
		if g.Keyed {
			gotKeyed = append(gotKeyed, strings.Fields(g.patterns)...)
		}
	}
	slices.Sort(got)
	slices.Sort(gotKeyed)
	if !slices.Equal(got, want) || !slices.Equal(gotKeyed, keyed) {
		t.Errorf("%q with a key %q", got, gotKeyed)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("GET", "/accounts/%2e%2e/freeze")
	f.Add("POST", "//pay")
	table := Table()
	f.Fuzz(func(t *testing.T, method, path string) {
		e := table.Of(&http.Request{Method: method, Host: "bank.example", URL: &url.URL{Path: path}})
		if e.Look && (!e.Standin || method != "GET" && method != "HEAD") {
			t.Errorf("%s %q only looks: %+v", method, path, e)
		}
	})
}
