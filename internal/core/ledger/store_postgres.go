package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"standfast/internal/db"
)

// On PostgreSQL a batch is two round trips: everything to read is sent at once,
// and so is everything to write. READ COMMITTED gives each statement the state
// that was committed when it began, so what follows the lock of the balance rows
// sees all that their last holder recorded.
//
// Lists of ids are sent as text[] and cast there: pgx has no binary form of
// strings as UUIDs, and finding that out anew for every list, with an error text
// that holds the whole list, cost a twentieth of the process's time.

const (
	// Rows are locked in order of id by every writer, so that batches wait for
	// each other and never in a circle. Folded accounts are never locked.
	pgLock = `SELECT ` + accountColumns + ` FROM ledger_account a WHERE a.id = ANY($1::text[]::uuid[]) AND NOT a.folded
		ORDER BY a.id FOR NO KEY UPDATE`
	pgFolded = `SELECT ` + accountColumns + ` FROM ledger_account a WHERE a.id = ANY($1::text[]::uuid[]) AND a.folded`
	pgKeys   = `SELECT ` + transferColumns + ` FROM ledger_transfer t WHERE t.key = ANY($1::text[])`
	pgLegs   = `SELECT t.debit, t.credit FROM ledger_transfer t WHERE t.id = ANY($1::text[]::uuid[])`
)

var pgFamily = fmt.Sprintf(familySQL, `= ANY($1::text[]::uuid[])`)

// loadPostgreSQL reads into s what n names. With begin it opens the transaction
// in the same round trip.
func loadPostgreSQL(ctx context.Context, conn *pgx.Conn, s *state, n need, begin bool) error {
	if len(n.ends) > 0 {
		if err := addLegs(ctx, conn, &n); err != nil {
			return err
		}
	}
	b := &pgx.Batch{}
	if begin {
		b.Queue(`BEGIN`)
	}
	takeAccount := func(r row) error {
		a, err := scanAccount(r)
		s.accounts[a.id] = a
		return err
	}
	takeTransfer := func(r row) error {
		t, err := scanTransfer(r)
		if err == nil {
			s.know(t)
		}
		return err
	}
	b.Queue(pgLock, n.accounts).Query(each(takeAccount))
	b.Queue(pgFolded, n.accounts).Query(each(takeAccount))
	b.Queue(pgKeys, n.keys).Query(each(takeTransfer))
	if len(n.ends) > 0 {
		b.Queue(pgFamily, n.ends).Query(each(takeTransfer))
	}
	return conn.SendBatch(ctx, b).Close()
}

// addLegs adds the accounts of the transfers that are to be ended. Transfers
// never change, so they may be read before anything is locked.
func addLegs(ctx context.Context, conn *pgx.Conn, n *need) error {
	rows, err := conn.Query(ctx, pgLegs, n.ends)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var debit, credit string
		if err := rows.Scan(&debit, &credit); err != nil {
			return err
		}
		n.accounts = append(n.accounts, debit, credit)
	}
	n.accounts = distinct(n.accounts)
	return rows.Err()
}

