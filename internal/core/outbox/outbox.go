// Package outbox keeps what changed, written in the transaction that changed
// it, for everybody who follows the cell: the stand-in's feed, caches, exports.
//
// Transactions commit out of order, so a row gets its number only after commit
// (see Sequencer), and readers see numbered rows only: nobody who reads on from
// the last number that he saw can miss a row. A row carries its entity's
// version; where two rows of one entity meet, the higher version wins.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"standfast/internal/db"
)

// Table is the outbox's chained table.
const Table db.Chained = "outbox"

// Change is one new version of one entity.
type Change struct {
	Entity   string // what changed, as "payment"
	EntityID string
	Kind     string // what happened to it, as "settled"
	Version  int64  // of the entity, counted up by its owner under the entity's lock
	Payload  any    // marshalled as JSON; never a secret
}

// Record is a numbered change.
type Record struct {
	Seq      int64 // gapless, from 1
	ID       string
	Entity   string
	EntityID string
	Kind     string
	Version  int64
	At       time.Time // of the transaction that wrote it
	Payload  json.RawMessage
}

var errSoon = errors.New("outbox: being built")

// Append writes changes in the caller's transaction.
func Append(ctx context.Context, tx *db.Tx, changes ...Change) error { return errSoon }

// Read gives up to limit records with numbers above after, in order.
func Read(ctx context.Context, d *db.DB, after int64, limit int) ([]Record, error) {
	return nil, errSoon
}

// Sequencer numbers the committed rows of chained tables.
type Sequencer struct{}

// NewSequencer makes a sequencer of the given tables.
func NewSequencer(d *db.DB, log *slog.Logger, tables ...db.Chained) *Sequencer { return &Sequencer{} }

// Run numbers until ctx ends.
func (s *Sequencer) Run(ctx context.Context) error { return errSoon }

// Kick hurries the next pass.
func (s *Sequencer) Kick() {}

// Pass numbers everything that is committed now, with or without the lease; for tests and tools.
func (s *Sequencer) Pass(ctx context.Context) error { return errSoon }
