package site

import (
	"context"
	"testing"
)

// Signing out counts here at once; where core would hear nothing of it, whoever asked is
// told to have core do it too. Nothing else that was done is done twice.
func TestASignOutThatCoreDoesNotHearOfIsHandedOn(t *testing.T) {
	for _, halted := range []bool{false, true} {
		for _, call := range []bool{false, true} {
			h := newHouse(t)
			h.follow()
			if halted {
				must(t, h.own.Halt(context.Background(), "advice.gap", "core knows more than we do"))
				must(t, h.pusher.Recall(context.Background()))
			}
			method, path, how, value, status := "POST", "/sign-out", "Cookie", "sf_us_session_v1="+h.session(), 303
			if call {
				method, path, how, value, status = "DELETE", "/api/v1/session", "Authorization", "Bearer "+h.session(), 204
			}
			w := h.do(method, path, "", how, value)
			h.want(w, status)
			if marked := w.Header().Get("Standfast-Elsewhere") != ""; marked != halted {
				t.Errorf("%s, halted %v: handed on %v", path, halted, marked)
			}
			h.want(h.do("GET", "/api/v1/dashboard", "", "Authorization", "Bearer "+h.session()), 401)
		}
	}
}
