package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"standfast/internal/core/account"
)

// mostSlower is what a thousand times the accounts may cost a dashboard's p99.
const mostSlower = 1.5

const (
	lookers      = 2 // callers at once: one a core, so that waiting for a core is not measured
	lookerRounds = 4
)

func dashboardBench(ctx context.Context, c dashboardCmd, r *Report) error {
	dir, err := os.MkdirTemp("", "standfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	targets, done, err := twoDatabases(ctx, c, dir)
	if err != nil {
		return err
	}
	defer done()
	houses := make([]*house, len(targets))
	for i, n := range []int{c.Few, c.Many} {
		if houses[i], err = build(ctx, dir, targets[i], n); err != nil {
			return err
		}
		defer houses[i].Close()
		r.note("%d accounts loaded in %.0f s", n, houses[i].took.Seconds())
	}
	if err := lookAround(ctx, c, houses); err != nil {
		return err
	}
	for i, n := range []int{c.Few, c.Many} {
		slices.Sort(houses[i].times)
		r.add(fmt.Sprintf("dashboard with %d accounts on %s, median", n, c.Engine), ms(percentile(houses[i].times, 0.5)), "ms")
		r.add(fmt.Sprintf("dashboard with %d accounts on %s, p99", n, c.Engine), ms(percentile(houses[i].times, 0.99)), "ms")
	}
	r.add("ratio of the medians", ratio(houses, 0.5), "×")
	r.add("ratio of the p99", ratio(houses, 0.99), "×").atMost(mostSlower)
	return nil
}

func ratio(h []*house, p float64) float64 {
	return float64(percentile(h[1].times, p)) / float64(percentile(h[0].times, p))
}

// twoDatabases makes an empty database for each size.
func twoDatabases(ctx context.Context, c dashboardCmd, dir string) (targets []string, done func(), err error) {
	if c.Engine == "sqlite" {
		return []string{filepath.Join(dir, "few.db"), filepath.Join(dir, "many.db")}, func() {}, nil
	}
	srv, err := openServer(c.Database)
	if err != nil {
		return nil, nil, err
	}
	ends := []func(){func() { _ = srv.stop() }}
	done = func() {
		for _, end := range slices.Backward(ends) {
			end()
		}
	}
	for _, name := range []string{"few", "many"} {
		target, drop, err := srv.database(ctx, name)
		if err != nil {
			done()
			return nil, nil, err
		}
		targets, ends = append(targets, target), append(ends, drop)
	}
	return targets, done, nil
}

// house is an opened core with made-up members.
type house struct {
	stage
	members []string
	took    time.Duration
	times   []time.Duration
}

func build(ctx context.Context, dir, target string, accounts int) (*house, error) {
	config, err := configure(dir, target, "")
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, config)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	members, err := populate(ctx, s.DB, accounts/accountsEach)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &house{stage: s, members: members, took: time.Since(start)}, nil
}

// lookAround has members picked at random look at their dashboards, the two
// databases in turns.
func lookAround(ctx context.Context, c dashboardCmd, houses []*house) error {
	for round := range lookerRounds + 1 { // the first one warms up
		for _, h := range houses {
			l, err := drive(ctx, lookers, c.For/lookerRounds, h.look)
			if err != nil {
				return err
			}
			if round > 0 {
				h.times = append(h.times, l.times...)
			}
		}
	}
	return nil
}

// look asks for one member's dashboard and holds it to be whole.
func (h *house) look(ctx context.Context, _, _ int) error {
	d := h.Accounts.Dashboard(ctx, h.members[rand.IntN(len(h.members))])
	if len(d.Tiles) != accountsEach || d.ActivityState != account.Current || len(d.Activity) == 0 {
		return fmt.Errorf("a dashboard is not whole: %d tiles, activity %s", len(d.Tiles), d.ActivityState)
	}
	for _, t := range d.Tiles {
		if t.State != account.Current {
			return fmt.Errorf("a tile is %s", t.State)
		}
	}
	return nil
}
