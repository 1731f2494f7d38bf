// Package db opens SQLite or PostgreSQL behind one small front. Every store in
// Standfast speaks through it, with one SQL text wherever both engines can run it.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the "sqlite" driver

	"standfast/internal/fault"
)

// Engine names the database engine behind a DB.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgresql"
)

// Options changes how Open opens.
type Options struct {
	Now      func() time.Time  // clock of transactions; this machine's when nil, set by the server's where there is one
	Follow   bool              // with Now: set it by the server's clock all the same
	MaxConns int               // connections to PostgreSQL, or readers of SQLite; a default when 0
	Trace    func(text string) // told of each statement before it runs, nil for nobody: so that two answers can be held to the same work
}

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	engine  Engine
	now     func() time.Time
	clock   cellClock
	pool    *pgxpool.Pool // PostgreSQL only
	writer  *sql.DB       // SQLite: exactly one connection. PostgreSQL: the pool
	reader  *sql.DB       // SQLite: a pool that cannot write. PostgreSQL: the pool
	stmts   sync.Map      // SQLite: prepared statements by pool and text
	behind  behind        // SQLite: statements that are being prepared for the cache
	wakeups sync.Map      // channels by name, see Wake
	health  health        // see Watch
	path    string        // SQLite only
	file    os.FileInfo   // SQLite: of the file that was opened
	trace   func(string)  // see Options; nil for nobody
}

// Open opens target, a postgres:// URL or the path of an SQLite file, which is
// made where it is missing. It does not migrate (see Migrate).
func Open(ctx context.Context, target string, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now, o.Follow = time.Now, true
	}
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		return openPostgreSQL(ctx, target, o)
	}
	return openSQLite(ctx, target, o)
}

func openPostgreSQL(ctx context.Context, target string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(target)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "storage.url", "The database URL cannot be read.", errors.New("unreadable URL")) // the cause could hold the password
	}
	cfg.MaxConns = int32(max(4, o.MaxConns))
	if o.MaxConns == 0 {
		cfg.MaxConns = 32
	}
	params := cfg.ConnConfig.RuntimeParams
	params["timezone"] = "UTC"
	params["application_name"] = "standfast"
	// A statement's plan is made once, often while its table is still empty, and
	// would then read the whole table for as long as the connection lives. Every
	// look-up of ours has an index; the compiler (jit) only costs such short work.
	params["enable_seqscan"] = "off"
	params["jit"] = "off"
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, unavailable(err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, unavailable(err)
	}
	all := stdlib.OpenDBFromPool(pool)
	d := &DB{engine: PostgreSQL, now: o.Now, clock: cellClock{follows: o.Follow}, pool: pool, writer: all, reader: all, trace: o.Trace}
	if err := d.setClock(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// sqlitePragmas are set on every connection; busy_timeout first, so that the
// others wait for a lock instead of failing.
// A wait for another program's lock cannot be interrupted, so it is short; WithTx
// asks again.
var sqlitePragmas = []string{
	"busy_timeout(2000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
	"temp_store(MEMORY)", "cache_size(-16000)", "journal_size_limit(67108864)",
	"wal_autocheckpoint(8000)", // pages, 32 MB: the pages of hot balances are then copied back once for many commits
}

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unavailable(err)
	}
	// The driver would make the file readable by everybody.
	if f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		f.Close()
	}
	w, err := sql.Open("sqlite", sqliteDSN(abs, "immediate"))
	if err != nil {
		return nil, unavailable(err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		w.Close()
		return nil, unavailable(err)
	}
	r, err := sql.Open("sqlite", sqliteDSN(abs, "deferred", "query_only(ON)"))
	if err != nil {
		w.Close()
		return nil, unavailable(err)
	}
	if o.MaxConns == 0 {
		o.MaxConns = max(4, 2*runtime.NumCPU())
	}
	r.SetMaxOpenConns(o.MaxConns)
	r.SetMaxIdleConns(o.MaxConns)
	file, err := os.Stat(abs)
	if err != nil {
		return nil, errors.Join(unavailable(err), w.Close(), r.Close())
	}
	return &DB{engine: SQLite, now: o.Now, writer: w, reader: r, path: abs, file: file, trace: o.Trace}, nil
}

// sqliteDSN names a database and how connections to it are set up. A connection
// never makes a file: where ours has gone, an empty one would answer that nobody
// is known.
func sqliteDSN(path, lock string, extra ...string) string {
	q := url.Values{"_txlock": {lock}, "mode": {"rw"}}
	for _, p := range append(slices.Clone(sqlitePragmas), extra...) {
		q.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// Engine tells which engine this is.
func (d *DB) Engine() Engine { return d.engine }

// Pool gives PostgreSQL's own pool, for work that needs pipelining; nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Writer gives the handle that may write, for libraries that take a *sql.DB.
// On SQLite it has one connection: whoever holds a Tx must not use it.
func (d *DB) Writer() *sql.DB { return d.writer }

// Close waits for running work and closes all connections.
func (d *DB) Close() error {
	d.behind.end()
	d.stmts.Range(func(_, s any) bool { s.(*sql.Stmt).Close(); return true })
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(err, d.reader.Close())
	}
	if d.pool != nil {
		d.pool.Close()
	}
	return err
}

// Ping tells whether the database answers and can be written to.
func (d *DB) Ping(ctx context.Context) error {
	if d.health.watched.Load() {
		for _, s := range []*side{&d.health.read, &d.health.write} {
			if _, down := s.state(); down != nil {
				return unavailable(down)
			}
		}
	}
	if err := d.reader.PingContext(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

// NewID makes a key: a UUID of version 7, so that keys made later sort later.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// ValidID tells whether s is a key in the one form that NewID gives.
func ValidID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}

// Micros gives the form in which instants are stored; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros reads what Micros made.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, "storage.unavailable", "We cannot reach our records just now. Nothing was changed. Please try again in a moment.", fmt.Errorf("database: %w", err))
}
