package member

import (
	"context"
	"sync"
	"time"

	"standfast/internal/fault"
)

// knownFor is how long what is last known of a member may be shown while the
// database does not answer.
const knownFor = 15 * time.Minute

// known remembers members who were looked at, for showing them to themselves.
type known struct {
	mu      sync.Mutex
	members map[string]lastKnown
}

type lastKnown struct {
	member Member
	at     time.Time
}

func newKnown() *known { return &known{members: map[string]lastKnown{}} }

func (k *known) put(m Member, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for old := range k.members {
		if len(k.members) < holdingsLimit {
			break
		}
		delete(k.members, old) // any one: a map's order is random
	}
	k.members[m.ID] = lastKnown{m, now}
}

func (k *known) get(id string, now time.Time) (Member, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l, ok := k.members[id]
	return l.member, ok && now.Sub(l.at) <= knownFor
}

// Shown is ByID for showing members what we know of them: where the database does
// not answer, or does not know its own members any more, what is last known.
func (s *Store) Shown(ctx context.Context, id string) (Member, error) {
	m, err := s.ByID(ctx, id)
	if err == nil {
		s.known.put(m, s.db.Now())
		return m, nil
	}
	if fault.Is(err, fault.NotFound) {
		if unsound := s.db.Sound(ctx); unsound != nil {
			err = unsound
		}
	}
	if last, ok := s.known.get(id, s.db.Now()); ok && fault.Is(err, fault.Unavailable) {
		return last, nil
	}
	return Member{}, err
}
