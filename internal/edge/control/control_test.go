package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// desk is a control over two cells for a caller of the given one.
func desk(t *testing.T, cell string) (http.Handler, *route.Router, *[]route.Decision) {
	t.Helper()
	told := &[]route.Decision{}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	build := []route.Build{{Name: "a", URL: "https://a"}, {Name: "b", URL: "https://b"}}
	r, err := route.New(route.Options{Now: func() time.Time { return now }, Decided: func(d route.Decision) { *told = append(*told, d) },
		Cells: []route.Cell{{Name: "us", Standin: "https://s", Builds: build}, {Name: "gb", Standin: "https://s", Builds: build}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range r.Targets() {
		r.Probed(target, route.Probe{Answered: true, Ready: true})
	}
	c := Control{Router: r, Cell: func(*http.Request) string { return cell }, Decided: func(context.Context, string, int) ([]route.Decision, error) {
		return nil, errors.New("the disk is full")
	}}
	return c.Handler(), r, told
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnOperatorMovesAJourneyAndSaysWhy(t *testing.T) {
	h, r, told := desk(t, Every)
	w := ask(h, "POST", "/edge/v1/overrides", `{"cell":"us","journey":"pay","side":"standin","until":"2026-03-01T10:00:00Z","who":"Ada","reason":"drill"}`)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || a.Record != "unavailable" || len(a.Cells) != 2 {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	pay := route.Errand{Journey: journey.Pay, With: journey.Pay, Standin: true}
	if got, _ := r.Pick("us", pay, "ada"); got.Side != route.Standin {
		t.Errorf("us pays at %s", got.Side)
	}
	if got, _ := r.Pick("gb", pay, "ada"); got.Side != route.Core {
		t.Errorf("gb pays at %s", got.Side)
	}
	if d := (*told)[0]; d.Who != "Ada" || d.Reason != "drill" || d.Cause != route.CauseOperator {
		t.Errorf("told %+v", d)
	}
	if w := ask(h, "POST", "/edge/v1/shares", `{"cell":"us","build":"b","share":10000,"who":"Ada","reason":"release 7"}`); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	if p := r.State().Cells[0].Processes[1]; p.Share != 100 || p.Target != route.All {
		t.Errorf("the new build has %+v", p)
	}
}

func TestDecisionsThatAreNoneAreRefused(t *testing.T) {
	for body, want := range map[string]int{
		`{"cell":"us","journey":"pay","side":"standin","until":"2026-03-01T10:00:00Z","who":"Ada"}`:                   422,
		`{"cell":"us","journey":"pay","side":"standin","until":"2026-03-01T10:00:00Z","reason":"r"}`:                  422,
		`{"cell":"us","journey":"pay","side":"standin","until":"2026-03-03T10:00:00Z","who":"Ada","reason":"r"}`:      422,
		`{"cell":"us","journey":"pay","side":"moon","until":"2026-03-01T10:00:00Z","who":"Ada","reason":"r"}`:         422,
		`{"cell":"us","journey":"transfer","side":"standin","until":"2026-03-01T10:00:00Z","who":"Ada","reason":"r"}`: 422,
		`{"cell":"us","journey":"pay","side":"","who":"Ada","reason":"r"}`:                                            422,
		`{"cell":"mars","journey":"pay","side":"core","until":"2026-03-01T10:00:00Z","who":"Ada","reason":"r"}`:       422,
		`{"cell":"us","journey":"pay","site":"standin","until":"2026-03-01T10:00:00Z","who":"Ada","reason":"r"}`:      400,
		`{"cell":"us"}{"cell":"gb"}`:        400,
		strings.Repeat(" ", maxBody) + `{}`: 413,
	} {
		h, _, told := desk(t, Every)
		if w := ask(h, "POST", "/edge/v1/overrides", body); w.Code != want || len(*told) > 0 {
			t.Errorf("%.90s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestAConsoleSeesAndDecidesAboutItsOwnCell(t *testing.T) {
	h, _, told := desk(t, "gb")
	if w := ask(h, "POST", "/edge/v1/shares", `{"cell":"us","share":0,"who":"Ada","reason":"r"}`); w.Code != http.StatusForbidden || len(*told) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var a answer
	if err := json.Unmarshal(ask(h, "GET", "/edge/v1/routing", "").Body.Bytes(), &a); err != nil || len(a.Cells) != 1 || a.Cells[0].Name != "gb" {
		t.Errorf("%+v %v", a.Cells, err)
	}
	if nobody, _, _ := desk(t, ""); ask(nobody, "GET", "/edge/v1/routing", "").Code != http.StatusForbidden {
		t.Error("somebody without a cell sees the routing")
	}
}
