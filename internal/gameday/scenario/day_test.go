package scenario

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whenever a game day is played, the day ends in a zone that exists, at the hour
// that is wanted there, at most a minute after what was asked.
func TestADayEndsWhenItIsWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		after := time.Unix(rapid.Int64Range(1_790_000_000, 1_900_000_000).Draw(t, "after"), 0)
		d := dayThatEnds(after)
		zone, err := time.LoadLocation(d.zone)
		if err != nil {
			t.Fatal(err)
		}
		there := d.cutOff.In(zone)
		if there.Hour() != evening || there.Format("15:04") != d.flags()[3] || there.Format(time.DateOnly) != d.date() {
			t.Errorf("%v at %s: %v", after, d.zone, there)
		}
		if wait := d.cutOff.Sub(after); wait <= 0 || wait > time.Minute {
			t.Errorf("ends after %v", wait)
		}
		if d.next() <= d.date() || d.credits(after, after) != d.date() || d.credits(d.cutOff, d.cutOff) != d.next() || d.credits(after, d.cutOff) != "" {
			t.Error("dates of credit")
		}
	})
}
