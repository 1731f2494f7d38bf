package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"standfast/internal/db"
)

// Report is what Verify found.
type Report struct {
	Transfers, Accounts int64
	Sealed              int64    // batches that are numbered and chained
	Problems            []string // the first wrong rows, named; empty when all is well
}

// maxProblems is how many problems a Report names.
const maxProblems = 20

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify reads the whole ledger in one consistent state and reckons everything
// again: each row's digest, each batch's rows and digest, the chain of numbered
// batches, what ends what, what each account was opened with, and every balance as the sum of its postings. Batches
// that are not yet numbered are no problem. It holds a few thousand rows in memory.
//
// It finds a row that was changed, deleted or added by hand. Only who rewrites
// the newest, still unnumbered batches with all their digests and balances, or
// the chain from some point to its end, stays unseen; keep the last chain value
// elsewhere against the latter.
func (l *Ledger) Verify(ctx context.Context) (Report, error) {
	var r Report
	err := l.db.View(ctx, func(tx *db.Tx) error {
		r = Report{}
		for _, check := range []func(context.Context, *db.Tx, *Report) error{verifyTerms, verifyRows, verifyChain, verifyEnds, verifyBalances} {
			if err := check(ctx, tx, &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(r.Problems) > 0 && ctx.Err() == nil {
		r.problem("the rest could not be read: %v", err) // rows that are wrong can also fail the reckoning
		return r, nil
	}
	return r, err
}

// verifyPage is how many rows are read at once.
const verifyPage = 2000

// pager reads rows in order of a key, a page at a time: PostgreSQL can have only
// one result open on a connection, and two are read side by side here.
type pager[T any] struct {
	fetch func(last *T) ([]T, error) // rows after last, or the first when nil
	rows  []T
	last  *T
	ended bool
}

// peek gives the next row, or nil at the end.
func (p *pager[T]) peek() (*T, error) {
	if len(p.rows) == 0 && !p.ended {
		rows, err := p.fetch(p.last)
		if err != nil {
			return nil, err
		}
		p.rows, p.ended = rows, len(rows) < verifyPage
	}
	if len(p.rows) == 0 {
		return nil, nil
	}
	return &p.rows[0], nil
}

// take moves on from what peek gave.
func (p *pager[T]) take() {
	p.last = &p.rows[0]
	p.rows = p.rows[1:]
}

// storedRow is a transfer with the digest in its row, or what could not be read.
type storedRow struct {
	t      *Transfer
	digest []byte
	id     string
	broken error
}

func transferPager(ctx context.Context, tx *db.Tx) *pager[storedRow] {
	return &pager[storedRow]{fetch: func(last *storedRow) ([]storedRow, error) {
		after := firstID
		if last != nil {
			after = last.id
		}
		rows, err := tx.Query(ctx, `SELECT `+transferColumns+`, t.digest FROM ledger_transfer t WHERE t.id > $1 ORDER BY t.id LIMIT $2`, after, verifyPage)
		return db.Collect(rows, err, scanStored)
	}}
}

// scanStored reads a row, or at least its id: SQLite lets a hand write any type
// into any column.
func scanStored(r *sql.Rows) (s storedRow, err error) {
	if s.t, err = scanTransfer(r, &s.digest); err == nil {
		s.id = s.t.ID
		return s, nil
	}
	s.broken = err
	values := make([]any, 16)
	for i := range values {
		values[i] = new(any)
	}
	err = r.Scan(values...)
	s.id = fmt.Sprint(*values[0].(*any))
	return s, err
}

// storedBatch is a row of ledger_batch.
type storedBatch struct {
	id                string
	count, recordedAt int64
	digest            []byte
	seq               int64
	chain             []byte
}

func scanBatch(r *sql.Rows) (b storedBatch, err error) {
	var seq sql.NullInt64
	err = r.Scan(&b.id, &b.count, &b.recordedAt, &b.digest, &seq, &b.chain)
	b.seq = seq.Int64
	return b, err
}

func batchPager(ctx context.Context, tx *db.Tx) *pager[storedBatch] {
	return &pager[storedBatch]{fetch: func(last *storedBatch) ([]storedBatch, error) {
		after := firstID
		if last != nil {
			after = last.id
		}
		rows, err := tx.Query(ctx, `SELECT id, count, recorded_at, digest, seq, chain FROM ledger_batch WHERE id > $1 ORDER BY id LIMIT $2`, after, verifyPage)
		return db.Collect(rows, err, scanBatch)
	}}
}

// verifyRows compares every transfer with its digest and every batch with its
// transfers. A transfer's id says its batch and its place, so both tables are
// read once, side by side in order of id.
func verifyRows(ctx context.Context, tx *db.Tx, r *Report) error {
	transfers, batches := transferPager(ctx, tx), batchPager(ctx, tx)
	for {
		b, err := batches.peek()
		if err != nil {
			return err
		}
		if err := verifyStrays(transfers, b, r); err != nil {
			return err
		}
		if b == nil {
			return nil
		}
		if err := verifyBatch(transfers, b, r); err != nil {
			return err
		}
		batches.take()
	}
}

// verifyStrays names the transfers before the batch b, or before the end when nil.
func verifyStrays(transfers *pager[storedRow], b *storedBatch, r *Report) error {
	for {
		s, err := transfers.peek()
		if err != nil || s == nil || (b != nil && s.id > b.id) {
			return err
		}
		r.Transfers++
		r.problem("transfer %s was added by hand: it belongs to no batch", s.id)
		transfers.take()
	}
}

func verifyBatch(transfers *pager[storedRow], b *storedBatch, r *Report) error {
	var sum batchDigest
	for {
		s, err := transfers.peek()
		if err != nil {
			return err
		}
		if s == nil || len(s.id) != len(b.id) || batchOf(s.id) != b.id {
			break
		}
		r.Transfers++
		verifyPlace(s, b, &sum, r)
		transfers.take()
	}
	missing := sum.count < b.count
	for ; sum.count < b.count && len(r.Problems) < maxProblems; sum.add(nil) {
		r.problem("transfer %s is missing", transferID(b.id, int(sum.count)+1))
	}
	if !missing && !bytes.Equal(sum.sum(b.id, b.recordedAt), b.digest) {
		r.problem("batch %s was changed: its digest is not that of its %d transfers", b.id, b.count)
	}
	return nil
}

// verifyPlace checks one transfer of a batch, and names those missing before it.
func verifyPlace(s *storedRow, b *storedBatch, sum *batchDigest, r *Report) {
	for want := transferID(b.id, int(sum.count)+1); want < s.id && sum.count < b.count && len(r.Problems) < maxProblems; want = transferID(b.id, int(sum.count)+1) {
		r.problem("transfer %s is missing", want)
		sum.add(nil)
	}
	switch {
	case sum.count >= b.count:
		r.problem("transfer %s was added by hand: its batch has only %d", s.id, b.count)
		return
	case s.broken != nil:
		r.problem("transfer %s was changed: %v", s.id, s.broken)
	case !bytes.Equal(s.t.digest(), s.digest):
		r.problem("transfer %s was changed: its digest is not that of its contents", s.id)
	}
	sum.add(s.digest)
}

// verifyChain follows the numbered batches: no number is missing, and each chain
// value follows from the one before.
func verifyChain(ctx context.Context, tx *db.Tx, r *Report) error {
	p := &pager[storedBatch]{fetch: func(last *storedBatch) ([]storedBatch, error) {
		var after int64
		if last != nil {
			after = last.seq
		}
		rows, err := tx.Query(ctx, `SELECT id, count, recorded_at, digest, seq, chain FROM ledger_batch WHERE seq > $1 ORDER BY seq LIMIT $2`, after, verifyPage)
		return db.Collect(rows, err, scanBatch)
	}}
	var last int64
	var chain []byte
	for {
		b, err := p.peek()
		if err != nil {
			return err
		}
		if b == nil {
			return verifyHead(ctx, tx, r, last, chain)
		}
		if b.seq != last+1 {
			r.problem("batch number %d is missing", last+1)
		} else if !bytes.Equal(db.Link(chain, b.seq, b.digest), b.chain) {
			r.problem("batch %s, number %d, was changed: it does not follow from the one before it", b.id, b.seq)
		}
		last, chain = b.seq, b.chain
		r.Sealed++
		p.take()
	}
}

// verifyHead compares the end of the chain with what was last numbered.
func verifyHead(ctx context.Context, tx *db.Tx, r *Report, last int64, chain []byte) error {
	var lastSeq int64
	var lastChain []byte
	rows, err := tx.Query(ctx, `SELECT last_seq, last_chain FROM sequence WHERE name = $1`, string(Batches))
	if _, err = db.Collect(rows, err, func(r *sql.Rows) (int, error) { return 0, r.Scan(&lastSeq, &lastChain) }); err != nil {
		return err
	}
	switch {
	case lastSeq > last:
		r.problem("batch number %d is missing", last+1)
	case lastSeq < last:
		r.problem("batch number %d was numbered by hand", lastSeq+1)
	case !bytes.Equal(lastChain, chain):
		r.problem("the chain's end does not match the last batch, number %d", last)
	}
	return nil
}

// verifyEnds checks that settlements, voids and reversals match what they end,
// and that open holds with a time limit, and no others, wait for it.
func verifyEnds(ctx context.Context, tx *db.Tx, r *Report) error {
	rows, err := tx.Query(ctx, `SELECT e.id FROM ledger_transfer e LEFT JOIN ledger_transfer t ON t.id = e.resolves
		WHERE e.resolves IS NOT NULL AND (t.id IS NULL OR t.amount <> e.amount OR t.currency <> e.currency
			OR NOT (e.phase = 'reverse' AND t.phase IN ('posted', 'settle') AND t.debit = e.credit AND t.credit = e.debit
				OR e.phase IN ('settle', 'void') AND t.phase = 'pending' AND t.debit = e.debit AND t.credit = e.credit))
		LIMIT $1`, maxProblems)
	if err := eachID(rows, err, func(id string) { r.problem("transfer %s does not match the one that it ends", id) }); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT t.id FROM ledger_transfer t LEFT JOIN ledger_transfer e ON e.resolves = t.id LEFT JOIN ledger_expiry x ON x.transfer_id = t.id
		WHERE t.phase = 'pending' AND t.expires_at <> 0 AND (e.id IS NULL AND x.transfer_id IS NULL OR e.id IS NOT NULL AND x.transfer_id IS NOT NULL OR x.expires_at <> t.expires_at)
		LIMIT $1`, maxProblems)
	return eachID(rows, err, func(id string) { r.problem("the time limit of hold %s was changed", id) })
}

func eachID(rows *sql.Rows, err error, f func(id string)) error {
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	for _, id := range ids {
		f(id)
	}
	return err
}
