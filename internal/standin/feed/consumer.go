package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/store"
)

// Config is where the feed comes from and what it must look like.
type Config struct {
	Cell   string
	Key    Key
	Source Source
	Known  *store.Known
	Log    *slog.Logger
	Now    func() time.Time
	// Changed is told after each page or snapshot that was taken. whole says that
	// everything may be different.
	Changed func(ctx context.Context, list []store.Record, at store.Position, whole bool) error
}

// Consumer follows the feed. Pass and Rebuild are called by one goroutine;
// Trouble by any.
type Consumer struct {
	Config
	mu      sync.Mutex
	trouble *fault.Error
	since   time.Time // of the trouble
}

// NewConsumer makes a consumer. Nothing is read before Run or Pass.
func NewConsumer(c Config) *Consumer { return &Consumer{Config: c} }

// Waits between attempts that failed.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 15 * time.Second
)

// Run follows the feed until ctx ends.
func (c *Consumer) Run(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		err := c.Pass(ctx, pollWait)
		c.note(ctx, err)
		if err == nil {
			pause = firstPause
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
	return ctx.Err()
}

// note keeps why the feed does not go on, and logs when that changes.
func (c *Consumer) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	var e *fault.Error
	if err != nil {
		e = fault.As(err)
	}
	c.mu.Lock()
	before := c.trouble
	if c.trouble = e; before == nil && e != nil {
		c.since = c.Now()
	}
	c.mu.Unlock()
	switch {
	case e == nil && before != nil:
		c.Log.InfoContext(ctx, "the feed goes on", "complete_to", c.Known.Position().Complete)
	case e != nil && (before == nil || before.Code != e.Code):
		c.Log.WarnContext(ctx, "the feed does not go on", "code", e.Code, "complete_to", c.Known.Position().Complete, "err", e)
	}
}

// Trouble says why the feed does not go on, and since when; nil when it does.
func (c *Consumer) Trouble() (*fault.Error, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble, c.since
}

// Pass takes the next page, or a snapshot where there is nothing to go on from.
// wait is how long core may hold the answer until something happens.
func (c *Consumer) Pass(ctx context.Context, wait time.Duration) error {
	at := c.Known.Position()
	if at.Cell != "" && at.Cell != c.Cell {
		return refuse(CodeForeign, "The store is another cell's: "+at.Cell)
	}
	if at.Cursor == "" {
		return c.Rebuild(ctx)
	}
	signature, body, err := c.Source.Page(ctx, at.Cursor, wait)
	if fault.As(err) != nil && fault.As(err).Code == CodeGone {
		return c.Rebuild(ctx)
	}
	if err != nil {
		return err
	}
	p, err := c.Key.readPage(c.Cell, at.Cursor, signature, body)
	if err != nil {
		return err
	}
	return c.take(ctx, at, p)
}

func (c *Consumer) take(ctx context.Context, at store.Position, p page) error {
	list, err := records(p.Items)
	if err != nil {
		return err
	}
	at.Cursor, at.Told = p.Next, p.At
	if p.Complete.After(at.Complete) { // knowledge never becomes older
		at.Complete = p.Complete
	}
	if err := c.Known.Take(ctx, list, at); err != nil {
		return err
	}
	if err := c.trim(ctx, list); err != nil {
		return err
	}
	return c.Changed(ctx, list, at, false)
}

// KeepTransactions is how many of an account's latest movements are kept.
const KeepTransactions = 50

// trim forgets movements that are no longer among an account's latest.
func (c *Consumer) trim(ctx context.Context, list []store.Record) error {
	moved := map[string]bool{}
	for _, r := range list {
		if r.Topic == Transaction && !r.Gone && !moved[r.Owner] {
			moved[r.Owner] = true
			if err := c.Known.Trim(ctx, Transaction, r.Owner, KeepTransactions); err != nil {
				return err
			}
		}
	}
	return nil
}
