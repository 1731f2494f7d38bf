package scenario

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"standfast/internal/gameday/report"
	"standfast/internal/money"
)

// openingTakes is how long it may take until members go on before the fault.
const openingTakes = 60 * time.Second

// Row14 kills core in the last seconds of a business day on which cards are due,
// and has it come back on the next one. Members pay on both sides of midnight, as
// the cell's cut-off has it.
func Row14(ctx context.Context, o Options, r *report.Report) error {
	row := r.Row(14, "A payment made during an outage is credited as of its receipt; no late fee")
	row.Note("Cards are due on the day that ends while core is dead. A late fee is the card system's to charge: what it is told is the date of credit and the time at which the ledger counts the payment.")
	f := outage{name: "core dead when the day ends", standin: true, possible: possible,
		set: func(s *Stage) error { return s.kill(coreProcess) }, heal: func(s *Stage) error { return s.restart(coreProcess) }}
	if !o.wants(f.name) {
		return nil
	}
	half := max(o.Length, 2*switchLimit) / 2
	o.Sides, o.Day = true, dayThatEnds(time.Now().Add(openingTakes+half))
	return onStage(ctx, o, func(s *Stage) error {
		a, err := s.begin(ctx, row, f.name)
		if err != nil {
			return err
		}
		defer a.end()
		wait := time.Until(s.Day.cutOff.Add(-half))
		if wait < 0 {
			return fmt.Errorf("the stage was open %v too late for the end of its day", -wait)
		}
		a.outing.goOn(ctx, wait, false)
		row.AddMark(report.Mark{Act: f.name, At: s.Day.cutOff.UTC(), Kind: report.Decided, What: "the business day ends"})
		if err := a.breaks(ctx, f); err != nil {
			return err
		}
		if err := a.recovers(ctx, f); err != nil {
			return err
		}
		return a.credited(ctx)
	})
}

// credits counts payments by when they were received and what became of them.
type credits struct{ before, beforeRight, after, afterRight, late int }

// credited holds the dates of credit, and when the ledger counts the payments,
// against when members made them.
func (a *act) credited(ctx context.Context) error {
	var c credits
	counted, due := 0, 0
	for i, m := range a.Members {
		listed, err := m.listed(ctx)
		if err != nil {
			return err
		}
		confirmed, _ := a.outing.purses[i].taken()
		for _, n := range confirmed {
			number, err := m.numberAtCore(ctx, n.number, listed)
			if err != nil {
				return err
			}
			for _, p := range listed[number] {
				c.take(a.Day, n, p.CreditedOn)
				if p.CreditedOn == a.Day.date() {
					due++
				}
			}
		}
		n, err := m.paidBefore(ctx, a.Day.cutOff)
		if err != nil {
			return err
		}
		counted += n
	}
	a.row.Share(a.name+": received before the day's end, credited as of it", c.beforeRight, c.before, nil).AtLeast(1)
	a.row.Share(a.name+": received after it, credited as of the next", c.afterRight, c.after, nil).AtLeast(1)
	a.row.Value(a.name+": paid in time, and late for the due date", float64(c.late), "payments").AtMost(0)
	a.row.Share(a.name+": credited as of the day, counted by the ledger before its end", counted, due, nil).AtLeast(1)
	return nil
}

// take judges one payment of which core says the date of credit.
func (c *credits) take(d *businessDay, n *intention, creditedOn string) {
	switch want := d.credits(n.at, n.sure); want {
	case d.date():
		c.before++
		if creditedOn == want {
			c.beforeRight++
		}
		if creditedOn > d.date() {
			c.late++
		}
	case d.next():
		c.after++
		if creditedOn == want {
			c.afterRight++
		}
	}
}

// paidBefore counts the payments to the card that the ledger counts before an instant.
func (m *Member) paidBefore(ctx context.Context, before time.Time) (n int, err error) {
	for cursor := ""; ; {
		a, err := m.api(ctx, http.MethodGet, "/accounts/"+m.card+"/transactions?cursor="+cursor, nil)
		if err != nil {
			return 0, err
		}
		var page struct {
			Items []struct {
				PostedAt time.Time `json:"posted_at"`
				Amount   money.Amount
				Kind     string
				Status   string
			}
			Next string `json:"next_cursor"`
		}
		if err := a.read(&page); err != nil {
			return 0, err
		}
		for _, t := range page.Items {
			if t.Kind == "payment" && t.Status == "posted" && t.PostedAt.Before(before) && t.Amount.Minor == oneDollar {
				n++
			}
		}
		if cursor = page.Next; cursor == "" {
			return n, nil
		}
	}
}
