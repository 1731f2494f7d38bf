package payment

import (
	"time"

	"standfast/internal/core/account"
	"standfast/internal/fault"
)

// calendar turns instants into business dates of the cell and back.
type calendar struct {
	zone   *time.Location
	cutOff time.Duration // wall-clock time of day
	days   int           // how far ahead a payment may be made
}

// midnight to 17:00, the earliest cut-off on a due date (Regulation Z, 12 CFR 1026.10(b)(2)(ii)).
const earliestCutOff = 17 * time.Hour

func (c calendar) date(at time.Time) string { return at.In(c.zone).Format(time.DateOnly) }

// start gives the first instant of a business date.
func (c calendar) start(date string) time.Time {
	at, _ := account.StartOfDay(date, c.zone) // every caller has checked or made the date
	return at
}

// on gives the instant at which clocks of the zone show a time of day on a date;
// on a day with a change of clocks that is not midnight plus the time.
func (c calendar) on(date string, clock time.Duration) time.Time {
	d, _ := time.Parse(time.DateOnly, date) // every caller has checked or made the date
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, int(clock/time.Second), 0, c.zone)
}

// plus gives the date some days later.
func (c calendar) plus(date string, days int) string {
	d, _ := time.Parse(time.DateOnly, date)
	return d.AddDate(0, 0, days).Format(time.DateOnly)
}

// creditedOn gives the date that a payment received at an instant is credited as
// of: that day until the cut-off, the next day after it (12 CFR 1026.10(a)).
func (c calendar) creditedOn(received time.Time) string {
	today := c.date(received)
	if received.Before(c.on(today, c.cutOff)) {
		return today
	}
	return c.plus(today, 1)
}

// nextCutOff gives the first cut-off after an instant.
func (c calendar) nextCutOff(now time.Time) time.Time {
	today := c.date(now)
	if at := c.on(today, c.cutOff); now.Before(at) {
		return at
	}
	return c.on(c.plus(today, 1), c.cutOff)
}

// resolve reads the date of a request: today when it is empty, otherwise today to
// the last date that is taken.
func (c calendar) resolve(date string, now time.Time) (string, error) {
	today := c.date(now)
	if date == "" {
		return today, nil
	}
	const field = "body.date"
	if _, err := time.Parse(time.DateOnly, date); err != nil || len(date) != len(time.DateOnly) {
		return "", fault.InvalidField(field, "date.form", "A date is written YYYY-MM-DD, as 2026-03-25.")
	}
	if date < today {
		return "", fault.InvalidField(field, "date.past", "This date has passed. Choose today or a later date.")
	}
	if last := c.plus(today, c.days); date > last {
		e := fault.InvalidField(field, "date.far", "A payment can be made up to "+last+". Choose an earlier date.")
		e.Fields[0].Args = map[string]any{"Last": last}
		return "", e
	}
	return date, nil
}
