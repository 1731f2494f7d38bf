package signin

import (
	"context"
	"math/rand/v2"
	"time"

	"standfast/internal/fault"
)

// pool bounds how many passwords are hashed at once and how many wait for it.
// A storm of sign-ins then fills the pool and not the machine: whoever finds
// the queue full is told at once when to come back.
type pool struct {
	params  HashParams
	waiting chan struct{} // one token for each hash that runs or waits
	running chan struct{} // one token for each hash that runs
	nobody  verifier      // what a user name that does not exist is checked against
}

func newPool(p HashParams, workers, queue int) *pool {
	return &pool{
		params:  p,
		waiting: make(chan struct{}, workers+queue),
		running: make(chan struct{}, workers),
		nobody:  hashPassword("", p),
	}
}

// matches checks a password; a nil hash costs the same and is never matched.
func (p *pool) matches(ctx context.Context, h verifier, password string) (ok bool, err error) {
	err = p.run(ctx, func() {
		if h == nil {
			p.nobody.matches(password)
			return
		}
		ok = h.matches(password)
	})
	return ok, err
}

// hash makes a new hash.
func (p *pool) hash(ctx context.Context, password string) (h verifier, err error) {
	err = p.run(ctx, func() { h = hashPassword(password, p.params) })
	return h, err
}

func (p *pool) run(ctx context.Context, work func()) error {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return busy()
	}
	select {
	case p.running <- struct{}{}:
		defer func() { <-p.running }()
	case <-ctx.Done():
		return ctx.Err()
	}
	work()
	return nil
}

// busy spreads those who come back over a few seconds.
func busy() error {
	again := 2*time.Second + rand.N(3*time.Second)
	return fault.New(fault.Unavailable, "signin.busy", "Very many people are signing in just now. Please try again in a moment.").After(again)
}
