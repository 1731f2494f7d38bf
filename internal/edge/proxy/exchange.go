package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"standfast/internal/journey"
)

// exchange is one request of a member and what becomes of it.
type exchange struct {
	p       *Proxy
	cell    *Cell
	w       http.ResponseWriter
	in      *http.Request
	journey journey.Name // once a target was picked
	body    []byte       // all of it; nil for none
	start   time.Time    // since when it is ours: it has arrived in full
}

var (
	errLate   = errors.New("no answer in time")
	errNoHTTP = errors.New("the answer is none of HTTP's final ones")
)

func (x *exchange) run() {
	if !x.takeBody() {
		return
	}
	x.start = x.p.Now()
	var first Target
	var ok bool
	if first, x.journey, ok = x.p.Routes.Pick(x.cell.Name, x.in); !ok {
		x.apologize(Target{}, Down)
		return
	}
	a, err := x.ask(first)
	switch {
	case err == nil:
		x.pass(a)
	case x.in.Context().Err() != nil: // nobody is there any more
	case errors.Is(err, errBusy):
		x.apologize(a.target, Busy)
	case reads(x.in.Method) || unsent(err):
		x.apologize(a.target, Down)
	default:
		x.apologize(a.target, Unknown)
	}
}

// ask sends the request to a target and, where that is safe, to another one. Its
// answer's target is set also with an error.
func (x *exchange) ask(t Target) (answer, error) {
	a, err := x.try(t, true)
	if !x.again(a, err) {
		return a, err
	}
	other, ok := x.p.Routes.Other(t, x.in)
	if !ok {
		return a, err
	}
	b, errB := x.try(other, false)
	if err != nil {
		return b, errB
	}
	if errB == nil && b.StatusCode != http.StatusNotFound {
		a.close()
		return b, nil
	}
	if errB == nil {
		b.close()
	}
	return a, nil
}

// again tells whether a request may be sent to another target: where nothing was
// sent, where it only looks and nothing came, and where a file is missing that
// the page of another build may have named.
func (x *exchange) again(a answer, err error) bool {
	switch {
	case x.in.Context().Err() != nil || errors.Is(err, errBusy):
		return false
	case err != nil:
		return unsent(err) || reads(x.in.Method)
	}
	return a.StatusCode == http.StatusNotFound && reads(x.in.Method) && isFile(x.in.URL.Path)
}

func unsent(err error) bool {
	_, ok := errors.AsType[*unreachable](err)
	return ok
}

// answer is a target's answer whose body is still to be read, and its place.
type answer struct {
	*http.Response
	target Target
	up     *upstream
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (a answer) close() {
	a.Body.Close()
	a.end()
}

func (a answer) end() {
	a.timer.Stop()
	a.cancel(nil)
	a.up.leave()
}

// try sends the request to one target. Where another may still be asked, a page
// is not waited for longer than the limit of patience.
func (x *exchange) try(t Target, first bool) (answer, error) {
	a := answer{target: t, up: x.p.upstreams[t.URL]}
	if a.up == nil {
		return a, x.failed(t, &unreachable{errors.New("the target is not configured: " + t.URL)})
	}
	if err := a.up.enter(x.in.Context()); err != nil {
		return a, x.failed(t, err)
	}
	left := x.left()
	patience := left
	if first && reads(x.in.Method) {
		patience = min(left, x.p.Limits.Patience)
	}
	var ctx context.Context
	ctx, a.cancel = context.WithCancelCause(x.in.Context())
	cancel := a.cancel
	a.timer = time.AfterFunc(patience, func() { cancel(errLate) })
	var err error
	if a.Response, err = a.up.transport.RoundTrip(x.outgoing(ctx, a.up, left)); err == nil && a.StatusCode < 200 {
		a.Body.Close()
		err = errNoHTTP
	}
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errLate) && !unsent(err) {
			err = cause
		}
		a.end()
		return a, x.failed(t, err)
	}
	if patience < left {
		a.timer.Reset(x.left())
	}
	return a, nil
}

// left is how much of the request's time there is.
func (x *exchange) left() time.Duration {
	return max(time.Millisecond, x.p.Limits.Deadline-x.p.Now().Sub(x.start))
}

// failed reports a target that gave no answer. A client that went away, and a
// target without a place, say nothing about what the target can do.
func (x *exchange) failed(t Target, err error) error {
	if x.in.Context().Err() != nil {
		return err
	}
	cause := err
	if errors.Is(err, errBusy) {
		cause = nil
	} else if x.p.Log != nil {
		x.p.Log.Warn("no answer", "cell", t.Cell, "side", t.Side, "build", t.Build, "journey", x.journey, "error", err)
	}
	x.p.Routes.Report(t, x.journey, journey.Failed, x.p.Now().Sub(x.start), cause)
	return err
}

// outgoing is the request as the target gets it: its body whole and with its
// length, its address and host as they came.
func (x *exchange) outgoing(ctx context.Context, up *upstream, left time.Duration) *http.Request {
	out := (&http.Request{
		Method:     x.in.Method,
		URL:        &url.URL{Scheme: up.scheme, Host: up.host, Path: x.in.URL.Path, RawPath: x.in.URL.RawPath, RawQuery: x.in.URL.RawQuery},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     outward(x.in, left),
		Host:       x.in.Host,
	}).WithContext(ctx)
	x.attach(out)
	return out
}

// pass gives the target's answer to the member and says what came of it.
func (x *exchange) pass(a answer) {
	defer a.close()
	inward(x.w.Header(), a.Header)
	x.w.WriteHeader(a.StatusCode)
	lost, gone := x.p.copyBody(x.w, a.Response)
	x.count(a, lost)
	if lost != nil && gone == nil {
		// What the member has of it is cut short, and they must see that it is.
		panic(http.ErrAbortHandler)
	}
}

// count reports an answer to the routing and to the metrics: as the target's
// record judges it, or by its status where it carries none.
func (x *exchange) count(a answer, lost error) {
	name, outcome, err := journey.Parse(a.Header.Get(journey.Header))
	if err != nil {
		name, outcome = x.journey, journey.Of(a.StatusCode)
	}
	if x.in.Context().Err() != nil {
		lost = nil
	}
	if lost != nil {
		outcome = journey.Failed
	}
	took := x.p.Now().Sub(x.start)
	x.p.Routes.Report(a.target, orElse(x.journey, name), outcome, took, lost)
	x.p.Observe(Answer{Target: a.target, Cell: x.cell.Name, Journey: name, Outcome: outcome, Took: took})
}

func orElse(a, b journey.Name) journey.Name {
	if a != "" {
		return a
	}
	return b
}

// apologize answers in the edge's own words.
func (x *exchange) apologize(t Target, why Reason) {
	outcome := journey.Failed
	a := Apology{Cell: *x.cell, Reason: why}
	switch why {
	case Busy:
		a.RetryAfter = spread(2*time.Second, 4*time.Second)
	case Down, Unknown:
		a.RetryAfter = spread(10*time.Second, 20*time.Second)
	default:
		outcome = journey.Refused
	}
	x.p.Pages.Apologize(x.w, x.in, a)
	x.p.Observe(Answer{Target: Target{Cell: t.Cell}, Cell: x.cell.Name, Journey: x.journey, Outcome: outcome, Took: x.p.Now().Sub(x.start)})
}

// spread gives a time between two, so that those who were told to come back do
// not come all at once.
func spread(least, most time.Duration) time.Duration { return least + rand.N(most-least) }
