package account

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// zones change their clocks at midnight, by other amounts than an hour, or have
// left a whole day out.
var zones = []string{"UTC", "America/New_York", "Europe/London", "America/Havana", "America/Asuncion", "America/Santiago", "Asia/Beirut",
	"Atlantic/Azores", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Kiritimati", "America/St_Johns", "Africa/Cairo", "Asia/Tehran"}

// The start of a day belongs to it, and what is right before it does not.
func TestADayBeginsWithItsFirstInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		date := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 36_500).Draw(t, "day")).Format(time.DateOnly)
		checkDay(t, date, zone)
	})
}

type failer interface {
	Errorf(string, ...any)
}

func checkDay(t failer, date string, zone *time.Location) {
	start, ok := StartOfDay(date, zone)
	if !ok {
		t.Errorf("%s is no date", date)
		return
	}
	if got := start.Add(-1).In(zone).Format(time.DateOnly); got >= date {
		t.Errorf("%s in %s begins at %s, which is later than its first instant", date, zone, start)
	}
	if got := start.In(zone).Format(time.DateOnly); got < date {
		t.Errorf("%s in %s begins at %s, which is before it", date, zone, start)
	}
}

// Every day around every change of the last decades.
func TestADayBeginsRightAroundChanges(t *testing.T) {
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(1990, 1, 1, 0, 0, 0, 0, zone)
		for range 200 {
			_, change := at.ZoneBounds()
			if change.IsZero() || change.Year() > 2040 {
				break
			}
			for d := -2; d <= 2; d++ {
				checkDay(t, change.UTC().AddDate(0, 0, d).Format(time.DateOnly), zone)
			}
			at = change
		}
	}
}

// A range holds its last day whole.
func TestDaysAreWhole(t *testing.T) {
	havana, err := time.LoadLocation("America/Havana")
	if err != nil {
		t.Fatal(err)
	}
	first, end, wrong := Days("2026-03-08", "2026-03-08", havana) // clocks go from 0:00 to 1:00
	if wrong != "" || end.Sub(first) != 23*time.Hour || first.In(havana).Hour() != 1 {
		t.Error(first, end, wrong)
	}
	first, end, wrong = Days("2026-11-01", "2026-11-01", havana) // 0:00 to 1:00 comes twice
	if wrong != "" || end.Sub(first) != 25*time.Hour || first.In(havana).Hour() != 0 {
		t.Error(first, end, wrong)
	}
	for _, c := range [][3]string{{"2026-02-30", "", "from"}, {"", "2026-2-3", "until"}, {"1899-12-31", "", "from"}, {"", "9999-01-01", "until"}, {"x", "y", "from"}} {
		if _, _, wrong := Days(c[0], c[1], havana); wrong != c[2] {
			t.Errorf("%v: %q", c, wrong)
		}
	}
	if first, end, wrong := Days("", "", havana); !first.IsZero() || !end.IsZero() || wrong != "" {
		t.Error(first, end, wrong)
	}
}
