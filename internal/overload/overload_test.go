package overload

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/fault"
	"standfast/internal/journey"
)

var ctx = context.Background()

// fill takes every place and gives what frees them.
func fill(t *testing.T, g *Gate, n int) (free func()) {
	t.Helper()
	var all []func()
	for range n {
		leave, err := g.Admit(ctx, journey.Dashboard)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leave)
	}
	return func() {
		for _, leave := range all {
			leave()
		}
	}
}

// A full gate refuses with the time to come back, keeps nobody waiting longer
// than it says, and lets in again when there is room.
func TestAFullGateSaysWhenToComeBack(t *testing.T) {
	g := New(Limits{Least: 2, Most: 2, Wait: 20 * time.Millisecond})
	free := fill(t, g, 2)
	_, err := g.Admit(ctx, journey.Pay)
	e := fault.As(err)
	if e == nil || e.Kind != fault.Unavailable || e.Code != "busy" || e.RetryAfter < againLeast || e.RetryAfter > againLeast+againSpread {
		t.Fatalf("%v", err)
	}
	free()
	leave, err := g.Admit(ctx, journey.Locate)
	if err != nil {
		t.Fatal(err)
	}
	leave()
}

// However many come at once, no more are let in than the limit, and no more wait
// than the queue has room for.
func TestWhatWaitsIsBounded(t *testing.T) {
	const most = 4
	g := New(Limits{Least: most, Most: most, Wait: time.Minute})
	free := fill(t, g, most)
	done, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	var refused atomic.Int64
	const come = 100
	for range come {
		all.Go(func() {
			leave, err := g.Admit(done, journey.Dashboard)
			if err == nil {
				leave()
			} else if done.Err() == nil {
				refused.Add(1)
			}
		})
	}
	for refused.Load() < come-int64(queueTo*most) { // the test's own time limit ends this when it never comes
		runtime.Gosched()
	}
	if _, waiting, limit := g.Full(); waiting > int(queueTo*most) || limit != most {
		t.Errorf("%d wait, limit %d", waiting, limit)
	}
	stop()
	free()
	all.Wait()
}

// While there is more than can be answered, it is browsing that is refused.
func TestWhoPaysGoesFirst(t *testing.T) {
	const most, half = 20, int((queueFrom + queueTo) / 2 * 20)
	g := New(Limits{Least: most, Most: most, Wait: time.Minute})
	free := fill(t, g, most)
	done, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	come := []journey.Name{journey.Locate, journey.Dashboard, journey.Pay}
	for i := range half { // everybody alike, until the queue is half full of those whom it may refuse
		all.Go(func() {
			if leave, err := g.Admit(done, come[i%len(come)]); err == nil {
				leave()
			}
		})
	}
	for waiting := 0; waiting < half; _, waiting, _ = g.Full() {
		runtime.Gosched()
	}
	g.order.Calibrate()
	pays, _ := importance(journey.Pay)
	browses, _ := importance(journey.Locate)
	if !g.limiter.CanAcquirePermitWithPriority(ctx, pays) || g.limiter.CanAcquirePermitWithPriority(ctx, browses) {
		t.Errorf("refused is what is below %d", g.order.RejectionThreshold())
	}
	stop()
	free()
	all.Wait()
}

// Sign-in has a bound of its own.
func TestSignInIsNotCountedTwice(t *testing.T) {
	g := New(Limits{Least: 1, Most: 1, Wait: time.Millisecond})
	defer fill(t, g, 1)()
	for _, j := range []journey.Name{journey.SignIn, journey.Recover, journey.Enrol, journey.Status, ""} {
		if _, err := g.Admit(ctx, j); err != nil {
			t.Error(j, err)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	g := New(Limits{})
	for b.Loop() {
		leave, err := g.Admit(ctx, journey.Dashboard)
		if err != nil {
			b.Fatal(err)
		}
		leave()
	}
}
