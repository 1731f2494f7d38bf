package scenario

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	visiting   = 24                     // visitors at once
	visitPause = 120 * time.Millisecond // of each between two visits, at least
)

// traffic is visitors who look, pay and freeze until they are told to stop.
type traffic struct {
	f     *fleet
	tally *tally
	stop  context.CancelFunc
	done  sync.WaitGroup
	paid  atomic.Int64 // payments that were acknowledged
	run   string       // makes this traffic's payments others than any other's
}

// visit lets the visitors come.
func (f *fleet) visit(ctx context.Context) *traffic {
	ctx, cancel := context.WithCancel(ctx)
	tr := &traffic{f: f, tally: newTally(), stop: cancel, run: fmt.Sprint(time.Now().UnixNano())}
	for w := range visiting {
		tr.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				m := f.visitors[(w+visiting*rand.IntN(max(1, len(f.visitors)/visiting)))%len(f.visitors)]
				tr.one(ctx, m, fmt.Sprintf("%s-%d-%d", tr.run, w, n))
				select {
				case <-ctx.Done():
				case <-time.After(visitPause/2 + rand.N(visitPause)):
				}
			}
		})
	}
	return tr
}

// end lets everybody finish what they are at.
func (tr *traffic) end() {
	tr.stop()
	tr.done.Wait()
}

// one is a visit: mostly a look, sometimes a payment, now and then a freeze.
func (tr *traffic) one(ctx context.Context, m *Member, key string) {
	// What has begun is brought to its end: an answer that nobody waits for says nothing.
	whole := context.WithoutCancel(ctx)
	switch n := rand.IntN(100); {
	case n < 45:
		lookAtCards().run(whole, m, tr.tally)
	case n < 70:
		lookAtPage(dashboardPage).run(whole, m, tr.tally)
	case n < 80:
		lookAtTransactions().run(whole, m, tr.tally)
	case n < 85:
		lookAtSession().run(whole, m, tr.tally)
	case n < 95:
		if a := payTaken(key).run(whole, m, tr.tally); a.status == http.StatusCreated {
			tr.paid.Add(1)
		}
	default:
		freezeCard().run(whole, m, tr.tally)
	}
}

// lookAtCards wants the dashboard with the one account that a visitor has.
func lookAtCards() visit {
	return visit{looking, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/dashboard", nil)
	}, func(_ *Member, a answer) string {
		var d struct{ Tiles []tile }
		if err := a.read(&d); err != nil {
			return "dashboard: " + a.what()
		}
		if len(d.Tiles) != 1 || d.Tiles[0].Balance == nil {
			return "a dashboard without the balance"
		}
		return ""
	}}
}
