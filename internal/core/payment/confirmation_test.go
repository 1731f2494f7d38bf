package payment

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestConfirmationNumbers(t *testing.T) {
	seen := map[string]bool{}
	for range 5000 {
		n, err := newConfirmation()
		if err != nil || seen[n] || len(n) != confirmationLength {
			t.Fatal(n, err)
		}
		seen[n] = true
		for _, typed := range []string{n, Grouped(n), strings.ToLower(Grouped(n)), " " + n[:6] + "  " + n[6:] + " "} {
			if got, ok := ReadConfirmation(typed); !ok || got != n {
				t.Fatal(typed, got, ok)
			}
		}
	}
	if g := Grouped("234567892345"); g != "2345-6789-2345" {
		t.Fatal(g)
	}
	for _, bad := range []string{"", "2", "0OIL1", strings.Repeat("2", 13), strings.Repeat("A", 1<<20), "٢٢٢٢٢٢٢٢٢٢٢٢"} {
		if n, ok := ReadConfirmation(bad); ok {
			t.Fatal(n)
		}
	}
}

// One wrong character and two exchanged ones are always found.
func TestTypingErrorsInConfirmationNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := newConfirmation()
		i := rapid.IntRange(0, confirmationLength-1).Draw(t, "place")
		other := alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "character")]
		if wrong := n[:i] + string(other) + n[i+1:]; wrong != n {
			if _, ok := ReadConfirmation(wrong); ok {
				t.Fatalf("%s was taken for %s", wrong, n)
			}
		}
		b := []byte(n)
		j := rapid.IntRange(0, confirmationLength-1).Draw(t, "other place")
		if b[i], b[j] = b[j], b[i]; string(b) != n {
			if _, ok := ReadConfirmation(string(b)); ok {
				t.Fatalf("%s was taken for %s", b, n)
			}
		}
	})
}

func FuzzReadConfirmation(f *testing.F) {
	f.Add("7K2M-94QX-R3TD")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := ReadConfirmation(s)
		if !ok {
			return
		}
		if again, ok := ReadConfirmation(Grouped(n)); !ok || again != n {
			t.Fatal(s, n, again)
		}
	})
}

// In any zone and on any day, a payment is credited as of its own day or the next,
// and the offered cut-off lies within a day.
func TestCalendar(t *testing.T) {
	zones := []string{"America/New_York", "Europe/London", "Europe/Berlin", "UTC", "Asia/Beirut", "America/Santiago", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		c := calendar{zone: zone, cutOff: time.Duration(rapid.IntRange(17*60, 24*60-1).Draw(t, "cut-off")) * time.Minute, days: 365}
		now := time.Unix(rapid.Int64Range(1767225600, 2082758400).Draw(t, "now"), 0)
		today := c.date(now)
		credited, cut := c.creditedOn(now), c.nextCutOff(now)
		if credited != today && credited != c.plus(today, 1) {
			t.Fatal(today, credited)
		}
		if !cut.After(now) || cut.Sub(now) > 26*time.Hour {
			t.Fatal(now, cut)
		}
		if credited != c.date(cut) {
			t.Fatalf("credited as of %s, but the cut-off is on %s", credited, c.date(cut))
		}
		if start := c.start(credited); c.date(start) != credited || c.date(start.Add(-time.Second)) == credited {
			t.Fatal(credited, start)
		}
	})
}
