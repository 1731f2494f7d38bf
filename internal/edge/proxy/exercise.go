package proxy

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// Limits of the copies that keep a stand-in in exercise.
const (
	maxCopies  = 16 // under way at once; more are not made
	copyTime   = 5 * time.Second
	maxCopied  = 1 << 20          // bytes of an answer that are read and thrown away
	comparable = 60 * time.Second // older figures may differ from those of core
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.in.Context()), copyTime)
	c := showing{p: x.p, target: t, errand: x.errand, figures: a.Header.Get(FiguresHeader), request: x.outgoing(ctx, up, copyTime)}
	go func() {
		defer func() { cancel(); <-x.p.copies }()
		c.run(up)
	}()
}

// showing is one copy on its way.
type showing struct {
	p       *Proxy
	target  route.Target
	errand  route.Errand
	figures string // that the member got
	request *http.Request
}

func (c showing) run(up *upstream) {
	start := c.p.Now()
	a, err := up.transport.RoundTrip(c.request)
	if err == nil {
		err = sound(a)
	}
	if err != nil {
		c.p.Routes.Report(c.target, c.errand, route.Answer{Outcome: journey.Failed, Took: c.p.Now().Sub(start), Lost: true})
		return
	}
	defer a.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, maxCopied))
	_, o, err := journey.Parse(a.Header.Get(journey.Header))
	if err != nil {
		o = journey.Of(a.StatusCode)
	}
	c.p.Routes.Report(c.target, c.errand, route.Answer{Outcome: o, Took: c.p.Now().Sub(start), Shed: shed(a)})
	if same, known := sameFigures(c.figures, a.Header.Get(FiguresHeader), c.p.Now()); known {
		c.p.Compared(c.target.Cell, c.errand.Journey, same)
	}
}

// sameFigures compares what two sides showed, each as "digest; as-of=RFC 3339".
// It is not known where one does not say, and where they differ but the copy's
// are old: those may lawfully be others.
func sameFigures(shown, copied string, now time.Time) (same, known bool) {
	a, _, okA := strings.Cut(shown, "; as-of=")
	b, when, okB := strings.Cut(copied, "; as-of=")
	asOf, err := time.Parse(time.RFC3339, when)
	if !okA || !okB || err != nil {
		return false, false
	}
	return a == b, a == b || now.Sub(asOf) <= comparable
}
