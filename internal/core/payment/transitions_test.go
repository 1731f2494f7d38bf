package payment

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"standfast/internal/fault"
)

// The drawing of docs/payments.md, arrow by arrow.
const arrows = `
 → held
 → scheduled
held → cancelled
held → declined
held → submitted
scheduled → cancelled
scheduled → declined
scheduled → held
settled → returned
submitted → declined
submitted → returned
submitted → settled
`

func TestTheCodeFollowsTheDrawing(t *testing.T) {
	every := []Status{"", Scheduled, AwaitingStepUp, Held, Submitted, Settled, Returned, Declined, Cancelled}
	var taken []string
	for _, from := range every {
		for _, to := range every {
			r := record{Payment: Payment{Status: from, Version: 7}}
			err := r.move(to, "", "")
			if err == nil {
				taken = append(taken, fmt.Sprintf("%s → %s", from, to))
			}
			if moved := r.Version == 8 && len(r.Events) == 1 && r.Status == to; moved != (err == nil) || err != nil && !fault.Is(err, fault.Internal) {
				t.Errorf("%q → %q: %+v, %v", from, to, r, err)
			}
		}
	}
	slices.Sort(taken)
	if got := "\n" + strings.Join(taken, "\n") + "\n"; got != arrows {
		t.Fatalf("the code has%s", got)
	}
}
