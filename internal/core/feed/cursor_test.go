package feed

import (
	"testing"
	"time"
)

// Whatever comes as a cursor is refused, or is exactly one that was given.
func FuzzCursor(f *testing.F) {
	given := cursor{outbox: 12, batches: 7, outboxLink: "0123456789abcdef", batchLink: noLink, complete: time.UnixMicro(1_700_000_000_000_000).UTC()}
	for _, s := range []string{"", given.String(), "1.0.0.0.0.0", "2.0.0.0.0.0", "1.-1.0.0.0.0", "1.+1.0.0.0.0", "1.1.0.1.0.", "1.9223372036854775808.0.0.0.0", "1.1. .1.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parse(s)
		if err == nil && s != "" && c.String() != s {
			t.Errorf("%q is taken for %q", s, c)
		}
		if err == nil && (c.outbox < 0 || c.batches < 0) {
			t.Errorf("%q leads before the beginning", s)
		}
	})
}
