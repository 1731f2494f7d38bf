package text

import (
	"strconv"
	"strings"
	"time"
)

// DateLayout is how business dates are stored, sent and typed into date fields.
const DateLayout = "2006-01-02"

// calendar holds the names of a locale's months and days.
type calendar struct {
	months, monthsShort [13]string // from 1
	days                [7]string  // from Sunday
}

func newCalendar(p *Printer) calendar {
	var c calendar
	months := strings.Split(p.T("calendar.months"), " ")
	short := strings.Split(p.T("calendar.months-short"), " ")
	days := strings.Split(p.T("calendar.days"), " ")
	copy(c.months[1:], months)
	copy(c.monthsShort[1:], short)
	copy(c.days[:], days)
	return c
}

// dateValues are what the catalogue's date patterns name. Years and days are
// text: a year has no thousands separator.
func (p *Printer) dateValues(t time.Time) []any {
	return []any{
		"Day", strconv.Itoa(t.Day()), "Year", strconv.Itoa(t.Year()),
		"Month", p.calendar.months[t.Month()], "MonthShort", p.calendar.monthsShort[t.Month()],
		"Weekday", p.calendar.days[t.Weekday()],
	}
}

// LongDate writes the date of an instant in full, with the weekday.
func (p *Printer) LongDate(t time.Time) string {
	t = t.In(p.zone)
	return p.T("format.long-date", p.dateValues(t)...)
}

// Date writes the date of an instant with the month's name and the year.
func (p *Printer) Date(t time.Time) string {
	t = t.In(p.zone)
	return p.T("format.date", p.dateValues(t)...)
}

// ShortDate writes day and month only, for places where the year is plain.
func (p *Printer) ShortDate(t time.Time) string {
	t = t.In(p.zone)
	return p.T("format.short-date", p.dateValues(t)...)
}

// Clock writes hours and minutes without a zone.
func (p *Printer) Clock(t time.Time) string {
	return p.T("format.clock", "Clock", t.In(p.zone).Format("15:04"))
}

// Time writes hours and minutes with the zone's name.
func (p *Printer) Time(t time.Time) string {
	return p.T("format.time", "Clock", t.In(p.zone).Format("15:04"), "Zone", p.zoneName(t))
}

// DateTime writes date, time and zone.
func (p *Printer) DateTime(t time.Time) string {
	return p.T("format.date-time", "Date", p.Date(t), "Time", p.Time(t))
}

// zoneName is the name people use for a zone, as "ET", else its abbreviation.
func (p *Printer) zoneName(t time.Time) string {
	id := "zone." + p.zone.String()
	if p.Has(id) {
		return p.T(id)
	}
	return t.In(p.zone).Format("MST")
}

// Business writes a business date (YYYY-MM-DD) in full with the weekday; a
// business date has no zone. What is no date is given back as it came.
func (p *Printer) Business(date string) string {
	t, err := time.Parse(DateLayout, date)
	if err != nil {
		return date
	}
	return p.In(time.UTC).LongDate(t)
}

// BusinessShort writes a business date as day and month.
func (p *Printer) BusinessShort(date string) string {
	t, err := time.Parse(DateLayout, date)
	if err != nil {
		return date
	}
	return p.In(time.UTC).ShortDate(t)
}
