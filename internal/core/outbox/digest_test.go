package outbox

import "testing"

// A changed part, or the same bytes split elsewhere, must change the digest.
func TestTheDigestCoversEveryPart(t *testing.T) {
	base := row{id: "i", at: 1, payload: "d", Change: Change{Entity: "a", EntityID: "b", Kind: "c", Version: 1}}
	change := map[string]func(*row){
		"nothing": func(*row) {},
		"split":   func(r *row) { r.Entity, r.EntityID = "ab", "" },
		"id":      func(r *row) { r.id = "x" },
		"entity":  func(r *row) { r.Entity = "x" },
		"object":  func(r *row) { r.EntityID = "x" },
		"kind":    func(r *row) { r.Kind = "x" },
		"version": func(r *row) { r.Version = 2 },
		"time":    func(r *row) { r.at = 2 },
		"payload": func(r *row) { r.payload = "x" },
	}
	seen := map[string]string{}
	for name, f := range change {
		r := base
		f(&r)
		d := string(r.digest())
		if other, twice := seen[d]; twice {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d] = name
	}
}
