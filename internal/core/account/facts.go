package account

import (
	"context"
	"sync"
	"time"

	"standfast/internal/db"
)

// facts caches what the account table says, because a transfer must not pay a
// query for it. A replica's own writes evict at once; those of others are seen
// when an entry is older than maxAge. What must never be decided on old facts,
// whether there is enough money, is the ledger's.
type facts struct {
	db     *db.DB
	maxAge time.Duration
	max    int

	mu         sync.RWMutex
	entries    map[string]fact
	generation uint64 // counts evictions, so that a read begun before a write is not kept after it
}

type fact struct {
	account Account
	read    time.Time
}

func newFacts(d *db.DB, maxAge time.Duration, max int) *facts {
	return &facts{db: d, maxAge: maxAge, max: max, entries: map[string]fact{}}
}

// get gives the accounts with these ids in their order; unknown ones are left out.
func (f *facts) get(ctx context.Context, ids ...string) ([]Account, error) {
	found, missing, generation := f.cached(ids)
	if len(missing) > 0 {
		list, err := load(ctx, f.db, missing)
		if err != nil {
			return nil, err
		}
		f.keep(list, generation)
		for _, a := range list {
			found[a.ID] = a
		}
	}
	list := make([]Account, 0, len(ids))
	for _, id := range ids {
		if a, ok := found[id]; ok {
			list = append(list, a)
		}
	}
	return list, nil
}

func (f *facts) cached(ids []string) (found map[string]Account, missing []string, generation uint64) {
	found = make(map[string]Account, len(ids))
	now := f.db.Now()
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, id := range ids {
		e, ok := f.entries[id]
		if age := now.Sub(e.read); ok && age >= 0 && age <= f.maxAge {
			found[id] = e.account
		} else if db.ValidID(id) {
			missing = append(missing, id)
		}
	}
	return found, missing, f.generation
}

func (f *facts) keep(list []Account, generation uint64) {
	now := f.db.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.generation != generation {
		return
	}
	for _, a := range list {
		if len(f.entries) >= f.max {
			for id := range f.entries { // any one: a map's order is random
				delete(f.entries, id)
				break
			}
		}
		f.entries[a.ID] = fact{a, now}
	}
}

// evict forgets an account that was just written.
func (f *facts) evict(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.generation++
	delete(f.entries, id)
}
