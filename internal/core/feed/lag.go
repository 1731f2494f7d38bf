package feed

import (
	"maps"
	"sync"
	"time"
)

// lags remembers how far each reader has come.
type lags struct {
	mu       sync.Mutex
	complete map[string]time.Time
}

const maxReaders = 32 // that are remembered; a cell has one or two

// note takes down that a reader was sent everything until an instant.
func (l *lags) note(reader, completeTo string) {
	at, err := time.Parse(time.RFC3339Nano, completeTo)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.complete == nil {
		l.complete = map[string]time.Time{}
	}
	if _, known := l.complete[reader]; known || len(l.complete) < maxReaders {
		l.complete[reader] = at
	}
}

// CompleteTo gives for each reader until when it was sent everything, for metrics.
func (s *Service) CompleteTo() map[string]time.Time {
	s.lag.mu.Lock()
	defer s.lag.mu.Unlock()
	return maps.Clone(s.lag.complete)
}
