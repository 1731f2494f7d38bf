package signin

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/token"
)

func TestASessionEndsByIdlenessAndByAge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		began := h.clock.Now()
		for h.clock.Now().Sub(began) < 23*time.Hour {
			h.wait(20 * time.Minute)
			must(t, h.Refresh(ctx))
			s := h.check(b.SessionToken)
			if s.Remint == "" {
				t.Fatal("no newer token after a third of the idle time")
			}
			if !s.ExpiresAt.Equal(began.Add(24 * time.Hour)) {
				t.Fatal("a newer token moved the end:", s.ExpiresAt)
			}
			b.SessionToken = s.Remint
		}
		h.wait(time.Hour)
		_, err := h.Check(ctx, b.SessionToken, Look)
		h.want(err, fault.Unauthenticated, "session.over")

		h.enter("ada", b, true)
		h.wait(time.Hour - time.Microsecond)
		if _, err := h.Check(ctx, b.SessionToken, Look); err != nil {
			t.Fatal("over before an idle hour:", err)
		}
		h.wait(time.Microsecond)
		_, err = h.Check(ctx, b.SessionToken, Look)
		h.want(err, fault.Unauthenticated, "session.over")
	})
}

func TestNewTokensAreMintedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		if s := h.check(b.SessionToken); s.Remint != "" {
			t.Fatal("a newer token at once")
		}
		h.wait(15 * time.Minute)
		must(t, h.Refresh(ctx))
		one, two := h.check(b.SessionToken).Remint, h.check(b.SessionToken).Remint
		if one == "" || one != two {
			t.Fatal("a signature for every request")
		}
		h.wait(2 * time.Minute)
		must(t, h.Refresh(ctx))
		if three := h.check(b.SessionToken).Remint; three == one {
			t.Fatal("idle time stands still")
		}
	})
}

func TestSigningOutHereThereAndEverywhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("bob")
		home, office, phone, bob := browser("1"), browser("2"), browser("3"), browser("4")
		for _, c := range []*Client{home, office, phone} {
			h.enter("ada", c, true)
			h.wait(time.Second)
		}
		h.enter("bob", bob, true)
		other := h.replica()
		list, err := h.Sessions(ctx, h.check(home.SessionToken))
		if err != nil || len(list) != 3 || list[2].DeviceName != "Firefox on Linux" || !list[2].Current || list[0].Current || list[0].IP != "192.0.2.7" {
			t.Fatal(list, err)
		}
		// Somebody else's session is like one that does not exist.
		err = h.EndSession(ctx, h.check(bob.SessionToken), list[0].ID)
		h.want(err, fault.NotFound, "session.not-found")
		err = h.EndSession(ctx, h.check(home.SessionToken), "x")
		h.want(err, fault.NotFound, "session.not-found")

		must(t, h.EndSession(ctx, h.check(home.SessionToken), list[0].ID))
		h.over(h.Service, phone)
		h.check(office.SessionToken)
		if _, err := other.Check(ctx, phone.SessionToken, Look); err != nil {
			t.Fatal("a replica knew before it could:", err)
		}
		must(t, other.Refresh(ctx))
		h.over(other, phone)

		must(t, h.SignOut(ctx, h.check(office.SessionToken)))
		h.over(h.Service, office)
		must(t, h.SignOutEverywhere(ctx, h.check(home.SessionToken)))
		h.over(h.Service, home)
		h.check(bob.SessionToken)
		if out := h.enter("ada", office, false); out.Challenge != nil || out.Session == nil {
			t.Fatal("signing out made a device unknown")
		}
		h.over(h.replica(), home) // a process that starts knows what was revoked before
	})
}

func (h *house) over(s *Service, c *Client) {
	h.t.Helper()
	_, err := s.Check(ctx, c.SessionToken, Look)
	h.want(err, fault.Unauthenticated, "session.over")
}

func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		before := *b
		h.enter("ada", b, true)
		h.over(h.Service, &before)
		h.check(b.SessionToken)
	})
}

