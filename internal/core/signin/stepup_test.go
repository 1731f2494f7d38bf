package signin

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

func payment(amount, payee string) Action {
	a, err := money.Parse(amount, "USD")
	if err != nil {
		panic(err)
	}
	return Action{Kind: "payment", Parts: []string{a.Value(), a.Currency, payee}, Data: map[string]any{"Amount": a, "Payee": payee}}
}

func (h *house) redeem(s Session, proof string, a Action) error {
	return h.db.WithTx(ctx, func(tx *db.Tx) error { return h.Redeem(ctx, tx, s, proof, a) })
}

// stepped is a member with a session from a known device, so that only the
// codes of step-ups prove anything.
func (h *house) stepped(name string) (Session, *Client) {
	h.member(name)
	b := browser(name)
	h.enter(name, b, true)
	return h.signedIn(name, b), b
}

func TestAProofIsForOneActionOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		bob, _ := h.stepped("bob")
		a := payment("700.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		again, err := h.StepUp(ctx, s, a, *b)
		if err != nil || again.ID != c.ID {
			t.Fatal("a second code for the same action:", err)
		}
		changed := payment("7000.00", "City Card")
		if other, err := h.StepUp(ctx, s, changed, *b); err != nil || other.ID == c.ID {
			t.Fatal("the code of another action:", err)
		}
		_, err = h.Prove(ctx, bob, c.ID, h.codeOf(c.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		if twice, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID)); err != nil || twice != proof {
			t.Fatal("a double click gave another proof:", err)
		}
		for name, err := range map[string]error{
			"other amount": h.redeem(s, proof, changed), "other payee": h.redeem(s, proof, payment("700.00", "City Cards")),
			"other kind": h.redeem(s, proof, Action{Kind: "payment-method", Parts: a.Parts}), "other session": h.redeem(bob, proof, a),
			"moved border": h.redeem(s, proof, Action{Kind: a.Kind, Parts: []string{"700.00USD", "", "City Card"}}),
			"made up":      h.redeem(s, c.ID+".AAAA", a), "none": h.redeem(s, "", a), "changed": h.redeem(s, proof[:len(proof)-1], a),
		} {
			if e := fault.As(err); e == nil || e.Kind != fault.Forbidden || e.Code != "step-up-refused" {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, h.redeem(s, proof, a))
		h.want(h.redeem(s, proof, a), fault.Forbidden, "step-up-refused")
		if n := h.number(`SELECT count(*) FROM challenge WHERE redeemed_at > 0 AND length(action_hash) = 32`); n != 1 {
			t.Fatalf("%d proofs kept", n)
		}
	})
}

func TestAProofIsRedeemedOnceUnderConcurrency(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		a := payment("700.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		won := make(chan bool, 8)
		var wg sync.WaitGroup
		for range cap(won) {
			wg.Go(func() { won <- h.redeem(s, proof, a) == nil })
		}
		wg.Wait()
		n := 0
		for range cap(won) {
			if <-won {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("redeemed %d times", n)
		}
	})
}

// What is rolled back with its transaction was not used.
func TestAProofThatWasRolledBackIsStillGood(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		a := payment("700.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		_ = h.db.WithTx(ctx, func(tx *db.Tx) error {
			must(t, h.Redeem(ctx, tx, s, proof, a))
			return fault.New(fault.Conflict, "no", "no")
		})
		must(t, h.redeem(s, proof, a))
	})
}

func TestProofsAndTheirCodesEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		a := payment("700.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		for left := 4; left > 0; left-- {
			_, err := h.Prove(ctx, s, c.ID, h.badCode(c.ID))
			h.want(err, fault.Forbidden, "step-up.code-wrong")
			if n := fault.As(err).Extra["tries_left"]; n != left {
				t.Fatal(n, left)
			}
		}
		_, err = h.Prove(ctx, s, c.ID, h.badCode(c.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.StepUp(ctx, s, a, *b)
		h.want(err, fault.TooMany, "signin.too-many")
		h.wait(30 * time.Second)
		c, err = h.StepUp(ctx, s, a, *b)
		must(t, err)
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		h.wait(5*time.Minute + time.Microsecond)
		h.want(h.redeem(s, proof, a), fault.Forbidden, "step-up-refused")
	})
}

func TestFreshness(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		if h.Fresh(s, time.Hour) {
			t.Fatal("a known device passed for a proof")
		}
		c, err := h.StepUp(ctx, s, payment("1.00", "x"), *b)
		must(t, err)
		other := h.replica()
		_, err = h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		if !h.Fresh(s, time.Minute) || !h.check(b.SessionToken).ProvedAt.Equal(h.clock.Now()) {
			t.Fatal("a code just now is not fresh")
		}
		must(t, other.Refresh(ctx))
		if !other.Fresh(s, time.Minute) {
			t.Fatal("another process does not know of the code")
		}
		h.wait(10*time.Minute + time.Microsecond)
		if h.Fresh(s, 10*time.Minute) {
			t.Fatal("still fresh after ten minutes")
		}
		byCode := browser("new")
		h.enter("ada", byCode, false)
		if !h.Fresh(h.check(byCode.SessionToken), time.Minute) {
			t.Fatal("signing in by code is not fresh")
		}
	})
}

// The message says what the code is for, also when it is sent again (RTS Art 5).
func TestTheMessageNamesAmountAndPayee(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		c, err := h.StepUp(ctx, s, payment("700.00", "City Card"), *b)
		must(t, err)
		h.wait(30 * time.Second)
		_, err = h.Resend(ctx, c.ID, "email", *b)
		must(t, err)
		must(t, h.jobs.Drain(ctx))
		n := 0
		for _, m := range h.box.mail {
			if m.Code == h.codeOf(c.ID) {
				n++
				if !strings.Contains(m.Text, "$700.00") || !strings.Contains(m.Text, "City Card") || !strings.Contains(m.Text, m.Code) {
					t.Fatal(m.Text)
				}
			}
		}
		if n != 2 {
			t.Fatalf("%d messages: %v", n, slices.Clone(h.box.mail))
		}
	})
}

func TestOneSessionsCodeIsNoSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		c, err := h.StepUp(ctx, s, payment("1.00", "x"), *b)
		must(t, err)
		_, err = h.SubmitCode(ctx, c.ID, h.codeOf(c.ID), true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		asked, err := h.SignIn(ctx, "ada", right, *browser("new"))
		must(t, err)
		_, err = h.Prove(ctx, s, asked.Challenge.ID, h.codeOf(asked.Challenge.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
	})
}
