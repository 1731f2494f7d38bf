package passkey

import (
	"testing"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
)

// What a passkey counted at the stand-in counts here too: a copy of its key is
// found out wherever it is used.
func TestAUseElsewhereMovesTheCounter(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner := db.NewID()
		bound := &softkey.Authenticator{Counts: true}
		k := h.register(h.Service, owner, bound)
		_, err := h.login(h.Service, bound) // 1
		must(t, err)
		copied := *bound
		use := Elsewhere{OwnerID: owner, PasskeyID: k.ID, Count: 5, At: h.clock.Now(), IP: "192.0.2.7"}
		accepted := func(e Elsewhere) (stands bool, wentBack int64) {
			t.Helper()
			must(t, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
				stands, wentBack, err = h.AcceptedElsewhereTx(ctx, tx, e)
				return err
			}))
			return stands, wentBack
		}
		if stands, back := accepted(use); !stands || back != 0 {
			t.Fatal(stands, back)
		}
		if _, err := h.login(h.Service, &copied); err == nil {
			t.Fatal("a copy that counts from 1 is taken after a use with 5")
		}
		bound.Counter = 5
		if _, err := h.login(h.Service, bound); err != nil { // 6
			t.Fatal(err)
		}
		late := use // a use of before that is told of now is none that went back
		if stands, back := accepted(late); !stands || back != 0 {
			t.Fatal(stands, back)
		}
		same := use
		same.Count = 6
		if stands, back := accepted(same); !stands || back != 2 {
			t.Fatalf("the same count, accepted on both sides: %v %d", stands, back)
		}
		strange := use
		strange.OwnerID = db.NewID()
		if stands, _ := accepted(strange); stands {
			t.Fatal("another member's passkey stands")
		}
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			times, err := h.WentBackElsewhereTx(ctx, tx, use)
			if times != 3 {
				t.Errorf("%d times", times)
			}
			return err
		}))
	})
}
