// Package outbox keeps what changed, written in the transaction that changed
// it, for everybody who follows the cell: the stand-in's feed, caches, exports.
//
// Transactions commit out of order, so a row gets its number only after commit
// (see Sequencer), and readers see numbered rows only: nobody who reads on from
// the last number that he saw can miss a row. A row carries its entity's
// version; rows of one entity are numbered in the order of their commits, and
// where two replicas' clocks disagree the higher version wins.
package outbox

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
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
	Seq      int64 // without gaps, from 1
	ID       string
	Entity   string
	EntityID string
	Kind     string
	Version  int64
	At       time.Time // of the transaction that wrote it
	Payload  json.RawMessage
}

// Append writes changes in the caller's transaction, in one round trip.
func Append(ctx context.Context, tx *db.Tx, changes ...Change) error {
	rows := make([][]any, len(changes))
	for i, c := range changes {
		payload, err := json.Marshal(c.Payload)
		if err != nil {
			return fault.Wrap(fault.Internal, "outbox.payload", "Something went wrong on our side.", err)
		}
		r := row{Change: c, id: db.NewID(), at: db.Micros(tx.Now), payload: string(payload)}
		rows[i] = []any{r.id, r.Entity, r.EntityID, r.Kind, r.Version, r.at, r.payload, r.digest()}
	}
	tx.Wake(string(Table))
	return tx.InsertAll(ctx, table, rows)
}

var table = db.Into{Table: string(Table), Columns: `id uuid, entity text, entity_id text, kind text, version bigint, at bigint, payload text, digest bytea`}

type row struct {
	Change
	id      string
	at      int64
	payload string
}

// digest covers everything that a reader sees, each part behind its length.
func (r row) digest() []byte {
	h := sha256.New()
	for _, s := range []string{r.id, r.Entity, r.EntityID, r.Kind, r.payload} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	var n [16]byte
	binary.BigEndian.PutUint64(n[:8], uint64(r.Version))
	binary.BigEndian.PutUint64(n[8:], uint64(r.at))
	h.Write(n[:])
	return h.Sum(nil)
}

// Read gives up to limit records with numbers above after, in order.
func Read(ctx context.Context, d *db.DB, after int64, limit int) (all []Record, err error) {
	err = d.View(ctx, func(tx *db.Tx) error {
		all, err = ReadTx(ctx, tx, after, limit)
		return err
	})
	return all, err
}

// ReadTx is Read in the caller's transaction.
func ReadTx(ctx context.Context, tx *db.Tx, after int64, limit int) ([]Record, error) {
	rows, err := tx.Query(ctx, `SELECT seq, id, entity, entity_id, kind, version, at, payload
		FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	return db.Collect(rows, err, scan)
}

func scan(rows *sql.Rows) (r Record, err error) {
	var at int64
	var payload string
	err = rows.Scan(&r.Seq, &r.ID, &r.Entity, &r.EntityID, &r.Kind, &r.Version, &at, &payload)
	r.At, r.Payload = db.FromMicros(at), json.RawMessage(payload)
	return r, err
}
