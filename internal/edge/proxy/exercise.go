package proxy

import (
	"context"
	"io"
	"net/http"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// Limits of the copies that keep a stand-in in exercise.
const (
	maxCopies = 16 // under way at once; more are not made
	copyTime  = 5 * time.Second
	maxCopied = 1 << 20         // bytes of an answer that are read and thrown away
	maxDoubts = 4               // differences that are looked into at once; more are let go
	looks     = 6               // at a copy that is older, until it has caught up
	settle    = 3 * time.Second // between two of them; the feed moves on at least every five
)

// exercise shows a copy of a request that core has answered to the stand-in, where
// the routing wants it, and compares the figures. The member notices nothing.
func (x *exchange) exercise(a answer) {
	if a.target.Side != route.Core || x.in.Method != http.MethodGet || a.StatusCode != http.StatusOK || !x.errand.Look {
		return
	}
	t, ok := x.p.Routes.Exercise(x.cell.Name, x.errand, x.sticky)
	if !ok {
		return
	}
	up := x.p.upstreams[t.URL]
	select {
	case x.p.copies <- struct{}{}:
	default:
		up = nil
	}
	if up == nil {
		x.p.Routes.Report(t, x.errand, route.Answer{Left: true})
		return
	}
	c := showing{p: x.p, target: t, core: a.target, errand: x.errand, sticky: x.sticky, figures: a.Header.Get(journey.FiguresHeader),
		request: x.outgoing(context.WithoutCancel(x.in.Context()), up, copyTime)}
	x.p.showings.Go(func() {
		same, known := c.run(up)
		<-x.p.copies
		if known && !same {
			same, known = c.doubt(up)
		}
		if known {
			c.tell(same)
		}
	})
}

// showing is one copy on its way.
type showing struct {
	p       *Proxy
	target  route.Target // that gets the copy
	core    route.Target // that answered the member
	errand  route.Errand
	sticky  string
	figures string // that the member got
	request *http.Request
}

// run shows the copy, reports what came of it, and compares.
func (c showing) run(up *upstream) (same, known bool) {
	start := c.p.Now()
	a, err := c.ask(up)
	if err != nil {
		c.p.Routes.Report(c.target, c.errand, route.Answer{Outcome: journey.Failed, Took: c.p.Now().Sub(start), Lost: true})
		return false, false
	}
	_, o, err := journey.Parse(a.Header.Get(journey.Header))
	if err != nil {
		o = journey.Of(a.StatusCode)
	}
	c.p.Routes.Report(c.target, c.errand, route.Answer{Outcome: o, Took: c.p.Now().Sub(start), Shed: shed(a)})
	shown, _, ok1 := journey.ParseFigures(c.figures)
	copied, _, ok2 := journey.ParseFigures(a.Header.Get(journey.FiguresHeader))
	return shown == copied, ok1 && ok2
}

// ask sends the request once more to a target and reads its answer to the end.
func (c showing) ask(up *upstream) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), copyTime)
	defer cancel()
	r := c.request.Clone(ctx)
	r.URL.Scheme, r.URL.Host = up.scheme, up.host
	a, err := up.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if err := sound(a); err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, maxCopied))
	return a, nil
}

// doubt finds out whether figures that differ are wrong, or only older: the copy
// is looked at again until it is complete to a time when core had shown its
// figures, and then core once more. Where core's have not changed in between, the
// copy's had to be the same.
func (c showing) doubt(up *upstream) (same, known bool) {
	select {
	case c.p.doubts <- struct{}{}:
		defer func() { <-c.p.doubts }()
	default:
		return false, false
	}
	shown, at, _ := journey.ParseFigures(c.figures)
	for range looks {
		time.Sleep(c.p.Settle)
		a, err := c.ask(up)
		if err != nil {
			return false, false
		}
		copied, complete, ok := journey.ParseFigures(a.Header.Get(journey.FiguresHeader))
		switch {
		case !ok:
			return false, false
		case copied == shown:
			return true, true
		case complete.Before(at):
			continue
		}
		return false, c.unchanged(shown)
	}
	return false, false // it is older, and stays so: the feed's age says that
}

// unchanged tells whether core still shows the figures that the member got.
func (c showing) unchanged(shown string) bool {
	up := c.p.upstreams[c.core.URL]
	if up == nil {
		return false
	}
	a, err := c.ask(up)
	if err != nil {
		return false
	}
	now, _, ok := journey.ParseFigures(a.Header.Get(journey.FiguresHeader))
	return ok && now == shown
}

// tell counts a comparison, and logs one that an operator must look into.
func (c showing) tell(same bool) {
	c.p.Compared(c.target.Cell, c.errand.Journey, same)
	if !same && c.p.Log != nil {
		c.p.Log.Error("the stand-in shows other figures than core", "cell", c.target.Cell, "journey", c.errand.Journey, "member", c.sticky,
			"standin", c.target.Build, "core", c.core.Build)
	}
}
