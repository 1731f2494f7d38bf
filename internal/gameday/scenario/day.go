package scenario

import (
	"fmt"
	"time"
)

// businessDay is one that ends at a moment of the game day's choosing: the cell
// lies where it is evening then.
type businessDay struct {
	cutOff time.Time
	zone   string // IANA name
	local  *time.Location
}

// evening is the hour of the day, there, at which the day ends. Regulation Z allows
// nothing before 17 (12 CFR 1026.10(b)(2)(ii)).
const evening = 19

// mostEast is the easternmost zone of whole hours, in hours from UTC.
const mostEast = 14

// dayThatEnds gives the business day that ends with the first full minute after an instant.
func dayThatEnds(after time.Time) *businessDay {
	cutOff := after.Truncate(time.Minute).Add(time.Minute)
	east := evening - cutOff.UTC().Hour()
	if east > mostEast {
		east -= 24
	}
	// POSIX counts westward: UTC+5 is Etc/GMT-5.
	return &businessDay{cutOff: cutOff, zone: fmt.Sprintf("Etc/GMT%+d", -east), local: time.FixedZone("", east*60*60)}
}

// flags tell a demo of the day.
func (d *businessDay) flags() []string {
	if d == nil {
		return nil
	}
	return []string{"--time-zone", d.zone, "--cut-off", d.cutOff.In(d.local).Format("15:04")}
}

// date is the day's; "" of a stage that has none of its own.
func (d *businessDay) date() string {
	if d == nil {
		return ""
	}
	return d.cutOff.In(d.local).Format(time.DateOnly)
}

// next is the date of the day after it.
func (d *businessDay) next() string {
	return d.cutOff.In(d.local).AddDate(0, 0, 1).Format(time.DateOnly)
}

// credits gives the date that what was received between two instants is to be
// credited as of, or "" where it was received about when the day ended.
func (d *businessDay) credits(from, to time.Time) string {
	switch {
	case to.Before(d.cutOff):
		return d.date()
	case !from.Before(d.cutOff):
		return d.next()
	}
	return ""
}
