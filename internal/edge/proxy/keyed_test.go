package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// judged answers as a process of ours does that counts what it answers.
func judged(status int, o journey.Outcome, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		journey.Set(w.Header(), journey.Pay, o)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

// A payment with a key is one payment, whichever sides it is sent to: whoever hangs or
// dies with it costs the member nothing, and nobody is told that nothing was done while
// it may have been.
func TestAPaymentWithAKeyIsAskedOfTheOtherSide(t *testing.T) {
	awake := make(chan struct{})
	defer close(awake)
	hangs := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-awake:
		case <-r.Context().Done():
		}
	}
	dies := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	took := judged(303, journey.Done, "taken")
	const form, key = "application/x-www-form-urlencoded", "amount=25&key=k1"
	for _, c := range []struct {
		name, path, kind, body, header string
		core, standin                  http.HandlerFunc // no stand-in: it refuses connections
		stays                          bool             // the routing does not turn away from core
		want                           string
		status                         int
	}{
		{"core hangs", "/pay", form, key, "", hangs, took, false, "taken", 303},
		{"core dies with it", "/pay", form, key, "", dies, took, true, "taken", 303},
		{"a call with its key", "/api/v1/payments", "application/json", "{}", "k1", hangs, took, false, "taken", 303},
		{"core hangs and nobody has noticed", "/pay", form, key, "", hangs, took, true, "unknown", 503},
		{"the stand-in refuses what core may have done", "/pay", form, key, "", hangs, judged(422, journey.Refused, "no"), false, "unknown", 503},
		{"the stand-in sends them elsewhere", "/pay", form, key, "", hangs, judged(303, journey.Refused, "sign in"), false, "unknown", 503},
		{"somebody answers who counts nothing", "/pay", form, key, "", hangs, says("hello"), false, "unknown", 503},
		{"the stand-in is dead too", "/pay", form, key, "", hangs, nil, false, "unknown", 503},
		{"the stand-in hangs too", "/pay", form, key, "", hangs, hangs, false, "unknown", 503},
		{"no key", "/pay", form, "amount=25&key=", "", dies, took, false, "unknown", 503},
		{"a key that is no form's", "/pay", "text/plain", key, "", dies, took, false, "unknown", 503},
		{"a call without a key", "/api/v1/payments", form, key, "", dies, took, false, "unknown", 503},
		{"what has no key on both sides", "/transfer", form, key, "k1", dies, took, false, "unknown", 503},
		{"a password", "/sign-in", form, "username=u", "", hangs, judged(303, journey.Done, "in"), false, "in", 303},
		{"a password that is refused: both know it", "/sign-in", form, "username=u", "", hangs, judged(401, journey.Refused, "no"), false, "no", 401},
		{"a password while nobody has noticed", "/sign-in", form, "username=u", "", hangs, took, true, "unknown", 503},
		{"a passkey's answer, which is to core's question", "/sign-in/passkey", form, "a=b", "", hangs, took, false, "unknown", 503},
		{"core answers", "/pay", form, key, "", judged(422, journey.Refused, "no"), took, false, "no", 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			core := httptest.NewServer(built(c.core))
			defer core.Close()
			standin := dead(t)
			if c.standin != nil {
				s := httptest.NewServer(built(c.standin))
				defer s.Close()
				standin = s.URL
			}
			s := standBefore(t, Limits{Patience: 50 * time.Millisecond, Deadline: time.Second}, core.URL, standin)
			s.table.targets[1].Side = route.Standin
			s.table.left = func(target route.Target) bool { return !c.stays && target.Side == route.Core }
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.front.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			q.Host = "my.example.com"
			q.Header.Set("Content-Type", c.kind)
			if c.header != "" {
				q.Header.Set("Idempotency-Key", c.header)
			}
			a, err := http.DefaultTransport.RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			got, err := io.ReadAll(a.Body)
			if err != nil || string(got) != c.want || a.StatusCode != c.status {
				t.Errorf("%d %q %v, want %d %q", a.StatusCode, got, err, c.status, c.want)
			}
		})
	}
}

// The routing hears of a payment that hangs while it hangs, once, and of its end.
func TestTheRoutingHearsWhatTakesTooLong(t *testing.T) {
	for _, c := range []struct {
		name, method, key string
		takes             time.Duration
		overdue           int
		lost              bool
	}{
		{"a payment", http.MethodPost, "k1", 300 * time.Millisecond, 1, false},
		{"a form without a key", http.MethodPost, "", 300 * time.Millisecond, 1, false},
		{"one that never ends", http.MethodPost, "", time.Minute, 1, true},
		{"a page, which is given up then", http.MethodGet, "", 300 * time.Millisecond, 0, true},
		{"a quick one", http.MethodPost, "k1", 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			awake := make(chan struct{})
			defer close(awake)
			limits := Limits{Patience: 100 * time.Millisecond, Deadline: time.Second}
			if c.takes == 0 {
				limits = Limits{} // however slow the machine is
			}
			s := newStand(t, limits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				select {
				case <-awake:
				case <-r.Context().Done():
				case <-time.After(c.takes):
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			q, err := http.NewRequestWithContext(t.Context(), c.method, s.front.URL+"/api/v1/payments", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Host = "my.example.com"
			q.Header.Set("Idempotency-Key", c.key)
			a, err := http.DefaultTransport.RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			s.table.mu.Lock()
			defer s.table.mu.Unlock()
			if len(s.table.overdue) != c.overdue || len(s.table.reports) != 1 {
				t.Fatalf("overdue %+v, reports %+v", s.table.overdue, s.table.reports)
			}
			if r := s.table.reports[0]; r.Late != (c.overdue > 0) || r.Lost != c.lost {
				t.Errorf("%+v", r)
			}
		})
	}
}
