package staff

import (
	"fmt"
	"testing"
	"time"

	"standfast/internal/db"
)

const refused = `SELECT count(*) FROM audit WHERE outcome = 'refused'`

// A flood of what is refused, from somebody who is signed in: the log keeps the
// first of an hour one by one, and the rest as a number.
func TestRefusalsOfOnePersonFillNoLog(t *testing.T) {
	each(t, func(h *house) {
		agent := h.hire(h.operator(), Invitation{Name: "Ann", Role: Agent})
		flood := func(n int) {
			h.clock.Advance(time.Second)
			s := h.session(agent)
			for range n {
				_, err := h.People(ctx, s, here)
				h.want(err, "staff.forbidden")
			}
		}
		flood(refusalsOne + 30)
		if n := h.number(refused); n != refusalsOne {
			t.Fatalf("%d kept one by one, want %d", n, refusalsOne)
		}
		for range 5 {
			h.clock.Advance(13 * time.Minute)
			h.session(agent)
		}
		flood(1)
		if n := h.number(refused); n != refusalsOne+1 {
			t.Fatalf("%d kept after the hour", n)
		}
		if n := h.number(`SELECT count(*) FROM audit WHERE action = 'staff.refusals' AND object_id = $1 AND details = $2`, agent.id, fmt.Sprintf(`{"refused":"%d"}`, refusalsOne+30)); n != 1 {
			t.Fatalf("%d entries say how many there were", n)
		}
	})
}

// Strangers with many addresses: neither the log nor the counts grow with them.
func TestRefusalsOfStrangersFillNoLog(t *testing.T) {
	each(t, func(h *house) {
		h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
			for i := range refusalsStrangers + 50 {
				from := actor{"staff", "", fmt.Sprintf("2001:db8:%x::1", i)}
				if err := h.refuse(ctx, tx, from, signIn, "session", "", signInAgain()); err != nil {
					return err
				}
			}
			return nil
		}))
		if n := h.number(refused); n != refusalsStrangers {
			t.Errorf("%d kept one by one, want %d", n, refusalsStrangers)
		}
		if n := h.number(`SELECT count(*) FROM staff_refusal`); n != refusalsStrangers+1 {
			t.Errorf("%d counts", n)
		}
		for i := range 2 * refusalsOne {
			_, err := h.SignIn(ctx, "x", nil, Client{IP: fmt.Sprintf("192.0.2.%d", i), Flow: "f"})
			h.want(err, "passkey.over")
		}
		if n := h.number(`SELECT count(*) FROM staff_refusal`); n != refusalsStrangers+1 {
			t.Errorf("%d counts after more", n)
		}
	})
}

// One subscriber's addresses count as one.
func TestRefusalsOfOneNetworkCountTogether(t *testing.T) {
	each(t, func(h *house) {
		h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
			for i := range 2 * refusalsOne {
				if err := h.refuse(ctx, tx, actor{"staff", "", fmt.Sprintf("2001:db8::%x", i)}, signIn, "session", "", signInAgain()); err != nil {
					return err
				}
			}
			return nil
		}))
		if n := h.number(refused); n != refusalsOne {
			t.Errorf("%d kept one by one, want %d", n, refusalsOne)
		}
	})
}