func TestLastUseIsNoted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		h.wait(7 * time.Minute)
		must(t, h.Refresh(ctx))
		h.check(b.SessionToken)
		h.flushActivity(ctx)
		list, err := h.Sessions(ctx, h.check(b.SessionToken))
		if err != nil || !list[0].LastUsedAt.Equal(h.clock.Now()) {
			t.Fatal(list, err)
		}
	})
}

func TestWhatIsNoSessionIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		for _, tok := range []string{"", "x", b.DeviceToken, b.SessionToken + "x", b.SessionToken[:50], "v4.public.AAAA.AAAA"} {
			_, err := h.Check(ctx, tok, Look)
			h.want(err, fault.Unauthenticated, "session.over")
		}
		swapped := *b
		swapped.DeviceToken = b.SessionToken
		if out, err := h.SignIn(ctx, "ada", right, swapped); err != nil || out.Challenge == nil {
			t.Fatal("a session token passed for a device:", err)
		}
	})
}

// A database that is gone takes nobody's session away, and nobody is told no.
func TestThreeAnswersWithTheDatabaseGone(t *testing.T) {
	clock := dbtest.NewClock()
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, open(t, db.Options{Now: clock.Now}), clock, Config{})
			h.member("ada")
			b, gone := browser("f"), browser("g")
			h.enter("ada", b, true)
			h.enter("ada", gone, true)
			must(t, h.SignOut(ctx, h.check(gone.SessionToken)))
			h.db.Close()

			h.check(b.SessionToken)
			h.wait(6 * time.Second)
			for _, use := range []Use{Pay, Change} {
				_, err := h.Check(ctx, b.SessionToken, use)
				h.want(err, fault.Unavailable, "session.unknown")
			}
			h.wait(15*time.Minute - 6*time.Second)
			s, err := h.Check(ctx, b.SessionToken, Look)
			if err != nil || s.Remint == "" {
				t.Fatal("a good session was lost:", err)
			}
			h.over(h.Service, gone)
			for name, err := range h.everythingElse(s, *b) {
				if !fault.Is(err, fault.Unavailable) {
					t.Errorf("%s: %v, want unavailable", name, err)
				}
			}
			h.wait(time.Second)
			_, err = h.Check(ctx, s.Remint, Look)
			h.want(err, fault.Unavailable, "session.unknown")
			h.wait(2 * time.Hour)
			h.over(h.Service, b) // idle: this is known
		})
	}
}

// everythingElse gives what each call answers.
func (h *house) everythingElse(s Session, c Client) map[string]error {
	_, signIn := h.SignIn(ctx, "ada", right, c)
	_, unknown := h.SignIn(ctx, "nobody", right, c)
	_, code := h.SubmitCode(ctx, db.NewID(), "123456", true, c)
	_, list := h.Sessions(ctx, s)
	_, devices := h.Devices(ctx, s)
	_, stepUp := h.StepUp(ctx, s, Action{Kind: "payment"}, c)
	return map[string]error{
		"sign-in": signIn, "sign-in of nobody": unknown, "code": code, "sessions": list, "devices": devices, "step-up": stepUp,
		"sign-out": h.SignOut(ctx, s), "refresh": h.Refresh(ctx), "rotation": h.RotateKeys(ctx), "password": h.newPassword(s, right, wrong, &c),
	}
}

// After an outage the list is read again before anybody is refused for its age.
func TestAnOldListIsReadAgainForWhoeverNeedsIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		other := h.replica()
		must(t, other.SignOut(ctx, h.check(b.SessionToken)))
		h.wait(10 * time.Second)
		_, err := h.Check(ctx, b.SessionToken, Pay)
		h.want(err, fault.Unauthenticated, "session.over")
	})
}

func TestKeysRotateWithoutASignOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		other := h.replica()
		for range 3 {
			must(t, h.RotateKeys(ctx))
			h.check(b.SessionToken)
			if out, err := h.SignIn(ctx, "ada", right, *b); err != nil || out.Session == nil {
				t.Fatal("a rotation made a device unknown:", err)
			} else if _, err := other.Check(ctx, out.Session.Token, Pay); err != nil {
				t.Fatal("a replica refused a new key:", err)
			} else {
				b.keep(out)
			}
		}
		h.check(b.SessionToken)
		if n := h.number(`SELECT count(*) FROM signing_key WHERE retired_at > 0 AND length(sealed_key) > 0`); n != 0 {
			t.Fatalf("%d retired private keys are still there", n)
		}
		_, err := h.replica().Check(ctx, b.SessionToken, Change)
		must(t, err)
	})
}

func TestTwoFirstProcessesAgreeOnAKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.db.Writer().Exec(`DELETE FROM signing_key`); err != nil {
			t.Fatal(err)
		}
		made := make(chan *Service, 4)
		for range cap(made) {
			go func() {
				s, err := New(h.db, member.New(h.db), h.ns, masterkey.Demo(), h.conf)
				if err != nil {
					t.Error(err)
				}
				made <- s
			}()
		}
		var all []*Service
		for range cap(made) {
			all = append(all, <-made)
		}
		if n := h.number(`SELECT count(*) FROM signing_key`); n != 1 {
			t.Fatalf("%d keys", n)
		}
		tok, err := all[0].ring.Sign(token.Claims{Kind: token.KindSession, ID: "s", Idle: h.clock.Now().Add(time.Hour), Expires: h.clock.Now().Add(time.Hour)})
		must(t, err)
		_, err = all[3].Check(ctx, tok, Change)
		must(t, err)
	})
}

func TestAnotherMasterKeyIsNoticedAtTheStart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		k, err := masterkey.Create(filepath.Join(t.TempDir(), "k"))
		must(t, err)
		if _, err := New(h.db, h.members, h.ns, k, h.conf); err == nil {
			t.Fatal("started with a key that opens nothing")
		}
	})
}

func TestRunKeepsTheListCurrent(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	h := newHouse(t, d, nil, Config{})
	h.member("ada")
	b := browser("f")
	h.enter("ada", b, true)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(run) }()
	other := h.replica()
	must(t, other.SignOut(ctx, h.check(b.SessionToken)))
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := h.Check(ctx, b.SessionToken, Look); fault.Is(err, fault.Unauthenticated) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a sign-out elsewhere was not noticed")
		}
		<-time.After(20 * time.Millisecond)
	}
	stop()
	if err := <-ended; err == nil {
		t.Fatal("Run ended without saying why")
	}
}

func TestPruningKeepsWhatIsNeeded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		_, err := h.SignIn(ctx, "nobody", wrong, *b)
		h.want(err, fault.Unauthenticated, "signin.refused")
		must(t, h.prune(ctx))
		h.check(b.SessionToken)
		if n := h.number(`SELECT count(*) FROM challenge`) + h.number(`SELECT count(*) FROM throttle`); n != 4 {
			t.Fatalf("%d rows of what is young", n)
		}
		h.wait(100 * 24 * time.Hour)
		must(t, h.prune(ctx))
		if n := h.number(`SELECT count(*) FROM challenge`) + h.number(`SELECT count(*) FROM throttle`) + h.number(`SELECT count(*) FROM session`); n != 1 {
			t.Fatalf("%d rows of what is old, not only the count of a name", n)
		}
		if out, err := h.SignIn(ctx, "ada", right, *b); err != nil || out.Session == nil {
			t.Fatal("pruning made a device unknown:", err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	d := dbtest.SQLite(b, db.Options{})
	h := newHouse(b, d, nil, Config{})
	h.member("ada")
	c := browser("f")
	h.enter("ada", c, true)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.Check(ctx, c.SessionToken, Look); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkSignIn is a password sign-in from a known device; compare
// BenchmarkHash for what of it is argon2id alone.
func BenchmarkSignIn(b *testing.B) {
	h := newHouse(b, dbtest.SQLite(b, db.Options{}), nil, Config{Hash: defaultHash()})
	h.member("ada")
	c := browser("f")
	h.enter("ada", c, true)
	c.SessionToken = ""
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := h.SignIn(ctx, "ada", right, *c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := hashPassword(right, defaultHash())
	defer reportCPU(b)()
	for b.Loop() {
		h.matches(right)
	}
}

// processorTime is what this process has used, which other work on the machine
// does not disturb as it does the time by the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU adds the processor time of one operation.
func reportCPU(b *testing.B) func() {
	before := processorTime()
	return func() { b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op") }
}
