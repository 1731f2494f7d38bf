package db

import "sync"

// behind runs short work that nobody waits for, but that must have ended before
// the database is closed: a connection that it opened late would write files into
// a folder that its owner believes to be at rest.
type behind struct {
	mu    sync.Mutex
	ended bool
	wg    sync.WaitGroup
}

// run runs f beside the caller; after end it does nothing.
func (b *behind) run(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.wg.Go(f)
	}
}

// end waits for what runs and takes nothing more.
func (b *behind) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.wg.Wait()
}
