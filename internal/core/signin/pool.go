package signin

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"sync"
	"time"

	"standfast/internal/fault"
)

// pool bounds how many passwords are hashed at once, and lets in no more sign-ins
// than it can serve within a time that people wait. Whoever finds it full is told
// so before anything else is done for them, and when to come back: a storm of
// sign-ins then costs little more than saying no, and the rest of the machine
// goes on.
type pool struct {
	params HashParams
	idle   chan *helper // those that hash nothing just now
	nobody verifier     // what a user name that does not exist is checked against

	mu      sync.Mutex
	most    int           // seats there can be at all
	seats   int           // taken ones
	each    time.Duration // how long one hash takes, averaged
	refused [2]int        // who was refused in this second and in the one before
	second  int64         // which second that is
}

const (
	seatWait  = 2 * time.Second // how long the last one who is let in waits, at most
	seatLeast = 8               // seats a worker that there always are
	firstHash = 50 * time.Millisecond
	smoothing = 8 // of each new measurement, this part counts
)

// When those who were refused are to come back.
const (
	againLeast  = 2 * time.Second
	againSpread = 3 * time.Second // at least
	againMost   = time.Minute
)

// newPool makes a pool of workers, each a process that command starts, or in this
// one where command is nil.
func newPool(p HashParams, workers, queue int, command func() *exec.Cmd) *pool {
	idle := make(chan *helper, workers)
	for range workers {
		idle <- &helper{command: command, patience: hashPatience}
	}
	return &pool{
		params: p,
		idle:   idle,
		nobody: hashPassword("", p),
		most:   workers + queue,
		each:   firstHash,
	}
}

// enter takes a seat for a sign-in, or says when to come back. leave gives it up.
func (p *pool) enter() (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seats >= p.room() {
		return nil, busy(p.again())
	}
	p.seats++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seats--
	}), nil
}

// full is enter for nobody: it says when to come back where nobody would be let in.
func (p *pool) full() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seats >= p.room() {
		return busy(p.again())
	}
	return nil
}

// room is how many sign-ins can be served within seatWait.
func (p *pool) room() int {
	workers := cap(p.idle)
	within := int(seatWait/p.each) * workers
	return min(p.most, max(within, seatLeast*workers))
}

// again counts a refusal and gives when to come back: spread over the time that
// it will take to serve those who were refused lately.
func (p *pool) again() time.Duration {
	now := time.Now().Unix()
	switch {
	case now == p.second+1:
		p.refused[1], p.refused[0] = p.refused[0], 0
	case now != p.second:
		p.refused = [2]int{}
	}
	p.second = now
	p.refused[0]++
	backlog := time.Duration(max(p.refused[0], p.refused[1])) * p.each / time.Duration(cap(p.idle))
	return againLeast + rand.N(min(againMost, max(againSpread, backlog)))
}

// matches checks a password; a nil hash costs the same and is never matched.
func (p *pool) matches(ctx context.Context, h verifier, password string) (ok bool, err error) {
	checked := h
	if h == nil {
		checked = p.nobody
	}
	a, err := p.run(ctx, hashOrder{PHC: checked.String(), Password: password})
	return a.Matches && h != nil, err
}

// hash makes a new hash.
func (p *pool) hash(ctx context.Context, password string) (verifier, error) {
	a, err := p.run(ctx, hashOrder{Password: password, Params: p.params})
	if err != nil {
		return nil, err
	}
	return parsePHC(a.PHC)
}

func (p *pool) run(ctx context.Context, o hashOrder) (a hashAnswer, err error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	select {
	case h := <-p.idle:
		defer func() { p.idle <- h }()
		begun := time.Now()
		if a, err = h.hash(o); err == nil {
			p.took(time.Since(begun))
		}
		return a, err
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

func (p *pool) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.each = max(time.Millisecond, p.each+(d-p.each)/smoothing)
}

func busy(again time.Duration) error {
	return fault.New(fault.Unavailable, "signin.busy", "Very many people are signing in just now. Please try again in a moment.").After(again).OfLoad()
}
