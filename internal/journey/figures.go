package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FiguresHeader carries what an answer shows, between our own processes: a digest
// of the balances and until when they are known, as "ab12…; as-of=2026-03-02T12:00:00Z".
// By it the edge compares two sides without reading what they show.
const FiguresHeader = "Standfast-Figures"

// Figures are the posted balances of all accounts that an answer shows and that
// our own ledger keeps, in minor units by account id.
type Figures map[string]int64

// Set puts the figures on an answer. asOf is an instant from which on they may be
// other ones: of a copy when it was complete, of the ledger when it had been read.
func (f Figures) Set(h http.Header, asOf time.Time) {
	h.Set(FiguresHeader, f.digest()+"; as-of="+asOf.UTC().Format(time.RFC3339Nano))
}

func (f Figures) digest() string {
	d := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(d, "%s=%d;", id, f[id])
	}
	return hex.EncodeToString(d.Sum(nil))
}

// ParseFigures reads what Set wrote.
func ParseFigures(s string) (digest string, asOf time.Time, ok bool) {
	digest, when, found := strings.Cut(s, "; as-of=")
	asOf, err := time.Parse(time.RFC3339Nano, when)
	return digest, asOf, found && err == nil && len(digest) == hex.EncodedLen(sha256.Size)
}
