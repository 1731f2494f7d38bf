package signin

import (
	"context"
	"sync"
	"time"

	"standfast/internal/db"
)

const (
	seenEvery   = 5 * time.Minute // how exact the time of a session's last use is
	remintAgain = time.Minute     // within which a session gets the same new token again
)

// activity is what this process remembers of sessions between two writes to the
// database, so that a request costs no query.
type activity struct {
	mu     sync.Mutex
	seen   map[string]time.Time // last use that was noted, by session
	unsaid map[string]time.Time // the part of it that is not stored yet
	proofs map[string]time.Time // last step-up, by session
	minted map[string]minted    // newest token, by session
}

type minted struct {
	token string
	at    time.Time
}

func (a *activity) init() {
	a.seen, a.unsaid, a.proofs, a.minted = map[string]time.Time{}, map[string]time.Time{}, map[string]time.Time{}, map[string]minted{}
}

// note takes down that a session was used, and gives its last step-up.
func (a *activity) note(id string, now time.Time) (provedAt time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.seen[id]) >= seenEvery {
		a.seen[id], a.unsaid[id] = now, now
	}
	return a.proofs[id]
}

func (a *activity) proved(list map[string]time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, at := range list {
		if at.After(a.proofs[id]) {
			a.proofs[id] = at
		}
	}
}

// remint gives a session's newest token, made by mint when the one before it is
// older than a minute: clients that keep sending an old one cost one signature a
// minute, not one a request. made is when.
func (a *activity) remint(id string, now time.Time, mint func() (string, error)) (tok string, made time.Time, err error) {
	a.mu.Lock()
	last, ok := a.minted[id]
	a.mu.Unlock()
	if ok && now.Sub(last.at) < remintAgain && !now.Before(last.at) {
		return last.token, last.at, nil
	}
	if tok, err = mint(); err != nil {
		return "", now, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.minted[id] = minted{tok, now}
	return tok, now, nil
}

// forget ends what is known of a session's tokens, as after a step-up.
func (a *activity) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.minted, id)
}

// take gives what is not stored yet, and drops what has grown old.
func (a *activity) take(now time.Time, idle time.Duration) map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	unsaid := a.unsaid
	a.unsaid = map[string]time.Time{}
	for id, at := range a.seen {
		if now.Sub(at) > 2*seenEvery {
			delete(a.seen, id)
		}
	}
	for id, at := range a.proofs {
		if now.Sub(at) > idle {
			delete(a.proofs, id)
		}
	}
	for id, m := range a.minted {
		if now.Sub(m.at) > remintAgain {
			delete(a.minted, id)
		}
	}
	return unsaid
}

const flushBatch = 500 // sessions written in one transaction

// flushActivity stores when sessions were last used. What a failure loses is
// only how exact the member's list of sessions is.
func (s *Service) flushActivity(ctx context.Context) {
	unsaid := s.recent.take(s.now(), s.conf.SessionIdle)
	ids := make([]string, 0, len(unsaid))
	for id := range unsaid {
		ids = append(ids, id)
	}
	for len(ids) > 0 {
		n := min(flushBatch, len(ids))
		err := s.db.WithTx(ctx, func(tx *db.Tx) error {
			for _, id := range ids[:n] {
				if _, err := tx.Exec(ctx, `UPDATE session SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, db.Micros(unsaid[id])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return
		}
		ids = ids[n:]
	}
}
