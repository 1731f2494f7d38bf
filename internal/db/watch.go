package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A database that hangs gives no error, and everybody who asks it would wait out
// a deadline of their own. Watch asks it twice a second whether it is there. As
// long as it is not, transactions fail at once with fault.Unavailable, and those
// that were under way are ended: one that hangs is as good as one that is dead.

const (
	watchEvery   = 500 * time.Millisecond
	watchAgain   = 200 * time.Millisecond // between questions while the database is away
	watchTimeout = 750 * time.Millisecond // of one question; it counts when two in a row went unanswered
)

// side is one way of using the database: to read, or to write as well. On
// PostgreSQL the two fail together.
type side struct {
	mu   sync.Mutex
	down error // why it is not to be used; nil while it is
	gone context.Context
	end  context.CancelFunc // of gone: whoever is under way gives up
}

// health is what a DB knows of its database.
type health struct {
	watched     atomic.Bool
	heard       atomic.Int64 // when a transaction last ended well, in UnixNano
	read, write side
}

var (
	errAway  = errors.New("the database does not answer")
	errWrong = errors.New("the database answers, and is not ours")
	errMoved = errors.New("the database's file is not where it was")
)

// set changes what is known of a side.
func (s *side) set(down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	if s.gone == nil || s.gone.Err() != nil && down == nil {
		s.gone, s.end = context.WithCancel(context.Background())
	}
	if down != nil {
		s.end()
	}
}

func (s *side) state() (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone, s.down
}

// entry is one transaction's use of a side.
type entry struct {
	db     *DB
	side   *side
	gone   context.Context // ends when the database is found to be away; nil: nobody watches
	cancel context.CancelFunc
	stops  []func() bool
}

// enter lets a transaction begin, in a context that ends when the database is
// found to be away. end must be called once with what became of it.
func (d *DB) enter(ctx context.Context, s *side) (context.Context, *entry, error) {
	e := &entry{db: d, side: s}
	if !d.health.watched.Load() {
		return ctx, e, nil
	}
	gone, down := s.state()
	if down != nil {
		return nil, nil, unavailable(down)
	}
	e.gone = gone
	ctx, e.cancel = context.WithCancel(ctx)
	e.stops = append(e.stops, context.AfterFunc(gone, e.cancel))
	return ctx, e, nil
}

// guard ends what waits on a connection to PostgreSQL too. A transaction's
// statements come with their callers' contexts, so it is the connection that
// gives up; nothing more is to be had from it anyway.
func (e *entry) guard(conn *pgx.Conn) {
	if e.gone == nil || conn == nil {
		return
	}
	wire := conn.PgConn().Conn()
	e.stops = append(e.stops, context.AfterFunc(e.gone, func() { _ = wire.SetDeadline(time.Unix(1, 0)) }))
}

// leave closes a connection to PostgreSQL that is not to be used again, before it
// goes back to the pool.
func leave(conn *pgx.Conn, err error) {
	if conn == nil || !distrusted(err) {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits for its farewell
	_ = conn.Close(now)
}

// end gives the side back.
func (e *entry) end(err error) {
	if e.gone == nil {
		return
	}
	for _, stop := range e.stops {
		stop()
	}
	e.cancel()
	e.db.outcome(e.side, err)
}

// outcome learns from how a transaction ended.
func (d *DB) outcome(s *side, err error) {
	switch {
	case err == nil:
		d.health.heard.Store(time.Now().UnixNano())
	case d.engine == SQLite && s == &d.health.write && lockedOut(err):
		s.set(err) // another program holds the lock: whoever waits behind would wait as long
	}
}

// Watch keeps what is known of the database current until ctx ends.
func (d *DB) Watch(ctx context.Context) error {
	p := d.prober()
	defer p.close()
	d.health.read.set(nil)
	d.health.write.set(nil)
	d.health.watched.Store(true)
	defer d.health.watched.Store(false)
	for {
		wait := watchEvery
		if d.look(ctx, p) != nil {
			wait = watchAgain
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// look asks once more where the first question went unanswered, and takes down
// what came out. One wrong answer is enough.
func (d *DB) look(ctx context.Context, p prober) error {
	begun := time.Now().UnixNano()
	err := bounded(ctx, p.read)
	if err != nil && !errors.Is(err, errWrong) && ctx.Err() == nil {
		err = bounded(ctx, p.read)
	}
	if ctx.Err() != nil {
		return nil // the watch is over
	}
	if err != nil && !errors.Is(err, errWrong) && d.health.heard.Load() > begun {
		return nil // others were answered meanwhile: it is busy, not away
	}
	d.health.read.set(err)
	if err == nil {
		_, down := d.health.write.state()
		err = bounded(ctx, func(ctx context.Context) error { return p.write(ctx, down != nil) })
	}
	d.health.write.set(err)
	return err
}

// Sound tells whether the database is the one that this process began with, and
// gives fault.Unavailable where it is not. Whoever is about to say "there is no
// such thing" of something that was there before asks first: a server that came
// back from the wrong backup finds nothing, and gives no error either.
func (d *DB) Sound(ctx context.Context) error {
	var got sql.NullInt64
	err := d.Read(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, askSchema).Scan(&got) })
	err = ours(got, latestSchema(), err)
	if err == nil {
		return nil
	}
	if errors.Is(err, errWrong) && d.health.watched.Load() {
		d.health.read.set(err) // until the watch has looked again
		d.health.write.set(err)
	}
	return unavailable(err)
}

// bounded asks for at most watchTimeout, whether or not what is asked can be interrupted.
func bounded(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- ask(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w within %s", errAway, watchTimeout)
	}
}

// prober asks a database whether it is there, on connections of its own.
type prober interface {
	read(ctx context.Context) error
	// write tells whether the database can be written to; suspected, whether that
	// is in doubt, so that a sound database need not be locked for it.
	write(ctx context.Context, suspected bool) error
	close()
}

func (d *DB) prober() prober {
	if d.engine == PostgreSQL {
		return &pgProber{config: d.pool.Config().ConnConfig, schema: latestSchema(), now: d.now, clock: &d.clock}
	}
	return &sqliteProber{path: d.path, file: d.file, schema: latestSchema()}
}

// latestSchema is the version that Migrate brings a database to. A database that
// is older, or knows no version, is not the one that this process began with.
func latestSchema() (latest int64) {
	files, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is well-formed
	for _, f := range files {
		number, _, _ := strings.Cut(path.Base(f), "_")
		if v, err := strconv.ParseInt(number, 10, 64); err == nil {
			latest = max(latest, v)
		}
	}
	return latest
}

const (
	askSchema         = `SELECT max(version_id) FROM goose_db_version`
	askSchemaAndClock = `SELECT max(version_id), ` + askClock + ` FROM goose_db_version`
)

// ours judges the answer to askSchema.
func ours(got sql.NullInt64, want int64, err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows) || errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: it has no row where there is one", errWrong)
	case err != nil:
		return err
	case !got.Valid || got.Int64 < want:
		return fmt.Errorf("%w: its schema is %d, ours %d", errWrong, got.Int64, want)
	}
	return nil
}

