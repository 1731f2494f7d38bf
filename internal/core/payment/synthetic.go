package payment

import (
	"context"
	"sync"
	"time"
)

// syntheticRail names the rail of our own members, which journeys and game days use.
const syntheticRail = "synthetic"

// undone is that rail: it collects from nobody, says Paid at once, and sends the
// money back, so that the member's card and the rail's clearing account end
// where they began.
type undone struct{}

// undoneAfter is how long a synthetic payment stands as settled.
const undoneAfter = time.Minute

// Submit says Paid.
func (undone) Submit(context.Context, Instruction) (Answer, error) {
	return Answer{Outcome: Paid, AskIn: undoneAfter}, nil
}

// Ask sends the payment back.
func (undone) Ask(context.Context, Instruction) (Answer, error) {
	return Answer{Outcome: SentBack, Code: syntheticRail}, nil
}

// syntheticCache remembers which members are synthetic, which never changes.
type syntheticCache struct {
	mu      sync.RWMutex
	members map[string]bool
}

const maxSyntheticCache = 100_000

// synthetic tells whether a member is one of ours.
func (s *Service) synthetic(ctx context.Context, memberID string) (bool, error) {
	s.ours.mu.RLock()
	is, known := s.ours.members[memberID]
	s.ours.mu.RUnlock()
	if known {
		return is, nil
	}
	c, err := s.Contact(ctx, memberID)
	if err != nil {
		return false, err
	}
	s.ours.mu.Lock()
	defer s.ours.mu.Unlock()
	if s.ours.members == nil || len(s.ours.members) >= maxSyntheticCache {
		s.ours.members = map[string]bool{}
	}
	s.ours.members[memberID] = c.Synthetic
	return c.Synthetic, nil
}
