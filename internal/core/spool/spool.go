// Package spool keeps what members asked for while the database could not be
// written, in a file of this machine, and has it carried out when the database is
// back: each intent once, in the order in which they came.
//
// It is for what protects a member and can wait for its effect, as freezing a
// card. What moves money is refused instead.
package spool

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Intent is one thing that was asked for.
type Intent struct {
	ID    string          `json:"id"`    // key under which it is done once
	Kind  string          `json:"kind"`  // as "card.freeze": whose business it is
	About string          `json:"about"` // id of the object that it is about
	At    time.Time       `json:"at"`    // when it was asked for
	Body  json.RawMessage `json:"body"`  // never a secret
}

// Apply carries an intent out. It calls Once in its transaction. An error of kind
// fault.Unavailable means that it is tried again later; with any other the intent
// is over, because trying again would not help.
type Apply func(ctx context.Context, i Intent) error

// Spool is one process's spool. It is safe for use by many goroutines.
type Spool struct {
	log   *slog.Logger
	now   func() time.Time
	wake  chan struct{}
	apply map[string]Apply

	mu      sync.Mutex
	file    *file
	pending []Intent
}

const (
	retryEvery   = time.Second
	applyTimeout = 15 * time.Second
)

// Open opens a free spool of the folder, which is made where it is missing.
// Several processes of one machine share a folder; what one of them left behind
// when it died is carried out by the next that starts. now is the clock of intents.
func Open(folder string, now func() time.Time, log *slog.Logger) (*Spool, error) {
	f, intents, err := openFile(folder)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "spool.open", "The folder for what has to wait cannot be used: "+folder, err)
	}
	return &Spool{log: log, now: now, wake: make(chan struct{}, 1), apply: map[string]Apply{}, file: f, pending: intents}, nil
}

// Slot is this process's place in the folder, for other files that only one
// process may use.
func (s *Spool) Slot() int { return s.file.slot }

// Handle names who carries out intents of a kind. It is called before Run.
func (s *Spool) Handle(kind string, a Apply) { s.apply[kind] = a }

// Put stores an intent. When it returns without an error the intent outlives the
// process and the machine's power.
func (s *Spool) Put(kind, about string, body any) (Intent, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Intent{}, fault.Wrap(fault.Internal, "spool.body", "Something went wrong on our side.", err)
	}
	i := Intent{ID: db.NewID(), Kind: kind, About: about, At: s.now().UTC().Truncate(time.Microsecond), Body: text}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.file.append(entry{Intent: &i}); err != nil {
		return Intent{}, fault.Wrap(fault.Unavailable, "spool.full", "We cannot take this just now. Please call us.", err)
	}
	s.pending = append(s.pending, i)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return i, nil
}

// Find gives the newest intent of a kind about an object that still waits.
func (s *Spool) Find(kind, about string) (Intent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.pending) - 1; n >= 0; n-- {
		if i := s.pending[n]; i.Kind == kind && i.About == about {
			return i, true
		}
	}
	return Intent{}, false
}

// Waiting gives how many intents wait.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// Run carries out what waits until ctx ends.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for {
		s.drain(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// drain carries out what waits, in order, until something has to wait longer.
func (s *Spool) drain(ctx context.Context) {
	for ctx.Err() == nil {
		i, ok := s.first()
		if !ok || !s.carryOut(ctx, i) {
			return
		}
		s.drop(i)
	}
}

func (s *Spool) first() (Intent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return Intent{}, false
	}
	return s.pending[0], true
}

// carryOut tells whether an intent is over.
func (s *Spool) carryOut(ctx context.Context, i Intent) bool {
	apply := s.apply[i.Kind]
	if apply == nil {
		s.log.ErrorContext(ctx, "nobody carries out what was asked for", "kind", i.Kind, "intent", i.ID)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	err := apply(ctx, i)
	switch {
	case err == nil:
		s.log.InfoContext(ctx, "carried out what was asked for earlier", "kind", i.Kind, "intent", i.ID, "asked_at", i.At)
	case fault.Is(err, fault.Unavailable) || fault.Is(err, fault.TooMany) || errors.Is(err, context.Canceled):
		return false
	default:
		s.log.ErrorContext(ctx, "what was asked for earlier cannot be done", "kind", i.Kind, "intent", i.ID, "asked_at", i.At, "err", err)
	}
	return true
}

// drop takes the first intent off. Where that cannot be written down, it is
// carried out again after a restart, and Once sees to it that nothing comes of it.
func (s *Spool) drop(i Intent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = s.pending[1:]
	var err error
	if len(s.pending) == 0 {
		err = s.file.clear()
	} else {
		err = s.file.append(entry{Done: i.ID})
	}
	if err != nil {
		s.log.Warn("that an intent is done could not be written down", "intent", i.ID, "err", err)
	}
}

// Close gives the file back. What waits stays in it.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.close()
}

// Once tells, in the transaction that carries an intent out, whether that is the
// first time.
func Once(ctx context.Context, tx *db.Tx, i Intent) (first bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO spool_done (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, i.ID, db.Micros(tx.Now))
	return n == 1, err
}
