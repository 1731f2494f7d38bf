package portal

import (
	"net/http/httptest"
	"strings"
	"testing"

	edge "standfast/internal/edge/route"
)

// The edge switches journeys by what it thinks that requests are for: it must
// think what the portal counts.
func TestTheEdgeKnowsEveryPageByItsJourney(t *testing.T) {
	table := edge.Table()
	for _, e := range (&server{}).entries() {
		path := strings.NewReplacer("{$}", "", "{id}", "019cada2-6c00-7000-8000-2d5f3ab0c006").Replace(e.pattern)
		got := table.Of(httptest.NewRequest(e.method, path, nil))
		if got.Journey != e.journey {
			t.Errorf("%s %s is %q to the edge, and counted as %q", e.method, path, got.Journey, e.journey)
		}
		if got.Journey != "" && got.With == "" {
			t.Errorf("%s %s is switched with nothing", e.method, path)
		}
	}
}
