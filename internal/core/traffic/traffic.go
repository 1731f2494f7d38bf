// Package traffic lets staff see and say which side answers members. It asks the
// edge, which decides by itself and goes on doing so when nobody here can be asked.
package traffic

import (
	"context"
	"fmt"
	"sync"
	"time"

	"standfast/internal/core/staff"
	"standfast/internal/fault"
	"standfast/internal/steer"
)

// Edge is the edge's control listener (steer.Client is).
type Edge interface {
	State(ctx context.Context) (steer.State, error)
	Override(ctx context.Context, o steer.Override) (steer.State, error)
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

// Limits of a change.
const (
	maxReason = 300 // characters
	maxTerm   = 24 * time.Hour
)

// Change is somebody's word on who answers.
type Change struct {
	Journey string // or steer.Every
	Side    string // empty: the edge decides again
	Mark    string // of the state that was looked at
	Term    time.Duration
	Reason  string
}

// text is what the passkey signs.
func (c Change) text(cell string) string {
	return fmt.Sprintf("routing.override\n%s\n%s\n%s\n%s\n%s\n%s", cell, c.Journey, c.Side, c.Mark, c.Term, c.Reason)
}

func (c Change) check() error {
	switch n := len([]rune(c.Reason)); {
	case c.Side != "" && c.Side != steer.Core && c.Side != steer.Standin || c.Journey == "" || c.Mark == "":
		return fault.New(fault.Malformed, "routing.change", "This is no change of the routing.")
	case n == 0:
		return fault.InvalidField("body.reason", "routing.reason", "Say why.")
	case n > maxReason:
		return fault.InvalidField("body.reason", "routing.reason-long", "This reason is too long.")
	case c.Side != "" && (c.Term <= 0 || c.Term > maxTerm):
		return fault.InvalidField("body.term", "routing.until", "It lasts 24 hours at most.")
	}
	return nil
}

// Review looks at a change once more and asks for the passkey. Errors: Invalid;
// Conflict routing.changed when the state is not the one that was looked at.
func (s *Service) Review(ctx context.Context, sess staff.Session, c staff.Client, change Change) (staff.Prompt, error) {
	if !sess.May(staff.DecideRouting) {
		return staff.Prompt{}, fault.New(fault.Forbidden, "staff.forbidden", "Your role does not allow this.")
	}
	if err := change.check(); err != nil {
		return staff.Prompt{}, err
	}
	v, err := s.See(ctx, sess, c)
	if err != nil {
		return staff.Prompt{}, err
	}
	if v.Silent {
		return staff.Prompt{}, fault.New(fault.Conflict, "routing.silent", "The edge does not answer, so nothing can be changed here.")
	}
	if v.Now == nil || v.Now.MarkOf(change.Journey) != change.Mark {
		return staff.Prompt{}, fault.New(fault.Conflict, "routing.changed", "Who answers has changed since you looked.")
	}
	return s.staff.AskProof(ctx, sess, change.text(s.cell))
}

// Decide tells the edge. It is in the audit log before that, as something that was
// asked for, and again when the edge refused: no effect is without its line.
// Errors: those of Review; Unauthenticated for a proof that does not hold.
func (s *Service) Decide(ctx context.Context, sess staff.Session, c staff.Client, change Change, p staff.Proof) error {
	if err := change.check(); err != nil {
		return err
	}
	by, err := s.staff.TakeProof(ctx, sess, c, change.text(s.cell), p)
	if err != nil {
		return err
	}
	who, at, err := s.note(ctx, sess, c, change, map[string]string{"outcome": "asked", "passkey": by.PasskeyID})
	if err != nil {
		return err
	}
	o := steer.Override{Cell: s.cell, Journey: change.Journey, Side: change.Side, Mark: change.Mark, Who: who, Reason: change.Reason}
	if change.Side != "" {
		o.Until = at.Add(change.Term).UTC()
	}
	told, err := s.edge.Override(ctx, o)
	if err == nil {
		s.keep(told)
		return nil
	}
	e := fault.As(err)
	if _, _, failed := s.note(ctx, sess, c, change, map[string]string{"outcome": "not known or refused", "code": e.Code}); failed != nil {
		return failed
	}
	if e.Kind == fault.Unavailable {
		return fault.Wrap(fault.Conflict, "routing.silent", "The edge does not answer, so nothing can be changed here.", err)
	}
	return err
}

// note leaves a line in the audit log, and gives who decides and when.
func (s *Service) note(ctx context.Context, sess staff.Session, c staff.Client, change Change, details map[string]string) (who string, at time.Time, err error) {
	id := s.cell + "/" + change.Journey
	err = s.staff.Act(ctx, sess, c, staff.DecideRouting, id, func(a staff.Acting) error {
		who, at = a.Who.Name, a.Tx.Now
		details["side"], details["reason"], details["term"] = change.Side, change.Reason, change.Term.String()
		return a.Done(ctx, "routing", id, details)
	})
	return who, at, err
}
