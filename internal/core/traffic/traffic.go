// Package traffic lets staff see and say which side answers members. It asks the
// edge, which decides by itself and goes on doing so when nobody here can be asked.
package traffic

import (
	"context"
	"sync"

	"standfast/internal/core/staff"
	"standfast/internal/steer"
)

// Edge is the edge's control listener (steer.Client is).
type Edge interface {
	State(ctx context.Context) (steer.State, error)
	Override(ctx context.Context, o steer.Override) (steer.State, error)
	SetShare(ctx context.Context, s steer.Share) (steer.State, error)
}

// Service is the routing of one cell. It is safe for use by many goroutines.
type Service struct {
	staff *staff.Service
	edge  Edge
	cell  string

	mu   sync.Mutex
	last steer.State // that the edge told, for when it does not answer
}

// New makes the service of a cell.
func New(s *staff.Service, e Edge, cell string) *Service {
	return &Service{staff: s, edge: e, cell: cell}
}

// View is what the edge told last.
type View struct {
	steer.State
	Now    *steer.Cell // nil: nothing was ever told
	Silent bool        // the edge does not answer now: State is the last known one
}

// See gives the state. Errors: Forbidden, Unauthenticated.
func (s *Service) See(ctx context.Context, sess staff.Session, c staff.Client) (View, error) {
	err := s.staff.Act(ctx, sess, c, staff.SeeRouting, s.cell, func(staff.Acting) error { return nil })
	if err != nil {
		return View{}, err
	}
	told, err := s.edge.State(ctx)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return View{State: s.last, Now: s.last.Cell(s.cell), Silent: true}, nil
	}
	return s.keep(told), nil
}

func (s *Service) keep(told steer.State) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if told.At.After(s.last.At) {
		s.last = told
	}
	return View{State: told, Now: told.Cell(s.cell)}
}