func each(take func(row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := take(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

const (
	pgInsert = `INSERT INTO ledger_transfer (recorded_at, id, key, debit, credit, amount, currency, phase, resolves, kind, description, ref, fact, effective_at, expires_at, digest)
		SELECT $1, u.* FROM unnest($2::text[]::uuid[], $3::text[], $4::text[]::uuid[], $5::text[]::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[]::uuid[],
			$10::text[], $11::text[], $12::text[], $13::boolean[], $14::bigint[], $15::bigint[], $16::bytea[]) u`
	pgBalance = `UPDATE ledger_account a SET posted = u.posted, pending_in = u.pending_in, pending_out = u.pending_out, count = u.count
		FROM unnest($1::text[]::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) u(id, posted, pending_in, pending_out, count) WHERE a.id = u.id`
	pgDelta = `INSERT INTO ledger_delta (account_id, batch_id, posted, pending_in, pending_out, count)
		SELECT u.id, $6, u.posted, u.pending_in, u.pending_out, u.count
		FROM unnest($1::text[]::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) u(id, posted, pending_in, pending_out, count)`
	pgTimed = `INSERT INTO ledger_expiry (transfer_id, expires_at) SELECT * FROM unnest($1::text[]::uuid[], $2::bigint[])`
	pgEnded = `DELETE FROM ledger_expiry WHERE transfer_id = ANY($1::text[]::uuid[])`
	pgBatch = `INSERT INTO ledger_batch (id, count, recorded_at, digest) VALUES ($1, $2, $3, $4)`
)

// statement is one write of a batch.
type statement struct {
	text string
	args []any
}

// statements gives the writes of c, in order.
func statements(c changes) []statement {
	list := []statement{{pgInsert, transferArrays(c)}}
	if len(c.balances) > 0 {
		list = append(list, statement{pgBalance, sumArrays(c.balances, func(a *account) sums { return a.is })})
	}
	if len(c.deltas) > 0 {
		list = append(list, statement{pgDelta, append(sumArrays(c.deltas, func(a *account) sums { return a.is.minus(a.was) }), c.batch)})
	}
	if len(c.timed) > 0 {
		list = append(list, statement{pgTimed, []any{column(c.timed, func(t *Transfer) string { return t.ID }), column(c.timed, func(t *Transfer) int64 { return db.Micros(t.ExpiresAt) })}})
	}
	if len(c.endedTimed) > 0 {
		list = append(list, statement{pgEnded, []any{c.endedTimed}})
	}
	return append(list, statement{pgBatch, []any{c.batch, len(c.transfers), c.recordedAt, c.digest}})
}

// commitChanges writes c and commits, in one round trip.
func commitChanges(ctx context.Context, conn *pgx.Conn, c changes) error {
	b := &pgx.Batch{}
	for _, s := range statements(c) {
		b.Queue(s.text, s.args...)
	}
	b.Queue(`COMMIT`)
	return raced(conn.SendBatch(ctx, b).Close())
}

// queuePostgreSQL adds the writes of c to what the caller's transaction sends next.
func queuePostgreSQL(ctx context.Context, tx *db.Tx, c changes) error {
	for _, s := range statements(c) {
		if err := tx.Queue(ctx, func(_ int64, err error) error { return raced(err) }, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

func column[R, V any](rows []R, of func(R) V) []V {
	list := make([]V, len(rows))
	for i, r := range rows {
		list[i] = of(r)
	}
	return list
}

func transferArrays(c changes) []any {
	text := func(of func(*Transfer) string) []string { return column(c.transfers, of) }
	number := func(of func(*Transfer) int64) []int64 { return column(c.transfers, of) }
	return []any{
		c.recordedAt,
		text(func(t *Transfer) string { return t.ID }),
		text(func(t *Transfer) string { return t.Key }),
		text(func(t *Transfer) string { return t.Debit }),
		text(func(t *Transfer) string { return t.Credit }),
		number(func(t *Transfer) int64 { return t.Amount.Minor }),
		text(func(t *Transfer) string { return t.Amount.Currency }),
		text(func(t *Transfer) string { return string(t.Phase) }),
		column(c.transfers, func(t *Transfer) *string { return optional(t.Resolves) }),
		text(func(t *Transfer) string { return t.Kind }),
		text(func(t *Transfer) string { return t.Description }),
		text(func(t *Transfer) string { return t.Ref }),
		column(c.transfers, func(t *Transfer) bool { return t.Fact }),
		number(func(t *Transfer) int64 { return db.Micros(t.EffectiveAt) }),
		number(func(t *Transfer) int64 { return db.Micros(t.ExpiresAt) }),
		c.digests,
	}
}

func sumArrays(list []*account, of func(*account) sums) []any {
	return []any{
		column(list, func(a *account) string { return a.id }),
		column(list, func(a *account) int64 { return of(a).posted }),
		column(list, func(a *account) int64 { return of(a).in }),
		column(list, func(a *account) int64 { return of(a).out }),
		column(list, func(a *account) int64 { return of(a).count }),
	}
}

// commitPostgreSQL decides requests in a transaction of its own, in two round
// trips. It tells whether the outcome is unknown: the commit was sent and no
// answer came back.
func (l *Ledger) commitPostgreSQL(ctx context.Context, requests []request) (verdicts []verdict, unknown bool, err error) {
	c, err := l.db.Pool().Acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	defer c.Release()
	conn := c.Conn()
	s := newState(l.db.Now())
	if err := loadPostgreSQL(ctx, conn, s, needOf(requests), true); err != nil {
		return nil, false, errors.Join(err, rollback(ctx, conn))
	}
	verdicts = decide(s, requests)
	if len(s.made) == 0 {
		return verdicts, false, rollback(ctx, conn)
	}
	if err := commitChanges(ctx, conn, s.changes()); err != nil {
		_, told := errors.AsType[*pgconn.PgError](err)
		return nil, !told, errors.Join(err, rollback(ctx, conn))
	}
	return verdicts, false, nil
}

// raced turns a broken unique key into what it is: the keys were looked up and
// were free, so another transaction has recorded one of them, or ended the same
// transfer, in between. As a serialization failure it makes whoever owns the
// transaction run it again, and then the first answer is found.
func raced(err error) error {
	if !db.IsUnique(err) {
		return err
	}
	return fmt.Errorf("%w: %w", &pgconn.PgError{Severity: "ERROR", Code: serializationFailure, Message: "the same key was recorded at the same time"}, err)
}

// Errors that ask for the transaction to be run again.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// rollback leaves the connection fit for the next user. A broken connection is
// thrown away by the pool, so its error says nothing new.
func rollback(ctx context.Context, conn *pgx.Conn) error {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := conn.Exec(ctx, `ROLLBACK`)
	return err
}

// again tells whether PostgreSQL asks for the batch to be run again.
func again(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == serializationFailure || e.Code == deadlockDetected)
}
