package proxy

import (
	"net/http"
	"testing"

	"standfast/internal/journey"
)

// What speaks between our processes is worth nothing from outside, and nobody
// outside reads it: each header, both ways.
func TestHeadersThatLieGoNowhere(t *testing.T) {
	lies := map[string]string{
		"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/x",
		"Forwarded": "for=6.6.6.6", "X-Real-Ip": "6.6.6.6", "True-Client-Ip": "6.6.6.6", "X-Original-Url": "/admin", "X-Http-Method-Override": "DELETE",
		DeadlineHeader: "999999999", SideHeader: "standin", BuildHeader: "mine", ShedHeader: "1", journey.FiguresHeader: "00", ElsewhereHeader: "1", journey.Header: "pay; outcome=failed",
	}
	ours := map[string]bool{"X-Forwarded-For": true, "X-Forwarded-Proto": true, DeadlineHeader: true} // set by the edge itself
	var seen http.Header
	s := newStand(t, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		for _, k := range []string{DeadlineHeader, SideHeader, ShedHeader, journey.FiguresHeader, ElsewhereHeader} {
			w.Header().Set(k, "inner")
		}
		journey.Set(w.Header(), journey.Pay, journey.Done)
	}))
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			a, _ := s.do("GET", "/dashboard", "", name, lie)
			got := seen.Values(name)
			if ours[name] && (len(got) != 1 || got[0] == lie) || !ours[name] && len(got) > 0 {
				t.Errorf("behind the edge it is %q", got)
			}
			if a.Header.Get(name) != "" {
				t.Errorf("a member reads %q", a.Header.Get(name))
			}
		})
	}
}

// Load is told as load: a refusal that says so, and any 429, but no other 503.
func TestOnlyARefusalForTheLoadIsToldAsLoad(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		mark   string
		want   bool
	}{
		{"a full house", 503, "1", true},
		{"a broken one", 503, "", false},
		{"too many tries", 429, "", true},
		{"an answer with a mark that means nothing there", 200, "1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.mark != "" {
					w.Header().Set(ShedHeader, c.mark)
				}
				w.WriteHeader(c.status)
			}))
			a, _ := s.do("GET", "/dashboard", "")
			if a.Header.Get(ShedHeader) != "" {
				t.Error("a member is told")
			}
			s.end()
			if r := s.table.reports; len(r) != 1 || r[0].Shed != c.want {
				t.Errorf("reported %+v", r)
			}
		})
	}
}
