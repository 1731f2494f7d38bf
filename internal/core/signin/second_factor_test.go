package signin

import (
	"encoding/base32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// app is a member's authenticator, with a clock of its own.
type app struct {
	secret string
	ahead  time.Duration
}

func (h *house) shows(a app) string {
	h.t.Helper()
	code, err := totp.GenerateCode(a.secret, h.clock.Now().Add(a.ahead))
	must(h.t, err)
	return code
}

// withApp gives a member who is signed in an app, and the browser it was done in.
func (h *house) withApp(name string, ahead time.Duration) (app, *Client) {
	h.t.Helper()
	h.member(name)
	b := browser("set-up")
	h.enter(name, b, false)
	q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
	set, err := h.SetUpAuthenticator(ctx, q)
	must(h.t, err)
	a := app{secret: set.Secret, ahead: ahead}
	must(h.t, h.ConfirmAuthenticator(ctx, q, set.ID, h.shows(a)))
	h.wait(time.Minute)
	return a, b
}

func TestAnAppsCodeSignsInOnceWithoutAMessage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, _ := h.withApp("ada", 0)
		sent := h.number(`SELECT count(*) FROM notification`)
		b := browser("new")
		out, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		if out.Challenge.Channel != WayApp || out.Challenge.SentTo != "" || !slices.Contains(out.Challenge.Ways, "text") {
			t.Fatalf("%+v", out.Challenge)
		}
		if n := h.number(`SELECT count(*) FROM notification`); n != sent {
			t.Fatalf("%d messages were sent", n-sent)
		}
		code := h.shows(a)
		first, err := h.SubmitCode(ctx, out.Challenge.ID, code, false, *b)
		must(t, err)
		again, err := h.SubmitCode(ctx, out.Challenge.ID, code, false, *b)
		if err != nil || again.Session.ID != first.Session.ID {
			t.Fatal("the same code in the same flow:", again, err)
		}
		s := h.check(first.Session.Token)
		if !slices.Equal(s.Methods, []string{byPassword, byCode}) || s.ProvedAt.IsZero() {
			t.Fatalf("%+v", s)
		}

		other, err := h.SignIn(ctx, "ada", right, *browser("other"))
		must(t, err)
		_, err = h.SubmitCode(ctx, other.Challenge.ID, code, false, *browser("other"))
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
		h.wait(30 * time.Second)
		_, err = h.SubmitCode(ctx, other.Challenge.ID, h.shows(a), false, *browser("other"))
		must(t, err)
	})
}

// A code that was never sent is nobody's answer, however it was guessed.
func TestACodeThatWasNotSentDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.withApp("ada", 0)
		b := browser("new")
		out, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		_, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), false, *b)
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
		_, err = h.Resend(ctx, out.Challenge.ID, "text", *b)
		must(t, err)
		_, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), false, *b)
		must(t, err)
	})
}

// A telephone whose clock is minutes off works, as it did when it was set up.
func TestAnAppsClockMayBeOff(t *testing.T) {
	for _, ahead := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		each(t, func(t *testing.T, h *house) {
			a, _ := h.withApp("ada", ahead)
			for _, more := range []time.Duration{0, 30 * time.Second, -30 * time.Second} { // it goes on drifting
				h.wait(2 * time.Minute)
				a.ahead += more
				b := browser(more.String())
				out, err := h.SignIn(ctx, "ada", right, *b)
				must(t, err)
				_, err = h.SubmitCode(ctx, out.Challenge.ID, h.shows(a), false, *b)
				must(t, err)
			}
			h.wait(time.Minute)
			a.ahead += 2 * time.Minute
			b := browser("jumped")
			out, err := h.SignIn(ctx, "ada", right, *b)
			must(t, err)
			_, err = h.SubmitCode(ctx, out.Challenge.ID, h.shows(a), false, *b)
			h.want(err, fault.Unauthenticated, "signin.code-wrong")
		})
	}
}

func TestSettingUpAnAppNeedsAProofAndItsFirstCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		h.wait(11 * time.Minute)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		_, err := h.SetUpAuthenticator(ctx, q)
		h.want(err, fault.Forbidden, "step-up-required")
		ch := fault.As(err).Extra["challenge"].(Challenge)
		q.Proof, err = h.Prove(ctx, q.Session, ch.ID, h.codeOf(ch.ID))
		must(t, err)
		set, err := h.SetUpAuthenticator(ctx, q)
		must(t, err)
		q.Session = h.check(b.SessionToken)
		h.want(h.ConfirmAuthenticator(ctx, q, set.ID, "000000"), fault.Invalid, "invalid")
		if info, err := h.Authenticator(ctx, q.Session); info != nil || err != nil {
			t.Fatal("it counts before its first code", info, err)
		}
		h.wait(16 * time.Minute)
		h.enter("ada", b, true)
		h.want(h.ConfirmAuthenticator(ctx, ChangeRequest{Session: fresh(h.check(b.SessionToken), h.clock.Now()), Client: *b}, set.ID, h.shows(app{secret: set.Secret})), fault.NotFound, "authenticator.not-found")
	})
}

