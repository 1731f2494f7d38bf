package scenario

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"standfast/internal/gameday/fault"
	"standfast/internal/gameday/report"
)

// What rows 5 and 6 have to reach.
const (
	mostAgainstQuiet = 1.1 // × the quiet p95 of what is not broken
	mostWait         = 1.0 // seconds until what is broken shows its last value
	dashboardEvery   = 250 * time.Millisecond
)

// errNoSystems says why rows 5 and 6 were not replayed.
var errNoSystems = fmt.Errorf("the members have no accounts in the issuer's own systems")

// hanging is one of the issuer's systems that hangs, and who shall not notice.
type hanging struct {
	name         string
	system       *fault.Web
	hung, unhurt func(m *Member) string // ids of accounts
}

func (s *Stage) hangings() []hanging {
	card := func(m *Member) string { return m.farCard }
	savings := func(m *Member) string { return m.farSavings }
	return []hanging{{"savings hang", s.systems.savings, savings, card}, {"cards hang", s.systems.cards, card, savings}}
}

// Row5 lets the issuer's savings system hang, then that of cards, while members
// look at their dashboards and at single accounts.
func (s *Stage) Row5(ctx context.Context, r *report.Report) error {
	row := r.Row(5, "Savings hangs; then cards hang")
	if s.systems == nil {
		return errNoSystems
	}
	if err := s.everybodyIn(ctx); err != nil {
		return err
	}
	t := newTally()
	defer t.timeline(row)
	for _, h := range s.hangings() {
		if err := s.hangs(ctx, row, t, h); err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
	}
	t.share(row, taking, 1)
	t.never(row, cookieCleared)
	t.never(row, unknownIsNo)
	return nil
}

// hangs looks on while all is well, then while a system hangs, and waits until
// everything is as of now again.
func (s *Stage) hangs(ctx context.Context, row *report.Row, t *tally, h hanging) error {
	quiet, other, tile, all := h.name+": quiet", h.name+": the other tile", h.name+": the hung tile", h.name+": the dashboard"
	s.lookOn(ctx, t, lookAtAccount(quiet, h.unhurt, isCurrent), lookAtWhole(h.name+": the dashboard, quiet", nil),
		[]visit{lookAtAccount(h.name+": the tile that is to hang", h.hung, isCurrent)}) // who look as often as they do later
	h.system.Hang(nil)
	row.Mark(h.name)
	s.lookOn(ctx, t, lookAtAccount(other, h.unhurt, isCurrent), lookAtWhole(all, h.hung), []visit{lookAtAccount(tile, h.hung, isLastKnown)})
	h.system.Heal()
	row.Mark(h.name + ": healed")
	t.share(row, other, leastExisting)
	t.share(row, tile, leastExisting)
	t.share(row, all, leastExisting)
	row.Value(h.name+": p95 of the other tile against quiet", t.percentile(other, 95)/t.percentile(quiet, 95), "×").AtMost(mostAgainstQuiet)
	row.Value(quiet+", p95 of the tile", seconds4(t.percentile(quiet, 95)), "s")
	row.Value(tile+" shows its last value and its age, p95", seconds4(t.percentile(tile, 95)), "s").AtMost(mostWait)
	row.Value(all+", p95", seconds4(t.percentile(all, 95)), "s").AtMost(mostWait)
	return s.allCurrent(ctx)
}

// lookOn has one member after the other look at steady pace for the length of a
// fault, and every member at a dashboard and at what else there is.
func (s *Stage) lookOn(ctx context.Context, t *tally, steady, dashboard visit, more []visit) {
	begun := time.Now()
	until := begun.Add(s.Length)
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil && (n < 20 || time.Now().Before(until)); n++ {
			<-tick.C
			steady.run(ctx, s.Members[n%len(s.Members)], t)
		}
	})
	for i, m := range s.Members {
		all.Go(func() {
			for n := 0; ctx.Err() == nil && (n == 0 || time.Now().Before(until)); n++ {
				dashboard.run(ctx, m, t)
				for _, v := range more {
					v.run(ctx, m, t)
				}
				if n%10 == 0 {
					payTaken(fmt.Sprintf("%d-%d-%d", begun.UnixNano(), i, n)).run(ctx, m, t)
				}
				select {
				case <-ctx.Done():
				case <-time.After(dashboardEvery):
				}
			}
		})
	}
	all.Wait()
}

// allCurrent waits until every member's dashboard is as of now.
func (s *Stage) allCurrent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	for _, m := range s.Members {
		if err := until(ctx, m, lookAtDashboard(), current); err != nil {
			return fmt.Errorf("%s: %w", m.username, err)
		}
	}
	return nil
}

// shown is what the API says of one account, with how old it is.
type shown struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	AsOf    string `json:"as_of"`
	Balance *struct {
		Value string `json:"value"`
	} `json:"balance"`
}

func isCurrent(a shown) bool   { return a.State == "current" && a.Balance != nil }
func isLastKnown(a shown) bool { return a.State == "stale" && a.Balance != nil && a.AsOf != "" }

// lookAtAccount wants one account in a state.
func lookAtAccount(kind string, id func(m *Member) string, good func(shown) bool) visit {
	return visit{kind, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/accounts/"+id(m), nil)
	}, func(_ *Member, a answer) string {
		var s shown
		if err := a.read(&s); err != nil {
			return "account: " + a.what()
		}
		if !good(s) {
			return "an account that is " + s.State
		}
		return ""
	}}
}

// lookAtWhole wants a dashboard whose accounts are all current, but for one that
// shows its last value.
func lookAtWhole(kind string, hung func(m *Member) string) visit {
	return visit{kind, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/dashboard", nil)
	}, func(m *Member, a answer) string {
		var d struct{ Tiles []shown }
		if err := a.read(&d); err != nil {
			return "dashboard: " + a.what()
		}
		if len(d.Tiles) != m.accounts() {
			return fmt.Sprintf("a dashboard with %d accounts of %d", len(d.Tiles), m.accounts())
		}
		for _, s := range d.Tiles {
			good := isCurrent
			if hung != nil && s.ID == hung(m) {
				good = isLastKnown
			}
			if !good(s) {
				return "an account that is " + s.State
			}
		}
		return ""
	}}
}
