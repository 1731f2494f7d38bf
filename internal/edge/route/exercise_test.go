package route

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Of all addresses with all methods, only those that look are ever shown to the stand-in
// besides: no form, no call and no address that it cannot answer.
func TestNoWriteIsExercised(t *testing.T) {
	table, ids := Table(), regexp.MustCompile(`\{[^}]*\}`)
	looks := 0
	for _, g := range groups() {
		for _, pattern := range strings.Fields(g.patterns) {
			_, path, _ := strings.Cut(pattern, ":")
			path = ids.ReplaceAllString(strings.ReplaceAll(path, "{$}", ""), "019cada2-6c00-7000-8000-2d5f3ab0c006")
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "BREW", "get"} {
				e := table.Of(httptest.NewRequest(method, path, nil))
				if !e.Look {
					continue
				}
				looks++
				if method != "GET" && method != "HEAD" || !e.Standin || e.Keyed || e.Repeats || !strings.HasPrefix(e.Pattern, "GET ") {
					t.Errorf("%s %s may be exercised: %+v", method, path, e)
				}
			}
		}
	}
	if looks == 0 {
		t.Error("nothing is exercised at all")
	}
}
