package account

import "time"

// StartOfDay gives the first instant of a business date, written YYYY-MM-DD, in a
// zone. It is midnight, except where clocks change then: they may leave midnight
// out (Beirut, Asunción, the Azores) or show it twice (Havana). ok is false for
// what is no date of the years 1900 to 9998.
func StartOfDay(date string, zone *time.Location) (start time.Time, ok bool) {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil || len(date) != len(time.DateOnly) || day.Year() < 1900 || day.Year() > 9998 {
		return time.Time{}, false
	}
	before := day.Add(-36 * time.Hour).In(zone) // it is the day before, or earlier, everywhere
	start = midnight(day, before)
	_, change := before.ZoneBounds()
	if after := midnight(day, change); !change.IsZero() && !change.After(start) {
		// Under the clock of before, the day began at the change or after it. It
		// began then at the earliest, and at the new clock's midnight at the latest.
		start = later(change, after)
	}
	return start, true
}

// midnight gives the instant that a clock, as set at an instant, shows as a day's 0:00.
func midnight(day, clock time.Time) time.Time {
	_, offset := clock.Zone()
	return day.Add(-time.Duration(offset) * time.Second).In(clock.Location())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Days turns two business dates, both included and either empty, into the first
// instant and the one behind the last; the zero time where a date is empty.
// wrong names the date that cannot be read: "from" or "until".
func Days(from, until string, zone *time.Location) (first, end time.Time, wrong string) {
	var ok bool
	if first, ok = StartOfDay(from, zone); from != "" && !ok {
		return first, end, "from"
	}
	if until == "" {
		return first, end, ""
	}
	last, ok := StartOfDay(until, time.UTC)
	if !ok {
		return first, end, "until"
	}
	end, _ = StartOfDay(last.AddDate(0, 0, 1).Format(time.DateOnly), zone)
	return first, end, ""
}
