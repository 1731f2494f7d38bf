package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"standfast/internal/fault"
)

// ErrNoRows is what a QueryRow's Scan gives when nothing matched.
var ErrNoRows = sql.ErrNoRows

// Tx is one transaction with one time.
type Tx struct {
	Now    time.Time // the same for everything that the transaction writes
	db     *DB
	on     querier // what statements run on: the transaction, or the bare connection of Read
	tx     *sql.Tx
	pool   *sql.DB
	pg     *pgx.Conn  // PostgreSQL only
	queue  *pgx.Batch // PostgreSQL: statements that wait for the next round trip
	failed error      // of a queued statement: nothing else counts then
	after  []func()
	own    map[string]*sql.Stmt // SQLite: prepared statements in use; they end with the transaction
}

// maxAttempts bounds how often WithTx runs its closure.
const maxAttempts = 8

// WithTx runs fn in a transaction that may write: BEGIN IMMEDIATE on SQLite,
// READ COMMITTED on PostgreSQL. It commits when fn returns nil and rolls back
// otherwise. When the engine asks for it (serialization failure, deadlock) fn
// runs again, so it must have no effect outside its transaction.
//
// Errors of fn come back unchanged, those of the engine as fault.Unavailable.
// A COMMIT that was sent and not answered is fault.Unavailable storage.unknown, by
// which Unanswered knows it: what was to be done may have been done.
func (d *DB) WithTx(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := d.once(ctx, d.writer, &sql.TxOptions{}, fn)
		if Unanswered(err) {
			return fault.Wrap(fault.Unavailable, "storage.unknown", "We do not know yet whether this was done. Please look before you try again.", err)
		}
		if err == nil || !retryable(err) || attempt == maxAttempts {
			return classify(err)
		}
		if err := backOff(ctx, attempt); err != nil {
			return err
		}
	}
}

// View runs fn in a transaction that reads one consistent state.
func (d *DB) View(ctx context.Context, fn func(tx *Tx) error) error {
	o := &sql.TxOptions{ReadOnly: d.engine == PostgreSQL}
	if d.engine == PostgreSQL {
		o.Isolation = sql.LevelRepeatableRead
	}
	return classify(d.once(ctx, d.reader, o, fn))
}

// Read is View for one statement, which is consistent by itself: on PostgreSQL it
// goes without a transaction around it, in one round trip instead of three. fn
// runs again when its connection turns out dead.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if d.engine == SQLite {
		return d.View(ctx, fn)
	}
	for tried := 1; ; tried++ {
		err := d.readOnce(ctx, fn)
		if err == nil || tried == maxDead || !died(err) || ctx.Err() != nil {
			return classify(err)
		}
	}
}

func (d *DB) readOnce(ctx context.Context, fn func(tx *Tx) error) (err error) {
	ctx, use, err := d.enter(ctx, &d.health.read)
	if err != nil {
		return err
	}
	defer func() { use.end(err) }()
	conn, err := d.reader.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var pg *pgx.Conn
	if err := conn.Raw(func(c any) error { pg = c.(*stdlib.Conn).Conn(); return nil }); err != nil {
		return err
	}
	use.guard(pg)
	defer func() { leave(pg, err) }()
	return fn(&Tx{Now: d.Now(), db: d, pool: d.reader, on: conn})
}

// querier is what *sql.Tx and *sql.Conn have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (d *DB) once(ctx context.Context, pool *sql.DB, o *sql.TxOptions, fn func(tx *Tx) error) (err error) {
	s := &d.health.read
	if pool == d.writer && !o.ReadOnly {
		s = &d.health.write
	}
	ctx, use, err := d.enter(ctx, s)
	if err != nil {
		return err
	}
	defer func() { use.end(err) }()
	tx, conn, err := d.begin(ctx, pool, o)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer func() { leave(tx.pg, err) }()
	defer tx.tx.Rollback() // does nothing after a commit
	use.guard(tx.pg)
	err = fn(tx)
	if tx.failed == nil && err == nil {
		err = tx.Flush(ctx)
	}
	if err = cmp.Or(tx.failed, err); err != nil {
		return err
	}
	if err := tx.commit(ctx); err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// commit commits. An error that PostgreSQL itself did not say leaves open whether
// the commit has reached it; SQLite has no such distance.
func (tx *Tx) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := tx.tx.Commit()
	if _, told := errors.AsType[*pgconn.PgError](err); err == nil || told || tx.pg == nil || errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return unanswered{err}
}

// unanswered is the error of a commit whose outcome is not known.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

// Unanswered tells whether an error of WithTx leaves open whether it committed.
func Unanswered(err error) bool {
	_, is := errors.AsType[unanswered](err)
	return is
}

// maxDead bounds how many dead connections of the pool begin gets past. A server
// that was restarted leaves as many as were open; a server that is away is known
// at the first connection that cannot be made.
const maxDead = 64

// begin opens a transaction on a connection that lives. Nothing was asked of a
// connection that turns out dead, so the next one can be tried.
func (d *DB) begin(ctx context.Context, pool *sql.DB, o *sql.TxOptions) (*Tx, *sql.Conn, error) {
	for tried := 1; ; tried++ {
		tx, conn, err := d.beginOn(ctx, pool, o)
		if err == nil || tried == maxDead || !died(err) || ctx.Err() != nil {
			return tx, conn, err
		}
	}
}

