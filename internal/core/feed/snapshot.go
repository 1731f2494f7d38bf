package feed

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"time"
)

const (
	chunk        = 500 // things read at once for a snapshot
	maxSnapshots = 2   // written at once
)

// head begins a snapshot.
type head struct {
	Version int    `json:"version"`
	Cell    string `json:"cell"`
	Cursor  string `json:"cursor"` // from where the feed goes on
	At      string `json:"at"`
}

// tail ends a snapshot. One without it was cut short and is worth nothing.
type tail struct {
	End       bool   `json:"end"`
	Items     int64  `json:"items"`
	Digest    string `json:"digest"` // SHA-256 of all bytes before this line
	Signature string `json:"signature"`
}

// Snapshot writes everything that readers know, one JSON document a line. The
// place in the feed is fixed first and each part read by itself afterwards: what
// changes meanwhile comes again, newer, in the feed from that place on.
func (s *Service) Snapshot(ctx context.Context, w io.Writer) error {
	start, err := s.here(ctx)
	if err != nil {
		return err
	}
	out := &digested{to: w, sum: sha256.New()}
	lines := json.NewEncoder(out)
	if err := lines.Encode(head{Version, s.config.Cell, start.String(), Instant(s.db.Now())}); err != nil {
		return err
	}
	var n int64
	for _, t := range s.config.Topics {
		written, err := s.all(ctx, t, lines)
		if err != nil {
			return err
		}
		n += written
	}
	digest := hex.EncodeToString(out.sum.Sum(nil))
	return lines.Encode(tail{true, n, digest, s.sign("standfast-snapshot-1\n" + s.config.Cell + "\n" + digest)})
}

// here gives the place behind everything that is numbered now.
func (s *Service) here(ctx context.Context) (c cursor, err error) {
	if err := s.db.Sound(ctx); err != nil {
		return c, err
	}
	err = s.read(ctx, func(r Reading, complete time.Time) error {
		c = cursor{complete: complete}
		err := r.QueryRow(ctx, `SELECT COALESCE((SELECT last_seq FROM sequence WHERE name = $1), 0), COALESCE((SELECT last_seq FROM sequence WHERE name = $2), 0)`,
			string(outboxTable), string(batchTable)).Scan(&c.outbox, &c.batches)
		if err == nil {
			c.outboxLink, err = linkAt(ctx, r, outboxTable, c.outbox)
		}
		if err == nil {
			c.batchLink, err = linkAt(ctx, r, batchTable, c.batches)
		}
		return err
	})
	return c, err
}

// all writes every thing of a topic.
func (s *Service) all(ctx context.Context, t Topic, lines *json.Encoder) (n int64, err error) {
	for last := ""; ; {
		var items []Item
		err := s.read(ctx, func(r Reading, _ time.Time) error {
			ids, err := t.After(ctx, r, last, chunk)
			if err != nil || len(ids) == 0 {
				items, last = nil, ""
				return err
			}
			changes := make([]change, len(ids))
			for i, id := range ids {
				changes[i] = change{Ref{t.Name, id}, r.Now}
			}
			last = ids[len(ids)-1]
			items, err = s.load(ctx, r, changes)
			return err
		})
		if err != nil || last == "" {
			return n, err
		}
		for _, i := range items {
			if i.Gone {
				continue
			}
			if err := lines.Encode(i); err != nil {
				return n, err
			}
			n++
		}
	}
}

// sign gives a signature as readers check it: the key's id and the signature.
func (s *Service) sign(message string) string {
	return s.config.KeyID + ":" + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.config.Key, []byte(message)))
}

// digested writes on and keeps the digest of what it wrote.
type digested struct {
	to  io.Writer
	sum hash.Hash
}

func (d *digested) Write(b []byte) (int, error) {
	d.sum.Write(b)
	return d.to.Write(b)
}
