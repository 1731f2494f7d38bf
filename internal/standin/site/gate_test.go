package site

import (
	"net/http"
	"testing"

	"standfast/internal/journey"
)

// When all of a cell comes at once, who finds no place is told when to come back,
// by a page that does so by itself; nobody sends them to a core that is ill.
func TestTooManyAtOnceAreToldWhenToComeBack(t *testing.T) {
	h := newHouse(t)
	h.follow()
	cookie := "sf_us_session_v1=" + h.session()
	var leave []func()
	for range places {
		l, err := h.gate.Admit(t.Context(), journey.Pay)
		must(t, err)
		leave = append(leave, l)
	}
	for _, path := range []string{"/dashboard", "/api/v1/dashboard", "/pay"} {
		w := h.do("GET", path, "", "Cookie", cookie)
		h.want(w, 503)
		page := path != "/api/v1/dashboard"
		if w.Header().Get("Retry-After") == "" || w.Header().Get("Standfast-Shed") != "1" || w.Header().Get("Standfast-Elsewhere") != "" || page != (w.Header().Get("Refresh") != "") {
			t.Errorf("%s: %v", path, w.Header())
		}
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%s touches a cookie", path)
		}
	}
	if w := h.do("POST", "/pay", "", "Cookie", cookie); w.Code != 503 || w.Header().Get("Refresh") != "" {
		t.Errorf("a form is sent again by itself: %d %v", w.Code, w.Header())
	}
	h.want(h.do("GET", "/help", ""), http.StatusOK) // what costs nothing is not kept waiting
	for _, l := range leave {
		l()
	}
	h.want(h.do("GET", "/dashboard", "", "Cookie", cookie), http.StatusOK)
}
