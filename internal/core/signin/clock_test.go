package signin

import (
	"testing"
	"time"

	"standfast/internal/fault"
)

// The clocks of two processes may differ by five minutes, and one may be set
// right while somebody signs in. Nobody is signed out by it or asked for a code,
// and what has ended stays ended everywhere.
func TestClocksMayDifferAndJump(t *testing.T) {
	for _, by := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		each(t, func(t *testing.T, h *house) {
			h.member("ada")
			other := h.replica()
			b := browser("f")
			out, err := h.SignIn(ctx, "ada", right, *b)
			must(t, err)
			h.wait(by)
			out, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), true, *b)
			must(t, err)
			b.keep(out)
			h.check(b.SessionToken)
			h.wait(-by)
			h.check(b.SessionToken)
			if _, err := other.Check(ctx, b.SessionToken, Look); err != nil {
				t.Fatal("another process:", err)
			}
			again, err := h.SignIn(ctx, "ada", right, *b)
			if err != nil || again.Session == nil {
				t.Fatal("a known device was asked", err)
			}
			b.keep(again)

			must(t, other.Refresh(ctx))
			h.wait(by)
			must(t, h.SignOut(ctx, h.check(b.SessionToken)))
			h.wait(-by)
			must(t, other.Refresh(ctx))
			_, err = other.Check(ctx, b.SessionToken, Look)
			h.want(err, fault.Unauthenticated, "session.over")
		})
	}
}
