package fault

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// ProblemType is where the types of problem documents live; a code is its last part.
const ProblemType = "/problems/"

// Problem gives the application/problem+json form of err (RFC 9457). Causes stay inside.
func Problem(err error) map[string]any {
	e := As(err)
	p := maps.Clone(e.Extra)
	if p == nil {
		p = map[string]any{}
	}
	p["type"] = ProblemType + e.Code
	p["title"] = http.StatusText(e.Kind.Status())
	p["status"] = e.Kind.Status()
	p["detail"] = e.Message
	if len(e.Fields) > 0 {
		list := make([]map[string]string, len(e.Fields))
		for i, f := range e.Fields {
			list[i] = map[string]string{"location": f.Location, "message": f.Message, "code": f.Code}
		}
		p["errors"] = list
	}
	return p
}

// WriteProblem answers a request with err as problem+json, with Retry-After where it is due.
func WriteProblem(w http.ResponseWriter, err error) {
	e := As(err)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	SetRetryAfter(h, e)
	w.WriteHeader(e.Kind.Status())
	_ = json.NewEncoder(w).Encode(Problem(e))
}

// ShedHeader says between our processes that a request was turned away for the
// load alone. The edge takes it off.
const ShedHeader = "Standfast-Shed"

// SetRetryAfter sets Retry-After in whole seconds, at least one, for the kinds
// that carry it, and says of one that was turned away for the load that it was.
func SetRetryAfter(h http.Header, e *Error) {
	if e.Kind != TooMany && e.Kind != Unavailable {
		return
	}
	s := max(1, int((e.RetryAfter+time.Second-1)/time.Second))
	h.Set("Retry-After", strconv.Itoa(s))
	if e.Load {
		h.Set(ShedHeader, "1")
	}
}
