package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"standfast/internal/edge/route"
)

// glance is how often a request that carries a key looks whether its target is still
// the one for its member.
const glance = 250 * time.Millisecond

// wait is how long a target is waited for. An answer that has come is no longer cut
// off for the sake of another target's, only at the request's deadline.
type wait struct {
	mu       sync.Mutex
	timer    *time.Timer
	answered bool
	over     bool
}

// wait begins to wait for a target and calls end when that is over. A page is waited
// for as long as patience lasts; what carries a key, from then on until the routing has
// turned away from the target; anything else until the deadline.
func (x *exchange) wait(t route.Target, first bool, end func()) *wait {
	left := x.left()
	patience, turned := left, func() bool { return true }
	switch {
	case !first:
	case reads(x.in.Method):
		patience = min(left, x.p.Limits.Patience)
	case x.keyed:
		patience = min(left, x.p.Limits.Patience)
		turned = func() bool { return x.left() <= leastTime || x.p.Routes.Left(t, x.errand, x.sticky) }
	}
	w := &wait{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.answered && !turned() {
			w.timer.Reset(min(glance, x.left()))
			return
		}
		w.over = true
		end()
	})
	return w
}

// met tells that the answer has come, and whether it came in time. What is left of the
// request's time is its body's.
func (w *wait) met(left time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = true
	if !w.over {
		w.timer.Reset(left)
	}
	return !w.over
}

func (w *wait) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

// carriesKey tells whether a request has a key by which both sides know one intention
// from two: in its header as calls have it, or in its form.
func carriesKey(e route.Errand, in *http.Request, body []byte) bool {
	switch {
	case !e.Keyed:
		return false
	case isCall(in.URL.Path):
		return in.Header.Get("Idempotency-Key") != ""
	case !strings.HasPrefix(in.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return false
	}
	form, err := url.ParseQuery(string(body))
	return err == nil && form.Get("key") != ""
}
