package portal

import (
	"context"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/journey"
)

// asidePatience is how long the dashboard waits for what it can do without: the
// member's name and what waits for them.
const asidePatience = 400 * time.Millisecond

// justSignedIn is how long after a sign-in the dashboard says what happened before.
const justSignedIn = 15 * time.Minute

// dashboard shows what the member has and owes. It is shown whatever has failed
// behind it.
func (s *server) dashboard(v *visit) (response, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), asidePatience)
	defer cancel()
	name := async(func() string { return s.nameOf(ctx, v.member()) })
	waiting := async(func() []view.Waiting { return append(s.bombed(ctx, v), s.waiting(ctx, v)...) })
	offer := async(func() bool { return s.offersCodes(ctx, v) })
	d := s.Accounts.Dashboard(v.r.Context(), v.member())
	s.figures(v, d.Tiles)
	page := view.DashboardData{Dashboard: d, Name: <-name, Waiting: <-waiting, OfferCodes: <-offer}
	res := show(view.Dashboard(v.frame(view.AtHome), page))
	res.partial = !whole(d)
	return res, nil
}

// figures says what the answer shows, for whoever compares it with a copy.
func (s *server) figures(v *visit, tiles []account.Tile) {
	if posted, read := s.Accounts.Figures(tiles); posted != nil {
		journey.Figures(posted).Set(v.w.Header(), read)
	}
}

// offersCodes tells whether the dashboard offers recovery codes. Where that is not
// known in time it does without: the offer comes again.
func (s *server) offersCodes(ctx context.Context, v *visit) bool {
	offers, err := s.SignIn.OffersRecoveryCodes(ctx, v.session)
	return err == nil && offers
}

// async runs f beside the caller, who must take its answer.
func async[T any](f func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- f() }()
	return c
}

// whole tells whether everything on a dashboard is as of now.
func whole(d account.Dashboard) bool {
	for _, t := range d.Tiles {
		if t.State != account.Current {
			return false
		}
	}
	return d.State == account.Current && d.ActivityState == account.Current
}

// nameOf is how a member is called, or "" when that is not to be had in time.
func (s *server) nameOf(ctx context.Context, memberID string) string {
	m, err := s.Members.Shown(ctx, memberID)
	if err != nil {
		return ""
	}
	return m.DisplayName
}

// waiting is what only the member can do next: confirm a bank account.
func (s *server) waiting(ctx context.Context, v *visit) (list []view.Waiting) {
	methods, err := s.Instruments.List(ctx, v.member())
	if err != nil {
		return nil
	}
	for _, m := range methods {
		if m.Status == instrument.New && m.Proof != nil && m.Proof.Sent && v.now.Before(m.Proof.ExpiresAt) {
			list = append(list, view.Waiting{
				Text:  v.text.T("dashboard.waiting-deposits", "Number", m.Display),
				Label: v.text.T("dashboard.waiting-deposits-go", "Number", m.Display),
				To:    route.MethodConfirm.URL(m.ID),
			})
		}
	}
	return list
}
