package ledger

import (
	"context"
	"errors"
	"slices"
	"time"

	"standfast/internal/core/gather"
	"standfast/internal/db"
)

// crowd is how many must wait for a further writer to start. Below it one writer
// with larger batches does better, because batches meet at the same balances.
const crowd = 128

func newQueue(o Options, e db.Engine, commit func([]request) []verdict) *gather.Queue[request, verdict] {
	g := gather.Options{MaxBatch: o.MaxBatch, MaxQueue: o.MaxQueue, Writers: o.Writers, Crowd: crowd}
	if g.MaxBatch <= 0 || g.MaxBatch > maxBatchRows {
		g.MaxBatch = 512
	}
	if g.MaxQueue <= 0 {
		g.MaxQueue = 8192
	}
	if g.Writers <= 0 {
		g.Writers = 2
	}
	if e == db.SQLite {
		g.Writers = 1 // it has one writer anyway
	}
	return gather.New(g, commit)
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
	v, err := l.queue.Do(ctx, r)
	if err == nil {
		err = v.err
	}
	switch {
	case err == nil:
		return *v.transfer, nil
	case errors.Is(err, gather.ErrFull):
		return Transfer{}, errBusy()
	case errors.Is(err, gather.ErrLate):
		return Transfer{}, errWithdrawn(err)
	case errors.Is(err, gather.ErrUnknown):
		return Transfer{}, errUnknown(err)
	}
	return Transfer{}, err
}

// commit answers a batch. It outlives any caller, so it has a time limit of its own.
func (l *Ledger) commit(requests []request) []verdict {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	verdicts, err := l.commitRequests(ctx, requests)
	if err != nil {
		verdicts = slices.Repeat([]verdict{{err: err}}, len(requests))
	}
	return verdicts
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
