package token

import "sync"

// cache is a bounded map in two generations: when the young one is half of the
// bound it becomes the old one, and what was old is forgotten. What is in use
// moves back to the young one, so it stays.
type cache[V any] struct {
	mu         sync.RWMutex
	half       int
	young, old map[string]V
}

func newCache[V any](bound int) *cache[V] {
	return &cache[V]{half: max(1, bound/2), young: map[string]V{}}
}

func (c *cache[V]) get(key string) (V, bool) {
	c.mu.RLock()
	v, ok := c.young[key]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[key]
	c.mu.RUnlock()
	if ok {
		c.put(key, v)
	}
	return v, ok
}

func (c *cache[V]) put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[string]V, c.half)
	}
	c.young[key] = v
}

func (c *cache[V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = map[string]V{}, nil
}

func (c *cache[V]) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old)
}
