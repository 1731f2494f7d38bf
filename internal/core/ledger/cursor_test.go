package ledger

import (
	"math"
	"testing"
)

func FuzzCursor(f *testing.F) {
	f.Add(place{math.MinInt64, firstID, math.MaxInt64}.cursor())
	f.Add(place{1, lastID, -1}.cursor())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseCursor(s)
		if err != nil {
			return
		}
		if again, err := parseCursor(p.cursor()); err != nil || again != p {
			t.Fatalf("%q: %+v became %+v, %v", s, p, again, err)
		}
	})
}
