package proxy

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

// Limits bound what one request and all together may take. Zero values mean the defaults.
type Limits struct {
	Body     int64         // bytes of a form's or a call's body
	Deadline time.Duration // of a request, from its header to the end of its answer
	Patience time.Duration // how long a page may be waited for before another target is tried
	InFlight int           // requests at one target at once, and so its connections
	Queue    int           // requests that wait for one of these places
	Wait     time.Duration // how long one waits in the queue

	PerClient int // requests of one client's address at once; 0: no bound
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Body:     cmp.Or(l.Body, 1<<20),
		Deadline: cmp.Or(l.Deadline, 30*time.Second),
		Patience: cmp.Or(l.Patience, 4*time.Second),
		InFlight: cmp.Or(l.InFlight, 512),
		Queue:    cmp.Or(l.Queue, 512),
		Wait:     cmp.Or(l.Wait, time.Second),

		PerClient: l.PerClient,
	}
}

// formBody bounds the forms of pages: none of ours is longer than a passkey's
// answer. Calls may be longer, up to Limits.Body.
const formBody = 256 << 10

// isCall tells whether a path belongs to the API, whose answers are JSON.
func isCall(path string) bool { return strings.HasPrefix(path, "/api/") }

// maxBody gives the bytes that the body of a request may have.
func (l Limits) maxBody(path string) int64 {
	if isCall(path) {
		return l.Body
	}
	return min(l.Body, formBody)
}

// reads tells whether a method only looks, so that it may be repeated at will.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }
