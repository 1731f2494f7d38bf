package console

import (
	"strconv"
	"time"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/traffic"
	"standfast/internal/fault"
	"standfast/internal/steer"
)

// routing shows who answers members, now and in the last hour.
func (s *server) routing(v *visit) (response, error) {
	if s.Traffic == nil {
		return show(view.Message(v.frame(site.Routing), v.text.T("console.routing"), v.text.T("console.route.none"))), nil
	}
	seen, err := s.Traffic.See(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	return show(view.Routing(v.frame(site.Routing), view.RoutingPage{View: seen, Done: v.value("done")})), nil
}

// change reads a change as its form sends it.
func (v *visit) change() traffic.Change {
	minutes, err := strconv.Atoi(v.value("minutes"))
	if err != nil {
		minutes = 0 // no form of ours: refused with the term
	}
	return traffic.Change{Journey: v.value("journey"), Side: v.value("side"), Mark: v.value("mark"), Reason: v.value("reason"), Term: time.Duration(minutes) * time.Minute}
}

func (s *server) changePage(v *visit) (response, error) {
	c := v.change()
	c.Term = time.Hour
	return s.showChange(v, c, nil)
}

// showChange is the form of a change, with the state that it is about: a mark that
// is over is replaced by the present one, and what it stands for is shown.
func (s *server) showChange(v *visit, c traffic.Change, cause error) (response, error) {
	d := view.ChangePage{Change: c}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.ceremony(cause); !ok {
			return response{}, cause
		}
	}
	var err error
	if d.View, err = s.traffic(v); err != nil {
		return response{}, err
	}
	known := d.Now != nil && (c.Journey == steer.Every || d.Now.Journey(c.Journey) != nil)
	if !known || c.Side != "" && c.Side != steer.Core && c.Side != steer.Standin {
		return response{}, fault.New(fault.NotFound, "console.no-page", "There is no such page.")
	}
	d.Change.Mark = d.Now.MarkOf(c.Journey)
	page := view.RoutingChange(v.frame(site.Routing), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// reviewChange says what follows from a change, and asks for the passkey.
func (s *server) reviewChange(v *visit) (response, error) {
	if s.Traffic == nil {
		return s.showChange(v, v.change(), nil)
	}
	c := v.change()
	prompt, err := s.Traffic.Review(v.r.Context(), v.session, v.client(), c)
	if err != nil {
		return s.showChange(v, c, err)
	}
	return show(view.RoutingReview(v.frame(site.Routing), view.ChangePage{Change: c, Prompt: prompt})), nil
}

func (s *server) decideChange(v *visit) (response, error) {
	if s.Traffic == nil {
		return s.showChange(v, v.change(), nil)
	}
	c := v.change()
	if err := s.Traffic.Decide(v.r.Context(), v.session, v.client(), c, v.proof()); err != nil {
		return s.showChange(v, c, err)
	}
	return see(site.Routing.URL("done", "changed"))
}
