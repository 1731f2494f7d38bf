// Package overload keeps a process that gets more requests than it can answer
// answering as many as it can, those that matter most first: who pays goes before
// who looks, who looks before who browses. How many it can answer at once it finds
// out by itself, from how long they take.
package overload

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/priority"

	"standfast/internal/fault"
	"standfast/internal/journey"
)

// Limits bound what a Gate finds out. A zero field takes its default.
type Limits struct {
	Least uint          // requests at once that are always let in; default 16 a core
	Most  uint          // at once, whatever was found out; default 256 a core
	Wait  time.Duration // how long a request waits for its turn; default 1 s
}

// How a full gate behaves.
const (
	queueFrom, queueTo = 2.0, 4.0 // × the limit may wait: from the first on the least important are refused, beyond the second all
	calibrate          = 500 * time.Millisecond

	againLeast, againSpread = 2 * time.Second, 3 * time.Second
)

// Gate lets requests in. It is safe for use by many goroutines.
type Gate struct {
	limiter adaptivelimiter.PriorityLimiter[any]
	order   priority.Prioritizer
	wait    time.Duration
}

// New makes a gate. Its Run must be running for it to prefer anybody.
func New(l Limits) *Gate {
	cores := uint(runtime.GOMAXPROCS(0))
	if l.Least == 0 {
		l.Least = 16 * cores
	}
	if l.Most == 0 {
		l.Most = max(l.Least, 256*cores)
	}
	if l.Wait == 0 {
		l.Wait = time.Second
	}
	g := &Gate{order: adaptivelimiter.NewPrioritizer(), wait: l.Wait}
	g.limiter = adaptivelimiter.NewBuilder[any]().WithLimits(l.Least, l.Most, l.Least).
		WithQueueing(queueFrom, queueTo).BuildPrioritized(g.order)
	return g
}

// Run goes on finding out whom to refuse, until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	stop := g.order.ScheduleCalibrations(ctx, calibrate)
	defer stop()
	<-ctx.Done()
	return ctx.Err()
}

// Admit waits for a request's turn. leave is called when it has been answered.
// Its error is Unavailable and says when to come back.
func (g *Gate) Admit(ctx context.Context, j journey.Name) (leave func(), err error) {
	p, limited := importance(j)
	if g == nil || !limited {
		return func() {}, nil
	}
	permit, err := g.limiter.AcquirePermitWithMaxWait(priority.ContextWithPriority(ctx, p), g.wait)
	if err != nil {
		return nil, busy(err)
	}
	return func() {
		if ctx.Err() != nil {
			permit.Drop() // how long that took says nothing about us
			return
		}
		permit.Record()
	}, nil
}

// Full is how near the gate is to refusing: requests that are answered and that
// wait, and how many may be answered at once.
func (g *Gate) Full() (answered, waiting, limit int) {
	return g.limiter.Inflight(), g.limiter.Queued(), g.limiter.Limit()
}

// importance ranks journeys. Those that hash a password or wait for one have a
// bound of their own in signin, and how long they take would say nothing about
// the others.
func importance(j journey.Name) (p priority.Priority, limited bool) {
	switch j {
	case "", journey.SignIn, journey.Recover, journey.Enrol, journey.Status:
		return 0, false
	case journey.Pay, journey.StepUp, journey.Transfer, journey.Freeze, journey.SignOut:
		return priority.VeryHigh, true
	case journey.Session, journey.Dashboard, journey.Accounts, journey.History, journey.Payments:
		return priority.High, true
	}
	return priority.Low, true
}

// busy is who is refused: spread, so that they do not come back together.
func busy(cause error) error {
	if errors.Is(cause, context.Canceled) {
		return fault.Wrap(fault.Unavailable, "busy", "The request was given up.", cause)
	}
	return fault.New(fault.Unavailable, "busy", "Very many people are here just now. Nothing was done; please try again in a moment.").
		After(againLeast + rand.N(againSpread)).OfLoad()
}
