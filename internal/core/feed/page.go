package feed

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
)

// The two tables whose numbers the feed follows.
const (
	outboxTable            = outbox.Table
	batchTable  db.Chained = "ledger_batch"
)

// Page gives what changed behind a cursor, up to about limit changes.
func (s *Service) Page(ctx context.Context, after string, limit int) (p Page, err error) {
	c, err := parse(after)
	if err != nil {
		return p, err
	}
	if err := s.db.Sound(ctx); err != nil {
		return p, err
	}
	err = s.read(ctx, func(r Reading, complete time.Time) error {
		p, err = s.page(ctx, r, c, complete, limit)
		return err
	})
	p.After = after
	return p, err
}

// read looks at the database as of one instant, with the time until which its
// numbered rows hold everything.
func (s *Service) read(ctx context.Context, f func(r Reading, complete time.Time) error) error {
	complete := s.db.Now()
	return s.db.View(ctx, func(tx *db.Tx) error {
		var box, batch sql.NullInt64
		var seen int64
		err := tx.QueryRow(ctx, `SELECT (SELECT min(at) FROM outbox WHERE seq IS NULL), (SELECT min(recorded_at) FROM ledger_batch WHERE seq IS NULL),
			COALESCE((SELECT last_seq FROM sequence WHERE name = $1), 0) + COALESCE((SELECT last_seq FROM sequence WHERE name = $2), 0)`,
			string(outboxTable), string(batchTable)).Scan(&box, &batch, &seen)
		if err != nil {
			return err
		}
		for _, oldest := range []sql.NullInt64{box, batch} {
			if before := db.FromMicros(oldest.Int64 - 1); oldest.Valid && before.Before(complete) {
				complete = before
			}
		}
		return f(Reading{Tx: tx, Version: seen}, complete)
	})
}

// change is something that was touched, and when last.
type change struct {
	Ref
	at time.Time
}

func (s *Service) page(ctx context.Context, r Reading, c cursor, complete time.Time, limit int) (p Page, err error) {
	if err := c.check(ctx, r); err != nil {
		return p, err
	}
	rows, err := outbox.ReadTx(ctx, r.Tx, c.outbox, limit)
	if err != nil {
		return p, err
	}
	var batches []Batch
	if len(rows) < limit {
		if batches, err = s.config.Batches(ctx, r, c.batches, limit-len(rows)); err != nil {
			return p, err
		}
	}
	touched, err := s.touched(ctx, r, rows, batches)
	if err != nil {
		return p, err
	}
	next, err := c.advance(ctx, r, rows, batches)
	if err != nil {
		return p, err
	}
	if len(rows) < limit && full(batches) < limit-len(rows) {
		next.complete = complete // everything was taken
	}
	p = Page{Version: Version, Cell: s.config.Cell, Next: next.String(), CompleteTo: Instant(next.complete), At: Instant(s.db.Now()), more: len(rows)+len(batches) > 0}
	p.Items, err = s.load(ctx, r, touched)
	return p, err
}

// full counts the transfers of batches.
func full(batches []Batch) (n int) {
	for _, b := range batches {
		n += int(b.Count)
	}
	return n
}

// advance gives the place behind what was taken.
func (c cursor) advance(ctx context.Context, r Reading, rows []outbox.Record, batches []Batch) (_ cursor, err error) {
	if len(rows) > 0 {
		c.outbox = rows[len(rows)-1].Seq
		if c.outboxLink, err = linkAt(ctx, r, outboxTable, c.outbox); err != nil {
			return c, err
		}
	}
	if len(batches) > 0 {
		c.batches = batches[len(batches)-1].Seq
		c.batchLink, err = linkAt(ctx, r, batchTable, c.batches)
	}
	return c, err
}

// touched lists what the rows have changed, each thing once, where it was touched last.
func (s *Service) touched(ctx context.Context, r Reading, rows []outbox.Record, batches []Batch) ([]change, error) {
	var all []change
	for _, row := range rows {
		touches, known := s.config.Touches[row.Entity]
		if !known {
			continue
		}
		refs, err := touches(ctx, r, row)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			all = append(all, change{ref, row.At})
		}
	}
	for _, b := range batches {
		for _, ref := range b.Refs {
			all = append(all, change{ref, b.At})
		}
	}
	return lastOfEach(all), nil
}

func lastOfEach(all []change) []change {
	last := make(map[Ref]int, len(all))
	for i, c := range all {
		last[c.Ref] = i
	}
	kept := all[:0]
	for i, c := range all {
		if last[c.Ref] == i {
			kept = append(kept, c)
		}
	}
	return kept
}

// load reads what the changed things are now, topic by topic, and gives them in
// the order of their changes.
func (s *Service) load(ctx context.Context, r Reading, changes []change) ([]Item, error) {
	ids := map[string][]string{}
	for _, c := range changes {
		ids[c.Topic] = append(ids[c.Topic], c.ID)
	}
	bodies := map[string]map[string]any{}
	for name, list := range ids {
		t, known := s.topics[name]
		if !known {
			return nil, fmt.Errorf("feed: no topic %q", name)
		}
		var err error
		if bodies[name], err = t.Load(ctx, r, list); err != nil {
			return nil, fmt.Errorf("feed: %s: %w", name, err)
		}
	}
	items := make([]Item, 0, len(changes))
	for _, c := range changes {
		body, there := bodies[c.Topic][c.ID]
		if !there && s.topics[c.Topic].Sparse {
			continue
		}
		item, err := newItem(c, r.Version, body, there)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func newItem(c change, version int64, body any, there bool) (Item, error) {
	i := Item{Topic: c.Topic, ID: c.ID, Version: version, At: Instant(c.at), Gone: !there}
	if !there {
		return i, nil
	}
	var err error
	i.Body, err = json.Marshal(body)
	return i, err
}