// fresh is a session whose member has just given a code.
func fresh(s Session, now time.Time) Session {
	s.ProvedAt = now
	return s
}

func TestSomebodyElsesAppIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.withApp("ada", 0)
		mine, err := h.Authenticator(ctx, h.check(b.SessionToken))
		must(t, err)
		h.member("eve")
		e := browser("eve")
		h.enter("eve", e, false)
		q := ChangeRequest{Session: h.check(e.SessionToken), Client: *e}
		for _, id := range []string{mine.ID, db.NewID(), "x"} {
			h.want(h.RemoveAuthenticator(ctx, q, id), fault.NotFound, "authenticator.not-found")
			h.want(h.ConfirmAuthenticator(ctx, q, id, h.shows(a)), fault.NotFound, "authenticator.not-found")
		}
		q = ChangeRequest{Session: fresh(h.check(b.SessionToken), h.clock.Now()), Client: *b}
		must(t, h.RemoveAuthenticator(ctx, q, mine.ID))
		out, err := h.SignIn(ctx, "ada", right, *browser("new"))
		if err != nil || out.Challenge.Channel != "text" {
			t.Fatal(out, err)
		}
		h.wait(time.Minute)
		_, err = h.SubmitCode(ctx, out.Challenge.ID, h.shows(a), false, *browser("new"))
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
	})
}

// What allows a payment is bound to its amount and payee; an app's code is not.
func TestAnAppsCodeAllowsNoPayment(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.withApp("ada", 0)
		s := h.check(b.SessionToken)
		c, err := h.StepUp(ctx, s, payment("700.00", "City Card"), *b)
		must(t, err)
		if slices.Contains(c.Ways, WayApp) || c.Channel != "text" {
			t.Fatalf("%+v", c)
		}
		_, err = h.Prove(ctx, s, c.ID, h.shows(a))
		h.want(err, fault.Forbidden, "step-up.code-wrong")
	})
}

func TestRecoveryCodesCountOnceEach(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, false)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		old, err := h.MakeRecoveryCodes(ctx, q)
		must(t, err)
		codes, err := h.MakeRecoveryCodes(ctx, q)
		must(t, err)
		if len(codes) != recoveryCodes || slices.Contains(codes, old[0]) {
			t.Fatal(codes)
		}
		by := func(flow, code string) (Outcome, error) {
			c := browser(flow)
			out, err := h.SignIn(ctx, "ada", right, *c)
			must(t, err)
			return h.SubmitCode(ctx, out.Challenge.ID, code, false, *c)
		}
		_, err = by("old", old[0])
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
		out, err := by("new", strings.ReplaceAll(codes[0], " ", "-"))
		must(t, err)
		if s := h.check(out.Session.Token); !slices.Equal(s.Methods, []string{byPassword, byRecovery}) {
			t.Fatalf("%+v", s)
		}
		_, err = by("used", codes[0])
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
		if info, err := h.RecoveryCodes(ctx, q.Session); err != nil || info.Left != recoveryCodes-1 {
			t.Fatal(info, err)
		}
		h.member("eve")
		e := browser("eve")
		got, err := h.SignIn(ctx, "eve", right, *e)
		must(t, err)
		_, err = h.SubmitCode(ctx, got.Challenge.ID, codes[1], false, *e)
		h.want(err, fault.Unauthenticated, "signin.code-wrong")
	})
}

// The table of codes and secrets tells nobody one.
func TestSecondFactorsAreSealed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.withApp("ada", 0)
		codes, err := h.MakeRecoveryCodes(ctx, ChangeRequest{Session: fresh(h.check(b.SessionToken), h.clock.Now()), Client: *b})
		must(t, err)
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.secret)
		must(t, err)
		for _, table := range []string{"authenticator", "recovery_code", "audit", "outbox", "notification", "challenge"} {
			text := h.dump(table)
			for _, v := range []string{a.secret, string(secret), codes[0], strings.ReplaceAll(codes[0], " ", "")} {
				if strings.Contains(text, v) {
					t.Errorf("table %s shows a secret", table)
				}
			}
		}
	})
}

func TestDigitsAreGrouped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "n")
		d := randomDigits(n)
		if len(d) != n || strings.Trim(d, "0123456789") != "" || strings.ReplaceAll(InFours(d), " ", "") != d {
			t.Fatal(d)
		}
	})
}
