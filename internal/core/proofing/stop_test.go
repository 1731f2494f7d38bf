package proofing

import (
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
)

// approved brings a claim of mira's as far as the password, with a new e-mail
// address, and gives the token of the notice.
func (h *house) approved() (claim signin.AssistedClaim, token string) {
	h.Helper()
	h.member("mira")
	agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
	claim = h.asks("mira")
	c := content(claim.Reference)
	c.Email = "new@example.org"
	id, err := h.submit(agent, c)
	h.must(err)
	h.must(h.approve(boss, id))
	h.drain()
	_, token, _ = strings.Cut(h.box.to(phone)[0].Text, "https://bank.example/stop/")
	return claim, strings.Fields(token)[0]
}

// Looking changes nothing: mail programs open links. Before the password was set,
// the link ends the request; the login is as it was.
func TestTheLinkStopsBeforeThePassword(t *testing.T) {
	each(t, func(h *house) {
		claim, token := h.approved()
		for range 2 {
			if can, err := h.in.AssistedByLink(ctx, token); err != nil || can != signin.StopOpen {
				t.Fatal(can, err)
			}
		}
		for _, forged := range []string{token[1:], token + "A", strings.ToUpper(token), "", "x"} {
			_, err := h.in.StopAssisted(ctx, forged, browser("m"))
			h.want(err, "assisted.no-link")
		}
		if _, err := h.in.StopAssisted(ctx, token, browser("m")); err != nil {
			t.Fatal(err)
		}
		h.want(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")), "claim.over")
		if did, err := h.in.StopAssisted(ctx, token, browser("m")); err != nil || did != signin.StopDone {
			t.Fatal(did, err)
		}
		if !h.signsIn("mira", old) || h.signsIn("mira", fresh) {
			t.Error("the login is not as it was")
		}
		h.drain()
		n := 0
		for _, m := range h.box.to(phone) {
			if m.Code == "" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d notices, want that of the approval and one of the stop", n)
		}
	})
}

// Afterwards, for a day, it puts out whoever was let in.
func TestTheLinkPutsOutWhoWasLetIn(t *testing.T) {
	each(t, func(h *house) {
		claim, token := h.approved()
		h.must(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")))
		h.clock.Advance(24*time.Hour - time.Microsecond)
		if did, err := h.in.StopAssisted(ctx, token, browser("m")); err != nil || did != signin.StopUndo {
			t.Fatal(did, err)
		}
		if h.signsIn("mira", fresh) || h.signsIn("mira", old) {
			t.Error("a password opens the account")
		}
		if n := h.number(`SELECT count(*) FROM member WHERE email = 'mira@example.org' AND phone = $1`, phone); n != 1 {
			t.Error("the contacts are not what they were")
		}
		if n := h.number(`SELECT count(*) FROM session WHERE ended_at = 0`); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestTheLinkEndsWithTheCaution(t *testing.T) {
	each(t, func(h *house) {
		claim, token := h.approved()
		h.must(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")))
		h.clock.Advance(24 * time.Hour)
		if did, err := h.in.StopAssisted(ctx, token, browser("m")); err != nil || did != signin.StopOver {
			t.Fatal(did, err)
		}
		if !h.signsIn("mira", fresh) {
			t.Error("it was stopped all the same")
		}
	})
}

// Stopped and completed at once: whichever came first, in the end nobody is in.
func TestStopAndPasswordAtOnce(t *testing.T) {
	each(t, func(h *house) {
		claim, token := h.approved()
		var wg sync.WaitGroup
		var set, stop error
		wg.Go(func() { set = h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")) })
		wg.Go(func() { _, stop = h.in.StopAssisted(ctx, token, browser("m")) })
		wg.Wait()
		h.must(stop)
		if set != nil {
			h.want(set, "claim.over")
		}
		if h.signsIn("mira", fresh) {
			t.Error("who was stopped is in")
		}
	})
}

// Only what was said to be lost ends.
func TestOnlyWhatIsLostEnds(t *testing.T) {
	for _, lost := range []string{"", signin.LostCodes} {
		each(t, func(h *house) {
			m := h.member("mira")
			agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
			h.codes(m.ID)
			claim := h.asks("mira")
			c := content(claim.Reference)
			c.Lost = strings.Fields(lost)
			id, err := h.submit(agent, c)
			h.must(err)
			h.must(h.approve(boss, id))
			if n := h.number(`SELECT count(*) FROM recovery_code`); n != 3 {
				t.Fatal("a factor ended at the approval")
			}
			h.must(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")))
			want := map[string]int{"": 3, signin.LostCodes: 0}[lost]
			if n := h.number(`SELECT count(*) FROM recovery_code`); n != want {
				t.Errorf("%q: %d recovery codes, want %d", lost, n, want)
			}
		})
	}
}
