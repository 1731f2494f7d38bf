package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"standfast/internal/fault"
)

// IsUnique tells whether err is a broken unique or primary key.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// errRaced says that a key that was free when the transaction looked was taken when
// it wrote.
var errRaced = errors.New("another transaction took the same key")

// retryable tells whether the transaction is to be run again: the engine asks for
// it, or another one took a key first. 40001 and 40P01 are PostgreSQL's
// serialization failure and deadlock.
func retryable(err error) bool {
	if errors.Is(err, errRaced) {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "40001" || e.Code == "40P01"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return false
}

// classify turns the engine's own troubles into fault.Unavailable and leaves
// all other errors as they are.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if outOfReach(err) {
		return unavailable(err)
	}
	return err
}

// lockedOut tells whether another program has held SQLite's write lock for longer
// than we wait. Of our own there is one writer only.
func lockedOut(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// died tells whether an error says that an open connection is no more: the server
// ended it (57P01, 57P02), or it broke.
func died(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "57P01" || e.Code == "57P02"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// distrusted tells whether an error says that its connection's server has lost its
// way, or that the two of us disagree about what was prepared on it (42P05, 26000):
// a connection that is used again would then fail for ever.
func distrusted(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && hasAnyPrefix(e.Code, "08", "57P", "58", "XX", "F0", "42P05", "26000")
}

func hasAnyPrefix(code string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

func outOfReach(err error) bool {
	if errors.Is(err, errRaced) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "database is closed") {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgUnavailable(e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteUnavailable(e.Code() & 0xff)
	}
	return pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF")
}

// pgUnavailable knows the classes 08 (connection), 53 (resources: disk full,
// too many connections), 57P (shutdown, crash), 58 (I/O), 25006 (read-only
// server) and the two that WithTx gave up retrying. A server that says that it is
// broken (XX, F0), lets us in no more (28, 42501) or has lost our database or its
// tables (3D, 3F, 42P01) does not know the answer either.
func pgUnavailable(code string) bool {
	return hasAnyPrefix(code, "08", "53", "57P", "58", "25006", "40001", "40P01", "57014", "55P03",
		"XX", "F0", "28", "42501", "3D", "3F", "42P01", "42P05", "26000")
}

func sqliteUnavailable(primary int) bool {
	switch primary {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_INTERRUPT:
		return true
	}
	return false
}
