package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// exchange is one request of a member and what becomes of it.
type exchange struct {
	p      *Proxy
	cell   *Cell
	w      http.ResponseWriter
	in     *http.Request
	errand route.Errand
	sticky string
	body   []byte    // all of it; nil for none
	keyed  bool      // it carries a key: done on two sides it is still done once
	start  time.Time // since when it is ours: it has arrived in full
	slow   bool      // the member took most of the time to read: that it ran out says nothing about the target
}

var (
	errLate    = errors.New("no answer in time")
	errNoHTTP  = errors.New("the answer is none of HTTP's final ones")
	errForeign = errors.New("the answer does not say which build or side of ours gave it")
)

func (x *exchange) run() {
	if !x.takeBody() {
		return
	}
	x.start = x.p.Now()
	x.keyed = carriesKey(x.errand, x.in, x.body)
	x.sticky = x.p.Sticky(x.cell.Name, x.in)
	first, ok := x.p.Routes.Pick(x.cell.Name, x.errand, x.sticky)
	if !ok {
		x.apologize(Down)
		return
	}
	if again, ok := x.admitted(first); !ok {
		x.turnAway(first, again)
		return
	}
	a, err := x.ask(first)
	if err == nil && a.target == first && shed(a.Response) {
		a.up.of(x.errand.Pattern).turnedAway(x.p.Now())
	}
	switch {
	case err == nil:
		x.pass(a)
	case x.in.Context().Err() != nil: // nobody is there any more
	case errors.Is(err, errBusy):
		x.apologize(Busy)
	case reads(x.in.Method) || unsent(err):
		x.apologize(Down)
	default:
		x.apologize(Unknown)
	}
}

// admitted tells whether a target is worth asking, and where it is not, when it may be again.
func (x *exchange) admitted(t route.Target) (again time.Duration, ok bool) {
	up := x.p.upstreams[t.URL]
	if up == nil {
		return 0, true // that there is none is said where it is asked
	}
	return up.of(x.errand.Pattern).admit(x.p.Now())
}

// turnAway refuses for the load in a target's name.
func (x *exchange) turnAway(t route.Target, again time.Duration) {
	x.p.Routes.Report(t, x.errand, route.Answer{Outcome: journey.Failed, Shed: true, Full: true, Member: x.sticky})
	x.apologizeAfter(Busy, again)
}

// ask sends the request to a target and, where that is safe, to another one. Its
// answer's target is set also with an error.
func (x *exchange) ask(t route.Target) (answer, error) {
	a, err := x.try(t, true)
	if !x.again(a, err) {
		return a, err
	}
	other, ok := x.p.Routes.Again(t, x.errand)
	if !ok {
		return a, err
	}
	b, errB := x.try(other, err == nil)
	switch {
	case err != nil && !unsent(err) && !reads(x.in.Method) && !x.errand.Repeats:
		return x.vouched(b, errB, err)
	case err != nil:
		return b, errB
	case errB == nil && !x.better(b, a):
		a, b = b, a
	case errB != nil && (reads(x.in.Method) || unsent(errB) || x.errand.Repeats && a.StatusCode < http.StatusBadRequest):
		return a, nil
	}
	x.report(a, nil) // also where b may have done what was asked: then a's word is not true any more
	a.close()
	return b, errB
}

// vouched is a second target's answer to what the first may have done without
// saying so. That it is done is true then, whoever has done it; a refusal would tell
// the member that nothing was, and they would pay once more with another key.
func (x *exchange) vouched(b answer, errB, unknown error) (answer, error) {
	if errB != nil {
		return b, unknown
	}
	if _, o, err := journey.Parse(b.Header.Get(journey.Header)); err == nil && o == journey.Done {
		return b, nil
	}
	x.report(b, nil)
	b.close()
	return b, unknown
}

// twice tells whether a request that may have been done may be sent once more.
func (x *exchange) twice() bool { return x.keyed || x.errand.Repeats }

// again tells whether a request may be sent to another target: where nothing was
// sent, where it only looks, carries a key or harms nobody and nothing came, where a file is missing
// that the page of another build may have named, and where a stand-in says that core could
// what it has not done, or should do it too.
func (x *exchange) again(a answer, err error) bool {
	switch {
	case x.in.Context().Err() != nil || errors.Is(err, errBusy) || x.left() <= leastTime:
		return false
	case err != nil:
		return unsent(err) || reads(x.in.Method) || x.twice()
	case a.target.Side == route.Standin && a.Header.Get(ElsewhereHeader) != "" && (a.StatusCode >= http.StatusBadRequest || x.errand.Repeats):
		return true
	}
	return a.StatusCode == http.StatusNotFound && reads(x.in.Method) && x.errand.Either
}

// better tells whether a second target's answer is worth more than the first's,
// which was a refusal.
func (x *exchange) better(second, first answer) bool {
	if first.target.Side == route.Standin {
		return second.StatusCode < http.StatusInternalServerError
	}
	return second.StatusCode != http.StatusNotFound
}

func unsent(err error) bool {
	_, ok := errors.AsType[*unreachable](err)
	return ok
}

// answer is a target's answer whose body is still to be read, and its place.
type answer struct {
	*http.Response
	target route.Target
	up     *upstream
	place  *place
	cancel context.CancelCauseFunc
	wait   *wait
}

func (a answer) close() {
	a.Body.Close()
	a.end()
}

func (a answer) end() {
	a.wait.end()
	a.cancel(nil)
	a.place.leave()
}

