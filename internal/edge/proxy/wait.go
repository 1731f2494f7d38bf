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
	late     bool // the routing was told that it takes too long
}

// wait begins to wait for a target and calls end when that is over. A page is waited
// for as long as patience lasts. Of anything else the routing is told then that it takes
// too long; what may be asked of both sides is waited for until the routing has turned away from the
// target, the rest until the deadline.
func (x *exchange) wait(t route.Target, first bool, end func()) *wait {
	left := x.left()
	w := &wait{}
	w.mu.Lock()
	defer w.mu.Unlock()
	patience := left
	if first {
		patience = min(left, x.p.Limits.Patience)
	}
	more := first && !reads(x.in.Method)
	w.timer = time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if more && !w.answered && !x.turned(t) {
			x.overdue(t, w)
			return
		}
		w.over = true
		end()
	})
	return w
}

// turned tells whether nothing more is to be waited for: there is no time left, or the
// request may be asked of another side, and the routing would by now.
func (x *exchange) turned(t route.Target) bool {
	return x.left() <= leastTime || x.twice() && x.p.Routes.Left(t, x.errand, x.sticky)
}

// overdue tells the routing, once, that a request takes too long, and waits on. Its lock is held.
func (x *exchange) overdue(t route.Target, w *wait) {
	if !w.late {
		w.late = true
		x.p.Routes.Overdue(t, x.errand, route.Answer{Took: x.p.Now().Sub(x.start), Member: x.sticky})
	}
	next := x.left()
	if x.twice() {
		next = min(glance, next)
	}
	w.timer.Reset(next)
}

// wasLate tells whether the routing was told that the request took too long.
func (w *wait) wasLate() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late
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
