// Package feed gives the cell's stand-in everything it needs to know, as a feed of
// changes that can be read on from any place, and as a snapshot to begin with.
//
// The feed follows numbers: those of the outbox and those of the ledger's batches,
// which are given after commit, so a reader misses nothing that committed late. A
// number only says that something has changed. What it is now is read when the
// feed is, in one snapshot of the database with the numbers, and carries a version
// that grows with them. So an item never holds less than its number says, repeats
// do no harm, and of one topic and id the highest version is the truth.
package feed

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"sync"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Version is the form of pages and snapshots.
const Version = 1

// Numbered is what the feed wakes up to: whoever numbers rows calls db.Wake with it.
const Numbered = outbox.Numbered

// Ref names something that readers know.
type Ref struct{ Topic, ID string }

// Reading is one look at the database, all of it as of one instant.
type Reading struct {
	*db.Tx
	Version int64 // of every item that is read in it
}

// Topic is one kind of thing that readers know.
type Topic struct {
	Name string
	// Load gives the bodies of things by their ids, as they are now; what is not
	// there any more is left out. Bodies become JSON.
	Load func(ctx context.Context, r Reading, ids []string) (map[string]any, error)
	// After lists ids in an order of the topic's own, from just behind one ("" the
	// first), about limit of them; none at the end.
	After func(ctx context.Context, r Reading, id string, limit int) ([]string, error)
	// Sparse: of most ids there is nothing to say, and that is no end of anything.
	Sparse bool
}

// Batch is a numbered batch of the ledger, and what it has changed.
type Batch struct {
	Seq   int64
	At    time.Time
	Count int64 // transfers in it
	Refs  []Ref
}

// Config is what the room is told of the others.
type Config struct {
	Cell   string
	KeyID  string
	Key    ed25519.PrivateKey
	Topics []Topic
	// Touches gives what a row of the outbox has changed, by its entity. Entities
	// that are not named here change nothing that readers know.
	Touches map[string]func(ctx context.Context, r Reading, row outbox.Record) ([]Ref, error)
	// Batches gives the ledger's batches from just behind a number, at least one
	// while there is one, and about limit transfers in all.
	Batches func(ctx context.Context, r Reading, after int64, limit int) ([]Batch, error)
}

// Service serves the feed of one cell. It is safe for use by many goroutines.
type Service struct {
	db        *db.DB
	config    Config
	topics    map[string]Topic
	lag       lags
	snapshots chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed when something was numbered
}

// New makes the service. Run has to run for waiting readers to be hurried.
func New(d *db.DB, c Config) *Service {
	s := &Service{db: d, config: c, topics: map[string]Topic{}, snapshots: make(chan struct{}, maxSnapshots), changed: make(chan struct{})}
	for _, t := range c.Topics {
		s.topics[t.Name] = t
	}
	return s
}

// Run hurries waiting readers whenever rows were numbered, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.db.Woken(Numbered):
		}
		s.mu.Lock()
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
	}
}

// news gives a channel that is closed at the next change this process hears of.
func (s *Service) news() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Item is one thing as it is now.
type Item struct {
	Topic   string          `json:"topic"`
	ID      string          `json:"id"`
	Version int64           `json:"version"`
	At      string          `json:"at"` // of the change; in a snapshot of the reading
	Gone    bool            `json:"gone"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Page is what a reader gets.
type Page struct {
	Version    int    `json:"version"`
	Cell       string `json:"cell"`
	After      string `json:"after"`
	Next       string `json:"next"`
	CompleteTo string `json:"complete_to"` // who has taken this page misses nothing that was committed before
	At         string `json:"at"`
	Items      []Item `json:"items"`

	more bool // rows were taken
}

// Instant writes a time as readers read it.
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// Gone is the answer to a cursor that leads nowhere: of another database, or of a
// state of this one that was given up by a restore. The reader takes a snapshot.
func gone() error {
	return fault.New(fault.Gone, "feed.gone", "This cursor leads nowhere in this database. Please begin with a snapshot.")
}
