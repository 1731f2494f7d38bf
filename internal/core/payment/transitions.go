package payment

import (
	"fmt"
	"slices"

	"standfast/internal/fault"
)

// transitions is the drawing of docs/payments.md: from each status, the ones that
// may follow. What is not here cannot happen.
var transitions = map[Status][]Status{
	"":        {Scheduled, Held},
	Scheduled: {Held, Declined, Cancelled},
	Held:      {Submitted, Declined, Cancelled},
	Submitted: {Settled, Returned, Declined},
	Settled:   {Returned},
}

// Open tells whether the status is one whose outcome is still to come.
func (s Status) Open() bool { return s == Scheduled || s == Held || s == Submitted }

// cancellable tells whether the member can still take the payment back.
func (s Status) cancellable() bool { return slices.Contains(transitions[s], Cancelled) }

// move takes the next step in memory; save writes it. A step that the drawing
// does not have is a defect, or a rail that contradicts itself.
func (p *record) move(to Status, code, note string) error {
	if !slices.Contains(transitions[p.Status], to) {
		return fault.Wrap(fault.Internal, "payment.transition", "Something went wrong on our side.",
			fmt.Errorf("payment %s cannot go from %q to %q", p.ID, p.Status, to))
	}
	p.Status = to
	p.Code = code
	p.Version++
	p.Events = append(p.Events, Event{Status: to, At: p.now, Note: note})
	p.CanCancel = to.cancellable()
	return nil
}
