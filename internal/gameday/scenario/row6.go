package scenario

import (
	"context"
	"net/http"
	"strings"

	"standfast/internal/gameday/report"
)

// Kinds of requests of row 6.
const (
	recentItems  = "recent items of an account whose history stalls"
	otherHistory = "recent items of other accounts"
	stalledBoard = "dashboards while histories stall"
)

// Row6 lets the histories of the issuer's own systems stall; balances still come.
func (s *Stage) Row6(ctx context.Context, r *report.Report) error {
	row := r.Row(6, "Payment history stalls")
	if s.systems == nil {
		return errNoSystems
	}
	if err := s.everybodyIn(ctx); err != nil {
		return err
	}
	if err := s.everyHistoryOnce(ctx); err != nil {
		return err
	}
	t := newTally()
	defer t.timeline(row)
	histories := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/transactions") }
	s.systems.cards.Hang(histories)
	s.systems.savings.Hang(histories)
	row.Mark("histories stall")
	s.lookOn(ctx, t, lookAtHistory(otherHistory, func(m *Member) string { return m.card }), lookAtBalances(),
		[]visit{lookAtHistory(recentItems, func(m *Member) string { return m.farCard }), lookAtHistory(recentItems, func(m *Member) string { return m.farSavings })})
	s.systems.heal()
	row.Mark("healed")
	t.share(row, recentItems, leastExisting)
	row.Value("p95 of "+recentItems, seconds4(t.percentile(recentItems, 95)), "s").AtMost(mostWait)
	t.share(row, otherHistory, leastExisting)
	t.share(row, stalledBoard, leastExisting)
	row.Value("p95 of "+stalledBoard, seconds4(t.percentile(stalledBoard, 95)), "s").AtMost(mostWait)
	t.share(row, taking, 1)
	t.never(row, cookieCleared)
	t.never(row, unknownIsNo)
	return s.allCurrent(ctx)
}

// lookAtBalances wants every account with its balance.
func lookAtBalances() visit {
	v := lookAtDashboard()
	v.kind = stalledBoard
	return v
}

// everyHistoryOnce has each history read once, so that there is one to remember.
func (s *Stage) everyHistoryOnce(ctx context.Context) error {
	for _, m := range s.Members {
		for _, id := range []string{m.farCard, m.farSavings} {
			v := lookAtHistory("", func(*Member) string { return id })
			if err := until(ctx, m, v, func(a answer) bool { return v.judge(m, a) == "" }); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookAtHistory wants the newest transactions of an account, however old they are.
func lookAtHistory(kind string, id func(m *Member) string) visit {
	v := lookAtTransactions()
	return visit{kind, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/accounts/"+id(m)+"/transactions", nil)
	}, v.judge}
}
