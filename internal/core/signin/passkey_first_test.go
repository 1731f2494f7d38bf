package signin

import (
	"slices"
	"testing"
	"time"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/fault"
)

// TestAPasskeyComesBeforeMessages: a step-up of somebody who has one sends nothing
// until a code is asked for, which then counts like any other.
func TestAPasskeyComesBeforeMessages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b, key := browser("1"), &softkey.Authenticator{Counts: true}
		h.enter("ada", b, true)
		h.hold(b, key)
		h.wait(11 * time.Minute)
		s := h.signedIn("ada", b)
		h.mailed("")
		for _, a := range []Action{payment("700.00", "City Card"), {Kind: "recovery-codes", Parts: []string{"x"}}} {
			c, err := h.StepUp(ctx, s, a, *b)
			must(t, err)
			if c.Channel != WayPasskey || c.SentTo != "" || c.Passkey == nil || !slices.Contains(c.Ways, "text") {
				t.Fatalf("%+v", c)
			}
			if to := h.mailed(""); len(to) != 0 {
				t.Fatalf("messages went to %v", to)
			}
			if _, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID)); !fault.Is(err, fault.Forbidden) {
				t.Fatal("a code that was never sent counted:", err)
			}
			answer, err := key.Get(c.Passkey, origin)
			must(t, err)
			proof, err := h.ProvePasskey(ctx, s, c.ID, answer, *b)
			must(t, err)
			must(t, h.redeem(s, proof, a))
		}
		a := payment("800.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		c, err = h.Resend(ctx, c.ID, "text", *b)
		must(t, err)
		h.mailedTo("", oldPhone)
		if again, err := h.StepUp(ctx, s, a, *b); err != nil || again.Channel != "text" || again.ID != c.ID {
			t.Fatalf("%+v %v", again, err)
		}
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		must(t, h.redeem(s, proof, a))
	})
}

// TestRecoveryCodesAreOfferedOnce: until there are some, or the member put the
// offer away, on whatever device.
func TestRecoveryCodesAreOfferedOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ada, eve := h.changing("ada"), h.changing("eve")
		h.offered(ada.Session, true)
		must(t, h.DismissRecoveryCodes(ctx, ada.Session))
		must(t, h.DismissRecoveryCodes(ctx, ada.Session))
		h.offered(ada.Session, false)
		h.offered(eve.Session, true)
		_, err := h.MakeRecoveryCodes(ctx, eve)
		eve.Proof = h.prove(eve.Session, err)
		_, err = h.MakeRecoveryCodes(ctx, eve)
		must(t, err)
		h.offered(eve.Session, false)
	})
}

func (h *house) offered(s Session, want bool) {
	h.t.Helper()
	if got, err := h.OffersRecoveryCodes(ctx, s); err != nil || got != want {
		h.t.Errorf("offered: %t, %v", got, err)
	}
}
