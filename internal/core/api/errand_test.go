package api

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	edge "standfast/internal/edge/route"
	"standfast/internal/journey"
)

// The edge switches journeys by what it thinks that requests are for: it must
// think what each call of the document says of itself when it is asked.
func TestTheEdgeKnowsEveryCallByItsJourney(t *testing.T) {
	table, h, n := edge.Table(), bare(t), 0
	parameter := regexp.MustCompile(`\{[a-z_]+\}`)
	operations(openAPI(t), func(name string, op map[string]any) {
		if len(op["security"].([]any)) == 0 {
			return // public calls ask a service, which this API lacks; see the next test
		}
		n++
		method, path, _ := strings.Cut(parameter.ReplaceAllString(name, "019cada2-6c00-7000-8000-2d5f3ab0c006"), " ")
		w := ask(h, method, path, "{}", "Content-Type", "application/json")
		said, _, err := journey.Parse(w.Header().Get(journey.Header))
		if got := table.Of(httptest.NewRequest(method, path, nil)).Journey; err != nil || got != said {
			t.Errorf("%s is %q to the edge, and %q to itself (%d, %v)", name, got, said, w.Code, err)
		}
	})
	if n < 30 {
		t.Errorf("only %d calls were compared", n)
	}
}

// What is asked before anybody is signed in is the sign-in, but for two.
func TestTheEdgeKnowsThePublicCalls(t *testing.T) {
	table := edge.Table()
	operations(openAPI(t), func(name string, op map[string]any) {
		if len(op["security"].([]any)) > 0 {
			return
		}
		want := journey.SignIn
		switch name {
		case "GET /api/v1/status":
			want = journey.Status
		case "GET /api/v1/atms":
			want = journey.Locate
		}
		method, path, _ := strings.Cut(name, " ")
		if got := table.Of(httptest.NewRequest(method, strings.ReplaceAll(path, "{id}", "1"), nil)).Journey; got != want {
			t.Errorf("%s is %q to the edge, want %q", name, got, want)
		}
	})
}