func (d *DB) beginOn(ctx context.Context, pool *sql.DB, o *sql.TxOptions) (*Tx, *sql.Conn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx := &Tx{Now: d.Now(), db: d, pool: pool}
	if d.engine == PostgreSQL {
		err = conn.Raw(func(c any) error { tx.pg = c.(*stdlib.Conn).Conn(); return nil })
	}
	if err == nil {
		tx.tx, err = conn.BeginTx(ctx, o)
		tx.on = tx.tx
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return tx, conn, nil
}

func backOff(ctx context.Context, attempt int) error {
	d := time.Duration(1+rand.IntN(4<<attempt)) * time.Millisecond
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AfterCommit registers f to run once the transaction has committed; never on
// rollback. It may be lost in a crash, so it can only hurry things that happen anyway.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Engine tells which engine runs the transaction.
func (tx *Tx) Engine() Engine { return tx.db.engine }

// SQL gives the transaction to a library that takes a *sql.Tx (SQLite's job queue).
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// PG gives PostgreSQL's connection under the transaction, for set-based and
// pipelined statements; nil on SQLite. Whoever needs what was queued calls Flush
// first. The owner of the Tx commits, nobody else.
func (tx *Tx) PG() *pgx.Conn { return tx.pg }

// Queue runs a statement whose outcome nobody needs yet. On PostgreSQL it travels
// with others in one round trip, before the next statement that is not queued and
// at the latest before the commit; an error of it appears there. judge, which may
// be nil, is given the number of rows or the error and says what the outcome is.
// On SQLite, where a statement costs no round trip, it runs at once.
func (tx *Tx) Queue(ctx context.Context, judge func(rows int64, err error) error, query string, args ...any) error {
	if tx.pg == nil {
		n, err := tx.Exec(ctx, query, args...)
		if judge != nil {
			err = judge(n, err)
		}
		return err
	}
	tx.db.traced(query)
	if tx.queue == nil {
		tx.queue = &pgx.Batch{}
	}
	q := tx.queue.Queue(query, args...)
	if judge != nil {
		q.Fn = func(b pgx.BatchResults) error {
			t, err := b.Exec()
			return judge(t.RowsAffected(), err)
		}
	}
	return nil
}

// Flush runs what is queued.
func (tx *Tx) Flush(ctx context.Context) error {
	if tx.queue == nil {
		return tx.failed
	}
	b := tx.queue
	tx.queue = nil
	tx.failed = tx.pg.SendBatch(ctx, b).Close()
	return tx.failed
}

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := tx.Flush(ctx); err != nil {
		return 0, err
	}
	tx.db.traced(query)
	if tx.Engine() == SQLite {
		// The driver starts a goroutine for every statement that could be
		// cancelled, which doubles the cost of an insert. Statements that write
		// are short; whether to go on is asked between them.
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		ctx = context.WithoutCancel(ctx)
	}
	var res sql.Result
	s, err := tx.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	if s != nil {
		res, err = s.ExecContext(ctx, args...)
	} else {
		res, err = tx.on.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query runs a query; the caller closes the rows.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tx.Flush(ctx); err != nil {
		return nil, err
	}
	tx.db.traced(query)
	s, err := tx.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	if s != nil {
		return s.QueryContext(ctx, args...)
	}
	return tx.on.QueryContext(ctx, query, args...)
}

// QueryRow runs a query for one row; Scan gives ErrNoRows when there is none.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	_ = tx.Flush(ctx) // kept in tx.failed, and the row's Scan fails too
	tx.db.traced(query)
	if s, err := tx.stmt(ctx, query); err == nil && s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return tx.on.QueryRowContext(ctx, query, args...)
}

// traced tells whoever listens of a statement.
func (d *DB) traced(query string) {
	if d.trace != nil {
		d.trace(query)
	}
}

type stmtKey struct {
	pool *sql.DB
	text string
}

// stmt gives the prepared form of a query on SQLite, where preparing costs more
// than most executions. pgx keeps its own cache, so it gives nil there. Texts are
// constants of the program, which bounds the cache.
func (tx *Tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.db.engine == PostgreSQL {
		return nil, nil
	}
	if s, ok := tx.own[query]; ok {
		return s, nil
	}
	if tx.own == nil {
		tx.own = map[string]*sql.Stmt{}
	}
	key := stmtKey{tx.pool, query}
	if s, ok := tx.db.stmts.Load(key); ok {
		tx.own[query] = tx.tx.StmtContext(ctx, s.(*sql.Stmt))
		return tx.own[query], nil
	}
	// Preparing on the pool would wait for the one connection that this transaction
	// holds: it prepares its own, which ends with it, and the cache's after it.
	s, err := tx.tx.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	tx.own[query] = s
	tx.after = append(tx.after, func() { tx.db.behind.run(func() { tx.db.prepare(key) }) })
	return s, nil
}

// prepare adds a statement to the cache; on failure the next user tries again.
func (d *DB) prepare(key stmtKey) {
	if _, ok := d.stmts.Load(key); ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := key.pool.PrepareContext(ctx, key.text)
	if err != nil {
		return
	}
	if _, taken := d.stmts.LoadOrStore(key, s); taken {
		s.Close()
	}
}

// Collect reads all rows of a query with scan and closes them.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
