package feed

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// cursor is a place in the feed: the last rows that were taken, with a piece of
// the chain at each, by which another database is found out, and until when the
// reader misses nothing.
type cursor struct {
	outbox, batches int64
	outboxLink      string
	batchLink       string
	complete        time.Time
}

const (
	linkBytes = 8 // of a chain's 32: enough to tell two databases apart, which nobody forges here
	noLink    = "0"
	cursorMax = 200
)

// String gives the cursor as readers hold it. It is theirs to keep, not to read.
func (c cursor) String() string {
	return fmt.Sprintf("1.%d.%s.%d.%s.%d", c.outbox, c.outboxLink, c.batches, c.batchLink, db.Micros(c.complete))
}

// parse reads what String wrote; "" is the beginning.
func parse(s string) (cursor, error) {
	if s == "" {
		return cursor{outboxLink: noLink, batchLink: noLink, complete: time.Unix(0, 0).UTC()}, nil
	}
	var c cursor
	var complete int64
	if len(s) > cursorMax || strings.Count(s, ".") != 5 {
		return c, notACursor()
	}
	n, err := fmt.Sscanf(strings.ReplaceAll(s, ".", " "), "1 %d %s %d %s %d", &c.outbox, &c.outboxLink, &c.batches, &c.batchLink, &complete)
	c.complete = time.UnixMicro(complete).UTC()
	if err != nil || n != 5 || c.outbox < 0 || c.batches < 0 || c.String() != s {
		return cursor{}, notACursor()
	}
	return c, nil
}

func notACursor() error {
	return fault.New(fault.Malformed, "feed.cursor", "This is no cursor of the feed.")
}

// check finds out whether the cursor was given by this database.
func (c cursor) check(ctx context.Context, r Reading) error {
	for _, at := range []struct {
		table db.Chained
		seq   int64
		link  string
	}{{outboxTable, c.outbox, c.outboxLink}, {batchTable, c.batches, c.batchLink}} {
		link, err := linkAt(ctx, r, at.table, at.seq)
		if errors.Is(err, db.ErrNoRows) || err == nil && link != at.link {
			return gone()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linkAt gives a piece of a table's chain at a number.
func linkAt(ctx context.Context, r Reading, table db.Chained, seq int64) (string, error) {
	if seq == 0 {
		return noLink, nil
	}
	var chain []byte
	err := r.QueryRow(ctx, `SELECT chain FROM `+string(table)+` WHERE seq = $1`, seq).Scan(&chain)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(chain[:min(len(chain), linkBytes)]), nil
}
