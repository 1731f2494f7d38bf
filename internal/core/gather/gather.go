// Package gather joins what callers want done at the same time into batches, so
// that one commit serves many of them.
//
// There is no timer: whoever finds a free writer starts it, and a writer takes
// all that waits, until nothing does. Under load batches grow by themselves;
// alone, a request is worked at once.
package gather

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Why a request has no answer.
var (
	ErrFull    = errors.New("too many requests wait")                                 // nothing was done
	ErrLate    = errors.New("the caller's time ended before the request's turn came") // nothing was done, and will not be
	ErrUnknown = errors.New("the request was picked up, and nobody heard how it ended")
)

// Options says how a Queue gathers. All but Crowd are at least 1.
type Options struct {
	MaxBatch int // requests of one batch
	MaxQueue int // requests that may wait before Do refuses more
	Writers  int // batches under way at once
	Crowd    int // how many may wait before a further writer starts
}

// Queue gathers requests Q, each of which gets an answer A. It is safe for use by
// many goroutines.
type Queue[Q, A any] struct {
	options Options
	work    func(batch []Q) []A

	mu      sync.Mutex
	waiting []*item[Q, A]
	active  int // writers at work
	idle    sync.Cond
}

// item is a request in the queue.
type item[Q, A any] struct {
	request Q
	taken   atomic.Bool     // by a writer, or withdrawn by its caller: whoever is first
	reply   chan outcome[A] // holds one
}

// outcome is what a caller waits for.
type outcome[A any] struct {
	answer A
	err    error
}

// New makes a Queue whose batches are done by work, which gives one answer a
// request, in their order. It outlives every caller, so it sets itself a time
// limit; as many run at once as there are writers.
func New[Q, A any](o Options, work func(batch []Q) []A) *Queue[Q, A] {
	q := &Queue[Q, A]{options: o, work: work}
	q.idle.L = &q.mu
	return q
}

// Do has a request done in the next batch and gives its answer. Errors are
// ErrFull, ErrLate when ctx ends before a writer has picked the request up, and
// ErrUnknown when it ends afterwards or the work panicked.
func (q *Queue[Q, A]) Do(ctx context.Context, request Q) (answer A, err error) {
	if ctx.Err() != nil {
		return answer, fmt.Errorf("%w: %w", ErrLate, ctx.Err())
	}
	it := &item[Q, A]{request: request, reply: make(chan outcome[A], 1)}
	if !q.add(it) {
		return answer, ErrFull
	}
	select {
	case o := <-it.reply:
		return o.answer, o.err
	case <-ctx.Done():
		if it.taken.CompareAndSwap(false, true) {
			return answer, fmt.Errorf("%w: %w", ErrLate, ctx.Err())
		}
		return answer, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

// add puts an item in the queue and tells whether there was room.
func (q *Queue[Q, A]) add(it *item[Q, A]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.options.MaxQueue {
		return false
	}
	q.waiting = append(q.waiting, it)
	if q.active == 0 || q.active < q.options.Writers && len(q.waiting) > q.options.Crowd {
		q.active++
		go q.write()
	}
	return true
}

// write is a writer.
func (q *Queue[Q, A]) write() {
	for batch := q.next(); batch != nil; batch = q.next() {
		q.serve(batch)
		runtime.Gosched() // lets those who were just answered come back, for a fuller batch
	}
}

// next takes what waits, or ends the writer when nothing does.
func (q *Queue[Q, A]) next() []*item[Q, A] {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*item[Q, A]
	for len(q.waiting) > 0 && len(batch) < q.options.MaxBatch {
		it := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		if it.taken.CompareAndSwap(false, true) {
			batch = append(batch, it)
		}
	}
	if batch == nil {
		q.active--
		q.idle.Broadcast()
	}
	return batch
}

// serve answers a batch. A panic must not end the process, as it would not in the
// goroutine of a caller: the batch's callers hear of it, and the writer goes on.
func (q *Queue[Q, A]) serve(batch []*item[Q, A]) {
	requests := make([]Q, len(batch))
	for i, it := range batch {
		requests[i] = it.request
	}
	answers, err := q.contained(requests)
	for i, it := range batch {
		if err != nil {
			it.reply <- outcome[A]{err: err}
			continue
		}
		it.reply <- outcome[A]{answer: answers[i]}
	}
}

func (q *Queue[Q, A]) contained(requests []Q) (answers []A, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic: %v\n%s", ErrUnknown, p, debug.Stack())
		}
	}()
	answers = q.work(requests)
	if len(answers) != len(requests) {
		panic(fmt.Sprintf("%d answers to %d requests", len(answers), len(requests)))
	}
	return answers, nil
}

// Drain waits until nothing is queued or under way.
func (q *Queue[Q, A]) Drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.active > 0 {
		q.idle.Wait()
	}
}
