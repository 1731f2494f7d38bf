package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"standfast/internal/db"
)

const (
	batch    = 1000                   // rows numbered in one transaction
	pause    = 50 * time.Millisecond  // between passes over one table, so that each numbers many rows in one commit
	idle     = 250 * time.Millisecond // how often to look when nothing was heard; other replicas' rows are found this way
	alone    = time.Second            // the same on SQLite, which has no replicas
	leaseFor = 5 * time.Second        // a dead sequencer is replaced after this
	failed   = 500 * time.Millisecond // wait after a failure of the database
)

// Numbered is what is woken in this process (db.Woken) when rows were numbered here.
const Numbered = "numbered"

// Sequencer numbers the committed rows of chained tables. Every process runs
// one; a lease keeps all but one of them quiet, and where two work at once the
// row lock of the sequence keeps them right.
type Sequencer struct {
	db     *db.DB
	log    *slog.Logger
	tables []db.Chained
	holder string
}

// NewSequencer makes a sequencer of the given tables.
func NewSequencer(d *db.DB, log *slog.Logger, tables ...db.Chained) *Sequencer {
	return &Sequencer{db: d, log: log, tables: tables, holder: db.NewID()}
}

// Run numbers until ctx ends, and then gives the lease up. It is hurried by
// Append and by every writer that calls Tx.Wake with the table's name.
func (s *Sequencer) Run(ctx context.Context) error {
	var tables sync.WaitGroup
	for _, table := range s.tables {
		tables.Go(func() { s.follow(ctx, table) })
	}
	tables.Wait()
	return nil
}

// Kick hurries the next pass over all tables.
func (s *Sequencer) Kick() {
	for _, table := range s.tables {
		s.db.Wake(string(table))
	}
}

// Pass numbers everything that is committed now, whoever holds the lease.
func (s *Sequencer) Pass(ctx context.Context) error {
	for _, table := range s.tables {
		if err := s.drain(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// follow numbers one table until ctx ends. Nothing is written while nothing waits.
func (s *Sequencer) follow(ctx context.Context, table db.Chained) {
	lease := &lease{db: s.db, name: "sequence/" + string(table), holder: s.holder}
	defer lease.release(context.WithoutCancel(ctx))
	idle := idle
	if s.db.Engine() == db.SQLite {
		idle = alone
	}
	for {
		wait := pause
		if err := s.pass(ctx, table, lease); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot number rows", "table", string(table), "error", err)
			wait = failed
		}
		if !sleep(ctx, wait, nil) || !sleep(ctx, idle, s.db.Woken(string(table))) {
			return
		}
	}
}

func (s *Sequencer) pass(ctx context.Context, table db.Chained, lease *lease) error {
	if waiting, err := s.waiting(ctx, table); err != nil || !waiting {
		return err
	}
	if held, err := lease.hold(ctx); err != nil || !held {
		return err
	}
	return s.drain(ctx, table)
}

// drain numbers until nothing is left.
func (s *Sequencer) drain(ctx context.Context, table db.Chained) error {
	for {
		n, err := s.db.Number(ctx, table, batch)
		if n > 0 {
			s.db.Wake(Numbered)
		}
		if err != nil || n < batch {
			return err
		}
	}
}

// waiting looks for an unnumbered row without taking a lock, so that an idle
// system writes nothing.
func (s *Sequencer) waiting(ctx context.Context, table db.Chained) (yes bool, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+string(table)+` WHERE seq IS NULL)`).Scan(&yes)
	})
	return yes, err
}

// sleep waits for d, for a signal or for ctx, and tells whether ctx goes on.
func sleep(ctx context.Context, d time.Duration, signal <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-signal:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
