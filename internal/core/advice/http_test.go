package advice

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever comes as a request is refused, or within its bounds.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"", "{}", `{"version":1,"standin":"s1","items":[]}`, `{"version":1,"standin":"s1","items":[{"seq":-1,"id":"x","kind":"payment","body":{}}]}`,
		`{"version":1,"standin":"` + strings.Repeat("s", 101) + `"}`, `{"version":2,"standin":"s1"}`, `{"version":1,"standin":"s1","items":[null]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, err := read(httptest.NewRecorder(), httptest.NewRequest("POST", "/internal/v1/advices", strings.NewReader(body)))
		if err != nil {
			return
		}
		if q.Version != 1 || q.StandIn == "" || len(q.StandIn) > maxName || len(q.Items) > maxItems {
			t.Errorf("%q is taken", body)
		}
		for _, i := range q.Items {
			if len(i.contents()) != 32 {
				t.Errorf("%q has no digest", i.Body)
			}
		}
	})
}
