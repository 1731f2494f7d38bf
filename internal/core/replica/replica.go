// Package replica keeps on this machine what signing in needs of the database:
// public keys of passkeys, trusted devices, cut-offs. It follows the outbox, reads
// numbered rows only, and can be thrown away at any time: it is then built again
// from the first row on. It never holds a secret.
//
// How old it may be is for those to decide who ask it; it says what it knows as of
// which time.
package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Topic is an entity of the outbox that is kept, and how it is found again.
type Topic struct {
	Entity string
	// Index gives whose a record is and the key that it is looked up by, both of
	// which may be empty.
	Index func(payload json.RawMessage) (owner, key string, err error)
}

// Record is the latest version of one entity.
type Record struct {
	ID      string
	Kind    string // what happened to it last, as "removed"
	Version int64
	Payload json.RawMessage
}

// Replica is one process's replica. It is safe for use by many goroutines.
type Replica struct {
	source *db.DB
	own    *db.DB
	log    *slog.Logger
	topics map[string]Topic

	cursor int64        // last row of the outbox that was taken over; used by one goroutine
	asOf   atomic.Int64 // until when nothing is missing, in microseconds; 0: never complete yet
	saved  time.Time    // when asOf was last stored
}

const (
	format     = 1 // of the file; another one is thrown away
	batch      = 1000
	pause      = 500 * time.Millisecond
	readLimit  = 5 * time.Second
	saveEvery  = time.Minute // an idle replica writes no more often
	cursorName = "cursor"
	asOfName   = "as_of"
	formatName = "format"
)

var schema = []string{
	`CREATE TABLE IF NOT EXISTS known (name TEXT PRIMARY KEY, value BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS record (entity TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
		version BIGINT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (entity, id))`,
	`CREATE INDEX IF NOT EXISTS record_key ON record (entity, key)`,
}

// Open opens the replica at path, which belongs to this process alone. A file that
// cannot be used is replaced by an empty one.
func Open(ctx context.Context, path string, source *db.DB, log *slog.Logger, topics ...Topic) (*Replica, error) {
	r := &Replica{source: source, log: log, topics: map[string]Topic{}}
	for _, t := range topics {
		r.topics[t.Entity] = t
	}
	err := r.open(ctx, path)
	if err != nil {
		log.WarnContext(ctx, "the replica is built again", "path", path, "err", err)
		err = errors.Join(remove(path), r.open(ctx, path))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "replica.open", "The replica cannot be opened: "+path, err)
	}
	return r, nil
}

func remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

var errFormat = errors.New("replica: a file of another format")

func (r *Replica) open(ctx context.Context, path string) error {
	own, err := db.Open(ctx, path, db.Options{MaxConns: 2})
	if err != nil {
		return err
	}
	var known map[string]int64
	err = own.WithTx(ctx, func(tx *db.Tx) error {
		for _, s := range schema {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		if known, err = readKnown(ctx, tx); err != nil {
			return err
		}
		if _, there := known[formatName]; !there {
			return put(ctx, tx, formatName, format)
		}
		return nil
	})
	if f, there := known[formatName]; err == nil && there && f != format {
		err = errFormat
	}
	if err != nil {
		return errors.Join(err, own.Close())
	}
	r.own, r.cursor = own, known[cursorName]
	r.asOf.Store(known[asOfName])
	return nil
}

func readKnown(ctx context.Context, tx *db.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `SELECT name, value FROM known`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]int64{}
	for rows.Next() {
		var name string
		var value int64
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		known[name] = value
	}
	return known, rows.Err()
}

func put(ctx context.Context, tx *db.Tx, name string, value int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO known (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Close closes the file.
func (r *Replica) Close() error { return r.own.Close() }

// AsOf gives the time until which nothing is missing; zero before the first pass.
func (r *Replica) AsOf() time.Time { return db.FromMicros(r.asOf.Load()) }

// Age is how old the replica's knowledge is at now.
func (r *Replica) Age(now time.Time) time.Duration { return now.Sub(r.AsOf()) }

// Run follows the outbox until ctx ends.
func (r *Replica) Run(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	failing := false
	for {
		err := r.Pass(ctx)
		if (err != nil) != failing && ctx.Err() == nil {
			failing = err != nil
			r.log.WarnContext(ctx, "following the outbox", "failing", failing, "as_of", r.AsOf(), "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Pass takes over everything that is numbered now.
func (r *Replica) Pass(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for {
		complete, err := r.complete(ctx)
		if err != nil {
			return err
		}
		list, err := outbox.Read(ctx, r.source, r.cursor, batch)
		if err != nil {
			return err
		}
		if len(list) < batch {
			return r.take(ctx, list, complete)
		}
		if err := r.take(ctx, list, r.AsOf()); err != nil {
			return err
		}
	}
}

// complete gives the time until which a reader of all numbered rows misses
// nothing: now, or just before the oldest row that has no number yet.
func (r *Replica) complete(ctx context.Context) (at time.Time, err error) {
	if err := r.source.Sound(ctx); err != nil {
		return at, err
	}
	var oldest sql.NullInt64
	at = r.source.Now()
	err = r.source.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT min(at) FROM outbox WHERE seq IS NULL`).Scan(&oldest)
	})
	if oldest.Valid {
		at = db.FromMicros(oldest.Int64 - 1)
	}
	return at, err
}

// take stores rows and how far they reach, in one transaction.
func (r *Replica) take(ctx context.Context, list []outbox.Record, complete time.Time) error {
	now := r.source.Now()
	if len(list) == 0 && now.Sub(r.saved) < saveEvery {
		r.asOf.Store(db.Micros(complete))
		return nil
	}
	cursor := r.cursor
	err := r.own.WithTx(ctx, func(tx *db.Tx) error {
		for _, o := range list {
			if err := r.keep(ctx, tx, o); err != nil {
				return err
			}
			cursor = o.Seq
		}
		if err := put(ctx, tx, cursorName, cursor); err != nil {
			return err
		}
		return put(ctx, tx, asOfName, db.Micros(complete))
	})
	if err != nil {
		return err
	}
	r.cursor, r.saved = cursor, now
	r.asOf.Store(db.Micros(complete))
	return nil
}

// keep stores one row when it is of a topic and newer than what is there.
func (r *Replica) keep(ctx context.Context, tx *db.Tx, o outbox.Record) error {
	t, ours := r.topics[o.Entity]
	if !ours {
		return nil
	}
	owner, key, err := t.Index(o.Payload)
	if err != nil {
		r.log.ErrorContext(ctx, "a change cannot be read, and is left out of the replica", "entity", o.Entity, "id", o.EntityID, "seq", o.Seq, "err", err)
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO record (entity, id, owner, key, kind, version, payload) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (entity, id) DO UPDATE SET owner = excluded.owner, key = excluded.key, kind = excluded.kind, version = excluded.version, payload = excluded.payload
		WHERE record.version < excluded.version`, o.Entity, o.EntityID, owner, key, o.Kind, o.Version, string(o.Payload))
	return err
}

// Find gives the records of an entity with a key, those of one owner where owner
// is not empty.
func (r *Replica) Find(ctx context.Context, entity, owner, key string) (list []Record, err error) {
	err = r.own.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, kind, version, payload FROM record WHERE entity = $1 AND key = $2 AND ($3 = '' OR owner = $3) ORDER BY id`, entity, key, owner)
		list, err = db.Collect(rows, err, func(s *sql.Rows) (v Record, err error) {
			var payload string
			err = s.Scan(&v.ID, &v.Kind, &v.Version, &payload)
			v.Payload = json.RawMessage(payload)
			return v, err
		})
		return err
	})
	return list, err
}