// try sends the request to one target. Where another may still be asked, a page
// is not waited for longer than the limit of patience.
func (x *exchange) try(t route.Target, first bool) (answer, error) {
	a := answer{target: t, up: x.p.upstreams[t.URL]}
	if a.up == nil {
		return a, x.failed(a, &unreachable{errors.New("the target is not configured: " + t.URL)})
	}
	var err error
	if a.place, err = a.up.enter(x.in.Context()); err != nil {
		return a, x.failed(a, err)
	}
	var ctx context.Context
	ctx, a.cancel = context.WithCancelCause(x.in.Context())
	cancel := a.cancel
	a.wait = x.wait(t, first, func() { cancel(errLate) })
	if a.Response, err = a.up.transport.RoundTrip(x.outgoing(ctx, a.up, x.left())); err == nil {
		err = sound(a.Response)
	}
	if err == nil && !a.wait.met(x.left()) {
		a.Body.Close()
		err = errLate
	}
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errLate) && !unsent(err) {
			err = cause
		}
		a.end()
		return a, x.failed(a, err)
	}
	return a, nil
}

// leastTime is what a request has left when it has none.
const leastTime = time.Millisecond

// left is how much of the request's time there is.
func (x *exchange) left() time.Duration {
	return max(leastTime, x.p.Limits.Deadline-x.p.Now().Sub(x.start))
}

// sound tells whether an answer is a final one, and from one of ours: anything
// else that speaks on a target's address is no answer, whatever its status says.
func sound(a *http.Response) error {
	err := error(nil)
	switch {
	case a.StatusCode < 200:
		err = errNoHTTP
	case a.Header[BuildHeader] == nil && a.Header[SideHeader] == nil:
		err = errForeign
	default:
		return nil
	}
	a.Body.Close()
	return err
}

// failed reports a target that gave no answer. A client that went away, and a
// target without a place, say nothing about what the target can do.
func (x *exchange) failed(a answer, err error) error {
	t := a.target
	left, busy := x.in.Context().Err() != nil, errors.Is(err, errBusy)
	x.p.Routes.Report(t, x.errand, route.Answer{Outcome: journey.Failed, Took: x.p.Now().Sub(x.start), Lost: !left && !busy, Shed: busy, Full: busy, Left: left,
		Late: a.wait.wasLate(), Member: x.sticky})
	if !left && !busy && x.p.Log != nil {
		x.p.Log.Warn("no answer", "cell", t.Cell, "side", t.Side, "build", t.Build, "journey", x.errand.Journey, "error", err)
	}
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
	waited, lost, gone := x.p.copyBody(x.w, a)
	x.slow = waited > x.p.Limits.Deadline/2
	x.count(a, lost)
	if lost != nil && gone == nil {
		// What the member has of it is cut short, and they must see that it is.
		panic(http.ErrAbortHandler)
	}
}

// count reports an answer to the routing and to the metrics.
func (x *exchange) count(a answer, lost error) {
	name, outcome, took := x.report(a, lost)
	x.p.Observe(Answer{Target: a.target, Cell: x.cell.Name, Journey: name, Outcome: outcome, Took: took})
	if lost == nil {
		x.exercise(a)
	}
}

// report tells the routing of an answer: as the target's record judges it, or by
// its status where it carries none.
func (x *exchange) report(a answer, lost error) (name journey.Name, o journey.Outcome, took time.Duration) {
	name, o, err := journey.Parse(a.Header.Get(journey.Header))
	if err != nil {
		name, o = x.errand.Journey, journey.Of(a.StatusCode)
	}
	left := x.in.Context().Err() != nil || lost != nil && x.slow
	if lost != nil && !left || x.errand.Always && a.StatusCode == http.StatusNotFound {
		o = journey.Failed
	}
	took = x.p.Now().Sub(x.start)
	x.p.Routes.Report(a.target, x.errand, route.Answer{Outcome: o, Took: took, Lost: lost != nil && !left, Shed: shed(a.Response), Left: left,
		Late: a.wait.wasLate(), Member: x.sticky})
	return name, o, took
}

// shed tells whether a target turned a request away for the load alone.
func shed(a *http.Response) bool {
	return a.StatusCode == http.StatusTooManyRequests || a.StatusCode == http.StatusServiceUnavailable && a.Header.Get(ShedHeader) == "1"
}

// apologize answers in the edge's own words.
func (x *exchange) apologize(why Reason) {
	switch why {
	case Busy, Crowded:
		x.apologizeAfter(why, spread(2*time.Second, 4*time.Second))
	case Down, Unknown:
		x.apologizeAfter(why, spread(10*time.Second, 20*time.Second))
	default:
		x.apologizeAfter(why, 0)
	}
}

// apologizeAfter answers in the edge's own words, with when to come back; 0: that would not help.
func (x *exchange) apologizeAfter(why Reason, again time.Duration) {
	outcome, a := journey.Failed, Apology{Cell: *x.cell, Reason: why, RetryAfter: again}
	if again == 0 || why == Crowded { // whose own doing it is: a greedy address is no outage
		outcome = journey.Refused
	}
	x.p.Pages.Apologize(x.w, x.in, a)
	x.p.Observe(Answer{Cell: x.cell.Name, Journey: x.errand.Journey, Outcome: outcome, Took: x.p.Now().Sub(x.start)})
}

// spread gives a time between two, so that those who were told to come back do
// not come all at once.
func spread(least, most time.Duration) time.Duration { return least + rand.N(most-least) }
