package ledger

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/db"
)

// queue gathers what callers want posted while the commit before it is under
// way. There is no timer: whoever finds a free writer starts it, and a writer
// takes all that waits, until nothing does. Under load batches grow by
// themselves; alone, an entry is committed at once.
type queue struct {
	maxBatch, maxQueue, writers int
	commit                      func([]*item)

	mu      sync.Mutex
	waiting []*item
	active  int // writers at work
	idle    sync.Cond
}

// item is a request in the queue.

type item struct {
	request request
	taken   atomic.Bool  // by a writer, or withdrawn by its caller: whoever is first
	answer  chan verdict // holds one
}

func newQueue(o Options, e db.Engine, commit func([]*item)) *queue {
	q := &queue{maxBatch: o.MaxBatch, maxQueue: o.MaxQueue, writers: o.Writers, commit: commit}
	q.idle.L = &q.mu
	if q.maxBatch <= 0 || q.maxBatch > maxBatchRows {
		q.maxBatch = 512
	}
	if q.maxQueue <= 0 {
		q.maxQueue = 8192
	}
	if q.writers <= 0 {
		q.writers = 2
	}
	if e == db.SQLite {
		q.writers = 1 // it has one writer anyway
	}
	return q
}

// add puts an item in the queue and tells whether there was room.
func (q *queue) add(it *item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.maxQueue {
		return false
	}
	q.waiting = append(q.waiting, it)
	if q.active == 0 || q.active < q.writers && len(q.waiting) > crowd {
		q.active++
		go q.work()
	}
	return true
}

// crowd is how many must wait for a further writer to start. Below it one writer
// with larger batches does better, because batches meet at the same balances.
const crowd = 128

func (q *queue) work() {
	for batch := q.next(); batch != nil; batch = q.next() {
		q.commit(batch)
		runtime.Gosched() // lets those who were just answered come back, for a fuller batch
	}
}

// next takes what waits, or ends the writer when nothing does.
func (q *queue) next() []*item {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*item
	for len(q.waiting) > 0 && len(batch) < q.maxBatch {
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

// drain waits until nothing is queued or under way.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.active > 0 {
		q.idle.Wait()
	}
}

// Post records an entry and answers when it is committed. A caller whose context
// ends before its entry is picked up is told that nothing was done
// (ledger.late); once it is picked up, that the outcome is unknown
// (ledger.unknown): the same key again tells it.
func (l *Ledger) Post(ctx context.Context, e Entry) (Transfer, error) {
	r, err := newRequest(e)
	if err != nil {
		return Transfer{}, err
	}
	if err := ctx.Err(); err != nil {
		return Transfer{}, errWithdrawn(err)
	}
	it := &item{request: r, answer: make(chan verdict, 1)}
	if !l.queue.add(it) {
		return Transfer{}, errBusy()
	}
	select {
	case v := <-it.answer:
		return v.single()
	case <-ctx.Done():
		if it.taken.CompareAndSwap(false, true) {
			return Transfer{}, errWithdrawn(ctx.Err())
		}
		return Transfer{}, errUnknown(ctx.Err())
	}
}

func (v verdict) single() (Transfer, error) {
	if v.err != nil {
		return Transfer{}, v.err
	}
	return *v.transfer, nil
}

// commit answers a batch of items. It is the queue's own work and outlives any
// caller, so it has a time limit of its own.
func (l *Ledger) commit(batch []*item) {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	requests := make([]request, len(batch))
	for i, it := range batch {
		requests[i] = it.request
	}
	verdicts, err := l.commitRequests(ctx, requests)
	for i, it := range batch {
		if err != nil {
			it.answer <- verdict{err: err}
			continue
		}
		it.answer <- verdicts[i]
	}
}

// maxRuns bounds how often one batch is run. Running it again is safe whatever
// became of it before, because keys that are known replay their first answer.
const maxRuns = 6

func (l *Ledger) commitRequests(ctx context.Context, requests []request) (verdicts []verdict, err error) {
	if l.db.Engine() == db.SQLite {
		err = l.db.WithTx(ctx, func(tx *db.Tx) error {
			verdicts, err = l.apply(ctx, tx, requests)
			return err
		})
		return verdicts, err
	}
	var unknown, unsure bool
	for run := 1; ; run++ {
		verdicts, unsure, err = l.commitPostgreSQL(ctx, requests)
		unknown = unknown || unsure
		if err == nil {
			return verdicts, nil
		}
		if run == maxRuns || !(unsure || again(err)) || ctx.Err() != nil {
			break
		}
		pause(ctx, run)
	}
	l.log.Error("a batch of transfers failed", "entries", len(requests), "unknown", unknown, "error", err)
	if unknown {
		return nil, errUnknown(err)
	}
	return nil, errStorage(err)
}

func pause(ctx context.Context, run int) {
	select {
	case <-time.After(time.Duration(run*run) * 5 * time.Millisecond):
	case <-ctx.Done():
	}
}
