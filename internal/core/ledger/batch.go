package ledger

import (
	"context"
	"slices"

	"standfast/internal/db"
)

// need is what must be loaded before requests can be decided.
type need struct {
	accounts []string // sorted, so that all lock in one order
	keys     []string
	ends     []string // transfers that are to be ended
}

func needOf(requests []request) need {
	var n need
	for i := range requests {
		r := &requests[i]
		n.keys = append(n.keys, r.Key)
		if r.resolves != "" {
			n.ends = append(n.ends, r.resolves)
			continue
		}
		n.accounts = append(n.accounts, r.Debit, r.Credit)
	}
	n.accounts, n.keys, n.ends = distinct(n.accounts), distinct(n.keys), distinct(n.ends)
	return n
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// changes is what a decided batch writes.
type changes struct {
	batch      string
	recordedAt int64
	digest     []byte
	transfers  []*Transfer
	digests    [][]byte
	balances   []*account // new figures of accounts that are not folded
	deltas     []*account // what folded accounts gained and lost
	timed      []*Transfer
	endedTimed []string
}

// changes gathers what decide left in s.
func (s *state) changes() changes {
	c := changes{batch: s.batch, recordedAt: db.Micros(s.now), transfers: s.made, digests: make([][]byte, len(s.made))}
	var b batchDigest
	for i, t := range s.made {
		c.digests[i] = t.digest()
		b.add(c.digests[i])
		switch {
		case t.Phase == Pending && !t.ExpiresAt.IsZero():
			c.timed = append(c.timed, t)
		case (t.Phase == Settle || t.Phase == Void) && !s.byID[t.Resolves].ExpiresAt.IsZero():
			c.endedTimed = append(c.endedTimed, t.Resolves)
		}
	}
	c.digest = b.sum(s.batch, c.recordedAt)
	for _, a := range s.accounts {
		switch {
		case a.is == a.was:
		case a.folded:
			c.deltas = append(c.deltas, a)
		default:
			c.balances = append(c.balances, a)
		}
	}
	return c
}

// apply decides requests within tx and writes what is accepted.
func (l *Ledger) apply(ctx context.Context, tx *db.Tx, requests []request) ([]verdict, error) {
	s := newState(tx.Now)
	if err := load(ctx, tx, s, needOf(requests)); err != nil {
		return nil, err
	}
	verdicts := decide(s, requests)
	if len(s.made) == 0 {
		return verdicts, nil
	}
	return verdicts, save(ctx, tx, s.changes())
}

// applyAll is apply with all or nothing.
func (l *Ledger) applyAll(ctx context.Context, tx *db.Tx, requests []request) ([]Transfer, error) {
	s := newState(tx.Now)
	if err := load(ctx, tx, s, needOf(requests)); err != nil {
		return nil, err
	}
	list := make([]Transfer, len(requests))
	for i, v := range decide(s, requests) {
		if v.err != nil {
			return nil, v.err
		}
		list[i] = *v.transfer
	}
	if len(s.made) == 0 {
		return list, nil
	}
	return list, save(ctx, tx, s.changes())
}

// load reads into s what n names and locks its balance rows.
func load(ctx context.Context, tx *db.Tx, s *state, n need) error {
	if tx.Engine() == db.PostgreSQL {
		if err := tx.Flush(ctx); err != nil {
			return err
		}
		return loadPostgreSQL(ctx, tx.PG(), s, n, false)
	}
	return loadSQLite(ctx, tx, s, n)
}

func save(ctx context.Context, tx *db.Tx, c changes) error {
	if tx.Engine() == db.PostgreSQL {
		return queuePostgreSQL(ctx, tx, c)
	}
	return saveSQLite(ctx, tx, c)
}

// row is what both drivers scan a row from.
type row interface{ Scan(dest ...any) error }

// accountColumns and transferColumns are read by scanAccount and scanTransfer.
const (
	accountColumns  = `a.id, a.currency, a.floor, a.ceiling, a.folded, a.posted, a.pending_in, a.pending_out, a.count`
	transferColumns = `t.id, t.key, t.debit, t.credit, t.amount, t.currency, t.phase, t.resolves, t.kind, t.description, t.ref, t.fact, t.effective_at, t.recorded_at, t.expires_at`
)

func scanAccount(r row, more ...any) (*account, error) {
	a := &account{}
	err := r.Scan(append([]any{&a.id, &a.currency, &a.floor, &a.ceiling, &a.folded, &a.was.posted, &a.was.in, &a.was.out, &a.was.count}, more...)...)
	a.is = a.was
	return a, err
}

func scanTransfer(r row, more ...any) (*Transfer, error) {
	t := &Transfer{}
	var resolves *string
	var effective, recorded, expires int64
	dest := []any{&t.ID, &t.Key, &t.Debit, &t.Credit, &t.Amount.Minor, &t.Amount.Currency, &t.Phase, &resolves,
		&t.Kind, &t.Description, &t.Ref, &t.Fact, &effective, &recorded, &expires}
	if err := r.Scan(append(dest, more...)...); err != nil {
		return nil, err
	}
	if resolves != nil {
		t.Resolves = *resolves
	}
	t.EffectiveAt, t.RecordedAt, t.ExpiresAt = db.FromMicros(effective), db.FromMicros(recorded), db.FromMicros(expires)
	return t, nil
}

// familySQL reads the transfers $1 with all that ends them: a hold, its
// settlement and the reversal of that.
const familySQL = `WITH
	a AS (SELECT * FROM ledger_transfer WHERE id %[1]s),
	b AS (SELECT * FROM ledger_transfer WHERE resolves IN (SELECT id FROM a)),
	c AS (SELECT * FROM ledger_transfer WHERE resolves IN (SELECT id FROM b))
	SELECT ` + transferColumns + ` FROM (SELECT * FROM a UNION ALL SELECT * FROM b UNION ALL SELECT * FROM c) t`

// PostTx records entries in the caller's transaction, all or none of them: on an
// error nothing was written and the transaction should be rolled back. Entries
// whose keys are known are answered with what was recorded then.
func (l *Ledger) PostTx(ctx context.Context, tx *db.Tx, entries ...Entry) ([]Transfer, error) {
	requests := make([]request, len(entries))
	for i, e := range entries {
		var err error
		if requests[i], err = newRequest(e); err != nil {
			return nil, err
		}
	}
	if len(requests) == 0 {
		return nil, nil
	}
	return l.applyAll(ctx, tx, requests)
}

// PostAll records many entries in one commit, each with its own result, in their
// order. An error means that none was recorded, unless the answer to the commit
// was lost; asking again with the same keys is always right.
func (l *Ledger) PostAll(ctx context.Context, entries []Entry) (results []Result, err error) {
	err = l.db.WithTx(ctx, func(tx *db.Tx) error {
		results, err = l.PostAllTx(ctx, tx, entries)
		return err
	})
	return results, err
}

// PostAllTx is PostAll within the caller's transaction. An entry that is refused
// leaves the others, and the transaction, as they are.
func (l *Ledger) PostAllTx(ctx context.Context, tx *db.Tx, entries []Entry) ([]Result, error) {
	results := make([]Result, len(entries))
	for part := range slices.Chunk(indexes(len(entries)), maxBatchRows) {
		if err := l.postPart(ctx, tx, entries, results, part); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func (l *Ledger) postPart(ctx context.Context, tx *db.Tx, entries []Entry, results []Result, part []int) error {
	requests, from := make([]request, 0, len(part)), make([]int, 0, len(part))
	for _, i := range part {
		r, err := newRequest(entries[i])
		if err != nil {
			results[i].Err = err
			continue
		}
		requests, from = append(requests, r), append(from, i)
	}
	if len(requests) == 0 {
		return nil
	}
	verdicts, err := l.apply(ctx, tx, requests)
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		results[from[i]] = v.result()
	}
	return nil
}

func (v verdict) result() Result {
	if v.err != nil {
		return Result{Err: v.err}
	}
	return Result{Transfer: *v.transfer, Replayed: v.replayed}
}