// pgProber has one connection to PostgreSQL, so that a pool in which everybody
// waits is not taken for a database that is away.
type pgProber struct {
	config *pgx.ConnConfig
	schema int64
	now    func() time.Time
	clock  *cellClock
	mu     sync.Mutex // a question that nobody waits for any more may still be under way
	conn   *pgx.Conn
}

func (p *pgProber) read(ctx context.Context) error {
	if !p.mu.TryLock() {
		return errAway
	}
	defer p.mu.Unlock()
	if p.conn == nil || p.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, p.config)
		if err != nil {
			return err
		}
		p.conn = conn
	}
	var got sql.NullInt64
	var us int64
	before := p.now()
	err := p.conn.QueryRow(ctx, askSchemaAndClock).Scan(&got, &us)
	if err = ours(got, p.schema, err); err != nil {
		p.drop()
		return err
	}
	p.clock.heard(time.UnixMicro(us), before, p.now())
	return nil
}

func (p *pgProber) write(context.Context, bool) error { return nil } // what can be read can be asked to write, and says so itself

func (p *pgProber) drop() {
	conn := p.conn
	p.conn = nil
	if conn == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it may be dead already
	}()
}

func (p *pgProber) close() {
	if p.mu.TryLock() {
		p.drop()
		p.mu.Unlock()
	}
}

// sqliteProber looks at the file and reads through a connection of its own.
type sqliteProber struct {
	path   string
	file   os.FileInfo // as it was when the database was opened
	schema int64
	mu     sync.Mutex
	db     *sql.DB
}

func (p *sqliteProber) open() error {
	if p.db != nil {
		return nil
	}
	d, err := sql.Open("sqlite", sqliteDSN(p.path, "deferred", "busy_timeout(100)"))
	if err != nil {
		return err
	}
	d.SetMaxOpenConns(1)
	p.db = d
	return nil
}

// read succeeds while what is open can be read, also where the file's name is gone.
func (p *sqliteProber) read(ctx context.Context) error {
	if !p.mu.TryLock() {
		return errAway
	}
	defer p.mu.Unlock()
	if err := p.open(); err != nil {
		return err
	}
	var got sql.NullInt64
	err := p.db.QueryRowContext(ctx, askSchema).Scan(&got)
	if err != nil && p.moved() != nil {
		return nil // no new connection can be made; those that are open still read the file
	}
	return ours(got, p.schema, err)
}

// write tells whether a commit would reach the file that a restart will find.
func (p *sqliteProber) write(ctx context.Context, suspected bool) error {
	if err := p.moved(); err != nil || !suspected {
		return err
	}
	if !p.mu.TryLock() {
		return errAway
	}
	defer p.mu.Unlock()
	if err := p.open(); err != nil {
		return err
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	_, err = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
	return err
}

func (p *sqliteProber) moved() error {
	now, err := os.Stat(p.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	if p.file != nil && !os.SameFile(p.file, now) {
		return fmt.Errorf("%w: another file is there", errMoved)
	}
	return nil
}

func (p *sqliteProber) close() {
	if p.mu.TryLock() {
		if p.db != nil {
			_ = p.db.Close()
		}
		p.mu.Unlock()
	}
}
