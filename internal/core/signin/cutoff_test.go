package signin

import (
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// newPassword changes a password and keeps what comes of it.
func (h *house) newPassword(s Session, old, new string, c *Client) error {
	out, err := h.ChangePassword(ctx, s, old, new, *c)
	c.keep(out)
	return err
}

func TestAPasswordChangeLeavesOneSessionAndThatUnderAnotherToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		home, office := browser("1"), browser("2")
		h.enter("ada", home, true)
		h.enter("ada", office, true)
		copied := *home
		h.wait(time.Minute)
		other := h.replica()
		before := h.check(home.SessionToken)
		must(t, h.newPassword(before, right, "two owls read by starlight", home))
		must(t, other.Refresh(ctx))
		for _, s := range []*Service{h.Service, other, h.replica()} {
			h.over(s, office)
			h.over(s, &copied)
			after, err := s.Check(ctx, home.SessionToken, Change)
			if err != nil || after.ID == before.ID || !after.ProvedAt.Equal(before.ProvedAt) || !after.ExpiresAt.Equal(before.ExpiresAt) {
				t.Fatal(after, err)
			}
		}
	})
}

// A session that is over when the form comes is not brought back to life by it.
func TestAPasswordChangeOfAnEndedSessionChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		s := h.check(b.SessionToken)
		must(t, h.SignOut(ctx, s))
		h.want(h.newPassword(s, right, "two owls read by starlight", b), fault.Unauthenticated, "session.over")
		h.enter("ada", b, true)
	})
}

func TestReportedMisuseEndsEverything(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("bob")
		d, home, thief, bob := newDevice(t), browser("1"), browser("2"), browser("3")
		h.bound("ada", d, home)
		h.enter("ada", thief, true)
		h.enter("bob", bob, true)
		open := browser("4")
		waiting, err := h.SignIn(ctx, "ada", right, *open)
		must(t, err)
		code := h.codeOf(waiting.Challenge.ID)
		h.wait(time.Minute)
		must(t, h.ReportMisuse(ctx, h.check(home.SessionToken), *home))
		for _, c := range []*Client{home, thief} {
			h.over(h.Service, c)
			h.over(h.replica(), c)
		}
		_, err = h.SubmitCode(ctx, waiting.Challenge.ID, code, true, *open)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		for name, c := range map[string]*Client{"with the key": h.with(d, home), "of the thief": thief} {
			c.SessionToken = ""
			if out, err := h.SignIn(ctx, "ada", right, *c); err != nil || out.Challenge == nil {
				t.Fatalf("the device %s is still known: %v", name, err)
			}
		}
		h.check(bob.SessionToken)
		if n := h.number(`SELECT count(*) FROM outbox WHERE entity = 'member-cutoff'`); n != 1 {
			t.Fatalf("%d cut-offs for followers", n)
		}
		if n := h.number(`SELECT count(*) FROM notification WHERE template = 'misuse-reported'`); n != 1 {
			t.Fatalf("the member was told %d times", n)
		}
	})
}

// The cut-off alone, without the sessions' own records, ends what was begun
// before it: a follower may know of sessions that this database has lost.
func TestTheCutOffEndsSessionsThatHaveNoRecord(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM session`)
			return err
		}))
		id := h.check(b.SessionToken).MemberID
		h.wait(time.Second)
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.cutOff(ctx, tx, id, "test") }))
		h.over(h.Service, b)
		h.over(h.replica(), b)
	})
}

// Clocks of processes differ by minutes. A session that was begun by one that is
// ahead does not outlive the cut-off, and whoever signs in after the cut-off
// through one that is behind stays signed in.
func TestTheCutOffHoldsAcrossClocksThatDiffer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b, again := browser("1"), browser("2")
		now := h.clock.Now()
		h.clock.Set(now.Add(5 * time.Minute))
		h.enter("ada", b, true)
		s := h.check(b.SessionToken)
		h.clock.Set(now)
		must(t, h.SignOutEverywhere(ctx, s))
		h.over(h.Service, b)
		h.clock.Set(now.Add(-5 * time.Minute))
		h.enter("ada", again, false)
		h.check(again.SessionToken)
		h.check(again.SessionToken)
	})
}
