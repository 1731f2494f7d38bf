package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"golang.org/x/sync/singleflight"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// gate is the one policy under which a source is asked. Whoever asks waits no
// longer than his context; the call itself may go on until max, so that a slow
// source still refreshes the last known value. A breaker stops asking a source
// that mostly fails, and a bulkhead bounds the calls that are under way, so that
// a source that hangs holds a known number of goroutines and nothing else.
type gate struct {
	source Source
	run    failsafe.Executor[any]
	calls  singleflight.Group
	late   time.Duration // an answer after this counts as a failure to the breaker
	max    time.Duration
}

// The breaker opens when half of at least 20 calls in 10 seconds failed, and
// tries again after a second.
const (
	breakerRate   = 0.5
	breakerLeast  = 20
	breakerWindow = 10 * time.Second
	breakerDelay  = time.Second
)

func newGate(source Source, c Config) *gate {
	breaker := circuitbreaker.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return troubled(err) }).
		WithFailureRateThreshold(breakerRate, breakerLeast, breakerWindow).
		WithSuccessThreshold(2).
		WithDelay(breakerDelay).
		Build()
	calls := bulkhead.NewBuilder[any](uint(c.Parallel)).WithMaxWaitTime(c.TileWait).Build()
	return &gate{source: source, run: failsafe.With[any](breaker, calls), late: c.TileWait, max: c.CallMax}
}

// troubled tells whether err says something about the source. What a member
// asked for in vain does not: otherwise a few wrong cursors would close the
// source to everybody.
func troubled(err error) bool {
	return err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid)
}

var (
	errSlow  = errors.New("the source answered too late")
	errPanic = errors.New("the source's adapter panicked")
)

// ask puts one question through a gate and waits until ctx ends. Questions with
// the same key that are under way at once share one call; "" shares with nobody.
func ask[T any](ctx context.Context, g *gate, key string, question func(context.Context) (T, error)) (T, error) {
	if key == "" {
		key = db.NewID()
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := g.calls.DoChan(key, func() (any, error) { return call(ctx, g, question) })
	select {
	case r := <-done:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// call runs a question under the policy. The context's values go with it, its
// end does not.
func call[T any](ctx context.Context, g *gate, question func(context.Context) (T, error)) (v T, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.max)
	defer cancel()
	err = g.run.WithContext(ctx).Run(func() error {
		begun := time.Now()
		var err error
		v, err = safely(ctx, question)
		if err == nil && time.Since(begun) > g.late {
			return errSlow
		}
		return err
	})
	if errors.Is(err, errSlow) {
		return v, nil // the breaker has counted it; the value is good
	}
	return v, err
}

// safely turns a panic of an adapter into an error: it must not end the process.
func safely[T any](ctx context.Context, question func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return question(ctx)
}
