package journey

import (
	"net/http"
	"testing"
	"time"
)

func TestFiguresAreTheSameInWhateverOrder(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 123000, time.UTC)
	wire := func(f Figures) string {
		h := http.Header{}
		f.Set(h, at)
		return h.Get(FiguresHeader)
	}
	// echo -n 'a=-12345;b=0;' | sha256sum
	const want = "198fc706145d30fe949c5c6f4426885359025742782eb01850332806d0d334b4; as-of=2026-03-02T12:00:00.000123Z"
	got := wire(Figures{"b": 0, "a": -12345})
	if got != want || wire(Figures{"a": -12346, "b": 0}) == got || wire(Figures{"a": -12345}) == got {
		t.Errorf("%s, want %s", got, want)
	}
	digest, asOf, ok := ParseFigures(got)
	if !ok || len(digest) != 64 || !asOf.Equal(at) {
		t.Error(digest, asOf, ok)
	}
	for _, bad := range []string{"", "x; as-of=2026-03-02T12:00:00Z", digest, digest + "; as-of=noon"} {
		if _, _, ok := ParseFigures(bad); ok {
			t.Errorf("%q is read", bad)
		}
	}
}
