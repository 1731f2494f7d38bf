package place

import (
	"strings"
	"testing"

	"standfast/internal/fault"
)

const table = `start,end,country,region,city
192.0.2.0,192.0.2.127,United States,New York,Albany
2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,Deutschland,,
192.0.2.128,192.0.2.255,United States,New York,New York
203.0.113.7,203.0.113.7,Luxembourg,Luxembourg,Luxembourg
`

func TestAddressesHaveTheirPlaces(t *testing.T) {
	places, err := Read(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]string{
		"192.0.2.0": "Albany, New York, United States", "192.0.2.127": "Albany, New York, United States", "192.0.2.128": "New York, United States",
		"192.0.2.255": "New York, United States", "192.0.3.0": "", "192.0.1.255": "", "203.0.113.7": "Luxembourg", "203.0.113.6": "", "203.0.113.8": "",
		"::ffff:192.0.2.5": "Albany, New York, United States", "2001:db8::1": "Deutschland", "2001:db8:1::": "", "2001:db7::": "", "::": "", "": "", "x": "",
	} {
		if got := places.Of(ip); got != want {
			t.Errorf("%s is in %q, want %q", ip, got, want)
		}
	}
	var none *Table
	if none.Of("192.0.2.1") != "" {
		t.Error("no table knows a place")
	}
}

func TestATableThatCannotBeRightIsRefused(t *testing.T) {
	for name, rows := range map[string]string{
		"backwards": "192.0.2.9,192.0.2.1,US,,", "mixed": "192.0.2.9,2001:db8::1,US,,", "no address": "x,y,US,,", "no name": "192.0.2.1,192.0.2.2,,,",
		"four columns": "192.0.2.1,192.0.2.2,US,", "overlap": "192.0.2.1,192.0.2.9,US,,\n192.0.2.9,192.0.2.10,CA,,",
		"a control character": "192.0.2.1,192.0.2.2,US\x07,,", "a long name": "192.0.2.1,192.0.2.2," + strings.Repeat("a", 81) + ",,", "half a quote": "192.0.2.1,192.0.2.2,\"US,,",
	} {
		if _, err := Read(strings.NewReader(rows)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(table)
	f.Fuzz(func(t *testing.T, text string) {
		places, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range places.ranges {
			if places.Of(s.first.String()) != s.place || places.Of(s.last.String()) != s.place {
				t.Fatalf("%v to %v is not in %q", s.first, s.last, s.place)
			}
		}
	})
}
