package proxy

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// figures answers as a side does that shows one balance, known until a number of
// seconds after noon. Each look may see other ones; the last stays.
func figures(looked *atomic.Int64, looks ...[2]int64) http.HandlerFunc {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	return func(w http.ResponseWriter, _ *http.Request) {
		l := looks[min(int(looked.Add(1)), len(looks))-1]
		journey.Figures{"a": l[0]}.Set(w.Header(), noon.Add(time.Duration(l[1])*time.Second))
		fmt.Fprint(w, "figures")
	}
}

// A wrong balance alarms; one that is only older does not, however long, nor one
// that has changed at core meanwhile.
func TestFiguresThatDifferAlarmOnlyWhereTheyAreWrong(t *testing.T) {
	for _, c := range []struct {
		name          string
		core, standin [][2]int64 // balance and when, look after look
		want          string     // "same", "differs", "" for nothing told
	}{
		{"the same", [][2]int64{{5, 10}}, [][2]int64{{5, 8}}, "same"},
		{"wrong", [][2]int64{{5, 10}}, [][2]int64{{6, 11}}, "differs"},
		{"wrong, once it has caught up", [][2]int64{{5, 10}}, [][2]int64{{6, 8}, {6, 9}, {6, 10}}, "differs"},
		{"older, and caught up", [][2]int64{{5, 10}}, [][2]int64{{4, 8}, {4, 9}, {5, 12}}, "same"},
		{"older, and stays so", [][2]int64{{5, 10}}, [][2]int64{{4, 8}}, ""},
		{"newer: core has changed", [][2]int64{{5, 10}, {6, 14}}, [][2]int64{{4, 8}, {6, 12}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var atCore, atStandin atomic.Int64
			s := newStand(t, Limits{}, figures(&atCore, c.core...), figures(&atStandin, c.standin...))
			s.table.targets[1].Side = route.Standin
			s.proxy.Settle = time.Nanosecond
			told := make(chan string, 10)
			s.proxy.Compared = func(_ string, _ journey.Name, same bool) {
				told <- map[bool]string{true: "same", false: "differs"}[same]
			}
			if a, _ := s.do("GET", "/dashboard", ""); a.Header.Get(journey.FiguresHeader) != "" {
				t.Error("members get the figures' digest")
			}
			s.end()
			close(told)
			if got := <-told; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A share of what only looks is shown to the stand-in too; what changes something never
// is, whatever the routing says of it.
func TestOnlyLookingIsShownTwice(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		var seen atomic.Int64
		s := newStand(t, Limits{}, says("core"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { seen.Add(1) }))
		s.table.targets[1].Side = route.Standin
		errand := s.proxy.Errand
		s.proxy.Errand = func(r *http.Request) route.Errand {
			e := errand(r)
			e.Look = true
			return e
		}
		s.do(method, "/dashboard", "")
		s.end()
		if want := method == "GET"; (seen.Load() == 1) != want {
			t.Errorf("%s was shown %d times", method, seen.Load())
		}
	}
}
