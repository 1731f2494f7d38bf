package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A build that is gone costs the stand-in nothing: the other is asked, with the
// whole body, and asked first from then on.
func TestTheStandInAsksTheBuildThatAnswers(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	asked := 0
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.Copy(w, r.Body)
	}))
	defer there.Close()
	list, err := newCores(StandInFileCore{URL: gone.URL, Also: []string{there.URL}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: list}
	for range 2 {
		a, err := client.Post(gone.URL+"/internal/v1/advices", "application/json", strings.NewReader("advice"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(a.Body)
		a.Body.Close()
		if string(b) != "advice" {
			t.Errorf("%q arrived", b)
		}
	}
	if asked != 2 || list.at.Load() != 1 {
		t.Errorf("asked %d times, then %d first", asked, list.at.Load())
	}
}
