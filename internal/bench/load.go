package bench

import (
	"context"
	"slices"
	"sync"
	"time"
)

// load is what came of callers doing one thing over and over.
type load struct {
	done  int64
	took  time.Duration
	times []time.Duration // of each, sorted
}

func (l load) perSecond() float64 { return float64(l.done) / l.took.Seconds() }

// drive lets n callers do one thing at a time, over and over, for d. do gets the
// caller's number and how often it was called before; an error ends everything.
func drive(ctx context.Context, n int, d time.Duration, do func(ctx context.Context, caller, turn int) error) (load, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, n)
	start := time.Now()
	var all sync.WaitGroup
	for caller := range n {
		all.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				began := time.Now()
				if began.Sub(start) >= d {
					return
				}
				if err := do(ctx, caller, turn); err != nil {
					cancel(err)
					return
				}
				times[caller] = append(times[caller], time.Since(began))
			}
		})
	}
	all.Wait()
	l := load{took: time.Since(start)}
	if err := context.Cause(ctx); err != nil {
		return l, err
	}
	l.times = slices.Concat(times...)
	slices.Sort(l.times)
	l.done = int64(len(l.times))
	return l, nil
}
