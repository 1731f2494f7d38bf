package ledger

import (
	"math"
	"testing"
)

func FuzzCursor(f *testing.F) {
	f.Add(place{math.MinInt64, firstID, math.MaxInt64}.cursor(firstID))
	f.Add(place{1, lastID, -1}.cursor(firstID))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseCursor(firstID, s)
		if err != nil {
			return
		}
		if again, err := parseCursor(firstID, p.cursor(firstID)); err != nil || again != p {
			t.Fatalf("%q: %+v became %+v, %v", s, p, again, err)
		}
		if _, err := parseCursor(lastID, s); err == nil {
			t.Fatalf("%q is taken for another account", s)
		}
	})
}
