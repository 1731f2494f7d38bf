package console

import (
	"strconv"
	"strings"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/traffic"
	"standfast/internal/fault"
	"standfast/internal/steer"
)

// noShare is what a text stands for that is no share: it is refused like one that is
// out of range.
const noShare = -1

// readPercent reads a number of percent, with a point or a comma and two decimals at
// most, as hundredths of a percent.
func readPercent(typed string) int {
	typed = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(typed), "%"))
	whole, part, _ := strings.Cut(strings.Replace(typed, ",", ".", 1), ".")
	if len(whole) > 3 || len(part) > 2 || whole == "" {
		return noShare
	}
	n, err := strconv.ParseUint(whole+(part + "00")[:2], 10, 32)
	if err != nil || n > steer.All {
		return noShare
	}
	return int(n)
}

// share reads a word on a share as its form sends it.
func (v *visit) share() traffic.Share {
	return traffic.Share{Build: v.value("build"), Share: readPercent(v.value("share")), Mark: v.value("mark"), Reason: v.value("reason")}
}

func (s *server) sharePage(v *visit) (response, error) { return s.showShare(v, v.share(), nil) }

// showShare is the form of a share, with what it is now: a mark that is over is
// replaced by the present one.
func (s *server) showShare(v *visit, w traffic.Share, cause error) (response, error) {
	d := view.SharePage{Word: w, Typed: v.value("share")}
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
	if d.Now == nil || d.Now.ShareMark(w.Build) == "" {
		return response{}, fault.New(fault.NotFound, "console.no-page", "There is no such page.")
	}
	d.Word.Mark = d.Now.ShareMark(w.Build)
	page := view.RoutingShare(v.frame(site.Routing), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// reviewShare says what follows from a share, and asks for the passkey.
func (s *server) reviewShare(v *visit) (response, error) {
	d := view.SharePage{Word: v.share(), Typed: v.value("share")}
	var err error
	if d.View, err = s.traffic(v); err != nil {
		return response{}, err
	}
	if d.Prompt, err = s.Traffic.Review(v.r.Context(), v.session, v.client(), d.Word); err != nil {
		return s.showShare(v, d.Word, err)
	}
	return show(view.ShareReview(v.frame(site.Routing), d)), nil
}

func (s *server) decideShare(v *visit) (response, error) {
	if s.Traffic == nil {
		return s.showShare(v, v.share(), nil)
	}
	w := v.share()
	if err := s.Traffic.Decide(v.r.Context(), v.session, v.client(), w, v.proof()); err != nil {
		return s.showShare(v, w, err)
	}
	return see(site.Routing.URL("done", "share"))
}

// traffic gives the state; where no edge stands before the cell there is no page of it.
func (s *server) traffic(v *visit) (traffic.View, error) {
	if s.Traffic == nil {
		return traffic.View{}, fault.New(fault.NotFound, "console.no-page", "There is no such page.")
	}
	return s.Traffic.See(v.r.Context(), v.session, v.client())
}
