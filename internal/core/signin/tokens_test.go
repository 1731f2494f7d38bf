package signin

import (
	"testing"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

// Every kind of token in every other one's place, from another cell, cut, and
// past its time: none opens anything, and none is an error that tells more.
func TestNoTokenStandsInForAnother(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		gb := h.conf
		gb.Cell = "gb"
		other, err := New(h.db, member.New(h.db), h.ns, masterkey.Demo(), gb) // under the same keys
		must(t, err)
		nonce := h.DeviceNonce(*b).Value
		tokens := map[string]string{
			"session": b.SessionToken, "device": b.DeviceToken, "nonce": nonce, "proof": d.sign(t, nonce), "key": d.public, "flow": b.FlowID,
		}
		for kind, tok := range tokens {
			if kind != "session" {
				_, err := h.Check(ctx, tok, Look)
				h.want(err, fault.Unauthenticated, "session.over")
			}
			if kind != "device" {
				c := *browser("as a device: " + kind)
				c.DeviceToken = tok
				if id, _, err := h.device(ctx, c.DeviceToken); err != nil || id != "" {
					t.Errorf("a %s passes for a device: %v", kind, err)
				}
			}
			for _, n := range []int{1, len(tok) / 2, len(tok) - 1} {
				if _, err := h.Check(ctx, tok[:n], Look); !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("%d characters of a %s: %v", n, kind, err)
				}
			}
			if id, err := h.Keep(ctx, tok, []byte("{}")); err != nil || id != "" {
				t.Errorf("a %s keeps forms: %v", kind, err)
			}
		}
		if _, err := other.Check(ctx, b.SessionToken, Look); !fault.Is(err, fault.Unauthenticated) {
			t.Error("another cell takes the session:", err)
		}
		if id, _, err := other.device(ctx, b.DeviceToken); err != nil || id != "" {
			t.Error("another cell takes the device:", err)
		}
		if p := other.possession(Client{FlowID: b.FlowID, DeviceProof: d.sign(t, nonce), DeviceKey: d.public}); p.offers() {
			t.Error("another cell takes the proof")
		}
		h.wait(401 * 24 * time.Hour)
		if id, _, err := h.device(ctx, b.DeviceToken); err != nil || id != "" {
			t.Error("an identity outlives its time:", err)
		}
	})
}

// Whoever plants a session, a flow or a device in somebody's browser gets nothing
// of what that browser does next.
func TestNothingThatWasPlantedBecomesTheMembers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		eve := browser("planted")
		h.enter("eve", eve, true)
		victim := *eve // ada's browser, into which all of it was planted
		h.wait(time.Minute)
		h.enter("ada", &victim, true)
		ada := h.check(victim.SessionToken)
		if victim.SessionToken == eve.SessionToken {
			t.Fatal("the planted session was kept")
		}
		if _, err := h.Check(ctx, eve.SessionToken, Look); !fault.Is(err, fault.Unauthenticated) {
			t.Fatal("the planted session goes on beside the new one:", err)
		}
		h.wait(time.Minute)
		eve.SessionToken = ""
		if out, err := h.SignIn(ctx, "ada", right, *eve); err != nil || out.Challenge == nil {
			t.Fatal("the planted device is known to its victim:", err)
		}
		if list, err := h.Sessions(ctx, ada); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
	})
}
