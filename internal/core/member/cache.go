package member

import (
	"sync"
	"time"
)

const (
	holdingsAge   = 2 * time.Second // how old a cached answer may be
	holdingsLimit = 10_000          // members kept at most
)

// holdingsCache spares the hot paths (transfers, payments) a query for "whose
// account is this". A joint holder removed by another process keeps access for
// at most holdingsAge; within this process changes are seen at once.
type holdingsCache struct {
	mu      sync.RWMutex
	members map[string]cachedHoldings
	forgot  int64 // counts evictions, see put
}

type cachedHoldings struct {
	roles map[string]string // by account; never changed once stored
	until time.Time
}

func newHoldingsCache() *holdingsCache {
	return &holdingsCache{members: map[string]cachedHoldings{}}
}

func (c *holdingsCache) get(memberID string, now time.Time) (map[string]string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.members[memberID]
	return e.roles, ok && now.Before(e.until)
}

// generation is taken before reading the database and given to put after it.
func (c *holdingsCache) generation() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.forgot
}

// put stores what was read, unless something was forgotten meanwhile: the
// reader may then have seen the state before the change.
func (c *holdingsCache) put(memberID string, roles map[string]string, now time.Time, generation int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgot != generation {
		return
	}
	if len(c.members) >= holdingsLimit {
		c.makeRoom(now)
	}
	c.members[memberID] = cachedHoldings{roles, now.Add(holdingsAge)}
}

// makeRoom drops what has expired, or all of it when nothing has.
func (c *holdingsCache) makeRoom(now time.Time) {
	for id, e := range c.members {
		if !now.Before(e.until) {
			delete(c.members, id)
		}
	}
	if len(c.members) >= holdingsLimit {
		clear(c.members)
	}
}

func (c *holdingsCache) forget(memberID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgot++
	delete(c.members, memberID)
}
