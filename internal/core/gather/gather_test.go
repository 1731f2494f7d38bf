package gather_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"standfast/internal/core/gather"
)

var ctx = context.Background()

// desk is work that a test lets go on, batch by batch.
type desk struct {
	gate    chan struct{} // nil lets everything through
	mu      sync.Mutex
	batches [][]int
	now     int // batches under way
	most    int // of now
}

// double answers each request with its double; 13 panics.
func (d *desk) double(batch []int) []int {
	d.mu.Lock()
	d.batches = append(d.batches, slices.Clone(batch))
	d.now++
	d.most = max(d.most, d.now)
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.now--; d.mu.Unlock() }()
	if d.gate != nil {
		<-d.gate
	}
	answers := make([]int, len(batch))
	for i, n := range batch {
		if n == 13 {
			panic("unlucky")
		}
		answers[i] = 2 * n
	}
	return answers
}

func TestOneCallerIsServedAlone(t *testing.T) {
	d := &desk{}
	q := gather.New(gather.Options{MaxBatch: 8, MaxQueue: 8, Writers: 1}, d.double)
	for i := range 3 {
		if n, err := q.Do(ctx, i); n != 2*i || err != nil {
			t.Fatal(n, err)
		}
	}
	q.Drain()
	if len(d.batches) != 3 {
		t.Fatal(d.batches)
	}
}

// While a batch is under way all others gather, and go together.
func TestThoseWhoWaitGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{gate: make(chan struct{})}
		q := gather.New(gather.Options{MaxBatch: 4, MaxQueue: 100, Writers: 1}, d.double)
		for i := range 8 {
			go q.Do(ctx, i)
			synctest.Wait()
		}
		close(d.gate)
		synctest.Wait()
		want := [][]int{{0}, {1, 2, 3, 4}, {5, 6, 7}}
		if !slices.EqualFunc(d.batches, want, slices.Equal) || d.most != 1 {
			t.Fatal(d.batches, d.most)
		}
	})
}

func TestACrowdStartsAnotherWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{gate: make(chan struct{})}
		q := gather.New(gather.Options{MaxBatch: 100, MaxQueue: 100, Writers: 2, Crowd: 2}, d.double)
		for i := range 10 { // the first one goes, two wait, and the third who would has them go
			go q.Do(ctx, i)
			synctest.Wait()
		}
		close(d.gate)
		synctest.Wait()
		want := [][]int{{0}, {1, 2, 3}, {4, 5, 6, 7, 8, 9}}
		if !slices.EqualFunc(d.batches, want, slices.Equal) || d.most != 2 {
			t.Fatal(d.batches, d.most)
		}
	})
}

func TestWhoGivesUpIsToldTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{gate: make(chan struct{})}
		q := gather.New(gather.Options{MaxBatch: 4, MaxQueue: 100, Writers: 1}, d.double)
		brief, giveUp := context.WithCancel(ctx)
		errs := make([]error, 2)
		for i := range errs {
			go func() { _, errs[i] = q.Do(brief, i) }()
			synctest.Wait()
		}
		giveUp()
		synctest.Wait()
		if !errors.Is(errs[0], gather.ErrUnknown) || !errors.Is(errs[1], gather.ErrLate) || !errors.Is(errs[1], context.Canceled) {
			t.Fatal(errs)
		}
		if _, err := q.Do(brief, 2); !errors.Is(err, gather.ErrLate) {
			t.Fatal(err)
		}
		close(d.gate)
		q.Drain()
		if !slices.EqualFunc(d.batches, [][]int{{0}}, slices.Equal) {
			t.Fatal("what was withdrawn was done", d.batches)
		}
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{gate: make(chan struct{})}
		q := gather.New(gather.Options{MaxBatch: 1, MaxQueue: 2, Writers: 1}, d.double)
		for i := range 3 {
			go q.Do(ctx, i)
			synctest.Wait()
		}
		if _, err := q.Do(ctx, 3); !errors.Is(err, gather.ErrFull) {
			t.Fatal(err)
		}
		close(d.gate)
		q.Drain()
	})
}

// A panic is told to its own batch, and the queue goes on.
func TestAPanicEndsItsBatchOnly(t *testing.T) {
	q := gather.New(gather.Options{MaxBatch: 4, MaxQueue: 100, Writers: 1}, (&desk{}).double)
	if _, err := q.Do(ctx, 13); !errors.Is(err, gather.ErrUnknown) {
		t.Fatal(err)
	}
	if n, err := q.Do(ctx, 21); n != 42 || err != nil {
		t.Fatal(n, err)
	}
}

// Whatever the sizes, everybody gets the answer to their own request, and it is
// done once.
func TestEverybodyGetsTheirOwnAnswer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &desk{}
		o := gather.Options{MaxBatch: rapid.IntRange(1, 9).Draw(rt, "batch"), MaxQueue: 1000, Writers: rapid.IntRange(1, 3).Draw(rt, "writers"), Crowd: rapid.IntRange(0, 9).Draw(rt, "crowd")}
		q := gather.New(o, d.double)
		callers := rapid.IntRange(1, 40).Draw(rt, "callers")
		wrong := make(chan int, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for _, n := range []int{1000 + i, 2000 + i} {
					if got, err := q.Do(ctx, n); got != 2*n || err != nil {
						wrong <- n
					}
				}
			})
		}
		wg.Wait()
		q.Drain()
		var done []int
		for _, b := range d.batches {
			done = append(done, b...)
			if len(b) > o.MaxBatch {
				rt.Fatal(b)
			}
		}
		slices.Sort(done)
		if len(wrong) > 0 || len(done) != 2*callers || len(slices.Compact(done)) != 2*callers || d.most > o.Writers {
			rt.Fatal(len(wrong), done, d.most)
		}
	})
}
