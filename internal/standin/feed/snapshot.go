package feed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"

	"standfast/internal/fault"
	"standfast/internal/standin/store"
)

const (
	maxLine  = 1 << 20 // bytes of one line of a snapshot
	perTake  = 500     // items that are stored together
	maxItems = 200_000_000
)

// Rebuild takes a snapshot into a new file, which replaces the known one only
// when the whole of it is there and signed.
func (c *Consumer) Rebuild(ctx context.Context) error {
	body, err := c.Source.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	fresh, err := c.Known.Begin(ctx)
	if err != nil {
		return err
	}
	h, err := c.readSnapshot(ctx, body, fresh)
	if err != nil {
		return errors.Join(err, fresh.Discard())
	}
	at := store.Position{Cell: c.Cell, Cursor: h.Cursor, Complete: h.At, Told: h.At, Since: c.Now(), Own: c.Known.Position().Own}
	if err := fresh.Swap(ctx, at); err != nil {
		return err
	}
	c.Log.InfoContext(ctx, "the store was built from a snapshot", "as_of", h.At)
	return c.Changed(ctx, nil, at, true)
}

// snapshot reads one line after the other and digests what it has read.
type snapshot struct {
	lines  *bufio.Reader
	digest hash.Hash
}

// next gives a line. What it gave before counts into the digest; the last line
// does not.
func (s *snapshot) next() ([]byte, error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, refuse(CodeShape, "The snapshot has a line that is too long.")
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && (err != io.EOF || len(line) == 0):
			return nil, fault.Wrap(fault.Unavailable, CodeCut, "The snapshot was cut short.", err)
		}
		return line, nil
	}
}

func (c *Consumer) readSnapshot(ctx context.Context, body io.Reader, into *store.Fresh) (h head, err error) {
	s := &snapshot{lines: bufio.NewReader(body), digest: sha256.New()}
	line, err := s.next()
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return h, fault.Wrap(fault.Unavailable, CodeShape, "The snapshot's first line cannot be read.", err)
	}
	if err := h.check(c.Cell); err != nil {
		return h, err
	}
	s.digest.Write(line)
	return h, c.readItems(ctx, s, into)
}

// readItems stores all items; the last line must fit everything before it.
func (c *Consumer) readItems(ctx context.Context, s *snapshot, into *store.Fresh) error {
	var batch []item
	for n := 0; n <= maxItems; {
		line, err := s.next()
		if err != nil {
			return err
		}
		if end, ok := ending(line); ok {
			if err := keep(ctx, into, batch); err != nil {
				return err
			}
			return c.verifyEnd(end, n, hex.EncodeToString(s.digest.Sum(nil)))
		}
		s.digest.Write(line)
		var i item
		if err := json.Unmarshal(line, &i); err != nil {
			return fault.Wrap(fault.Unavailable, CodeShape, "The snapshot has a line that cannot be read.", err)
		}
		if err := i.check(); err != nil {
			return err
		}
		n++
		if batch = append(batch, i); len(batch) == perTake {
			if err := keep(ctx, into, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return refuse(CodeShape, "The snapshot does not end.")
}

func keep(ctx context.Context, into *store.Fresh, items []item) error {
	list, err := records(items)
	if err != nil {
		return err
	}
	return into.Take(ctx, list)
}

// ending reads the last line; any other is an item.
func ending(line []byte) (t tail, ok bool) {
	if !bytes.Contains(line, []byte(`"end"`)) || json.Unmarshal(line, &t) != nil {
		return t, false
	}
	return t, t.End
}

func (c *Consumer) verifyEnd(t tail, items int, digest string) error {
	if err := c.Key.verify("standfast-snapshot-1\n"+c.Cell+"\n"+t.Digest, t.Signature); err != nil {
		return err
	}
	if t.Digest != digest || t.Items != items {
		return refuse(CodeForged, "The snapshot is not the one that was signed.")
	}
	return nil
}
