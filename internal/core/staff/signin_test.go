package staff

import (
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/passkey"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

func TestTheFirstLinkMakesTheFirstOperatorOnce(t *testing.T) {
	each(t, func(h *house) {
		link, err := h.FirstLink(ctx)
		h.must(err)
		second, err := h.FirstLink(ctx) // another process, or another start
		h.must(err)
		if !strings.HasPrefix(link, origin+"/set-up/") || link == second {
			t.Fatal(link, second)
		}
		if n := h.number(`SELECT count(*) FROM staff_person`); n != 1 {
			t.Fatalf("%d people", n)
		}
		w, err := h.setUp(link, "  Olga   Operator ")
		h.must(err)
		if p := h.session(w).Person; p.Name != "Olga Operator" || p.Role != Operator || p.Standing(h.clock.Now()) != Active {
			t.Fatalf("%+v", p)
		}
		for _, l := range []string{link, second} {
			_, err := h.setUp(l, "Mallory")
			h.want(err, "staff.link-over")
		}
		if link, err := h.FirstLink(ctx); err != nil || link != "" {
			t.Fatal(link, err)
		}
		if n := h.number(`SELECT count(*) FROM audit WHERE action IN ('staff.relink', 'staff.set-up') AND outcome = 'ok'`); n != 3 {
			t.Fatalf("%d entries in the audit log", n)
		}
	})
}

func TestALinkThatIsNotOneOpensNothing(t *testing.T) {
	each(t, func(h *house) {
		link, err := h.FirstLink(ctx)
		h.must(err)
		good := ticketOf(link)
		for _, l := range []string{"", ".", good[:len(good)-1], good + "A", strings.ToLower(good), newTicket().String(), good[:36] + "." + newTicket().secret, strings.Repeat("A", 4000)} {
			_, err := h.BeginSetUp(ctx, l, here)
			h.want(err, "staff.link-over")
		}
		h.clock.Advance(LinkFor)
		_, err = h.BeginSetUp(ctx, good, here)
		h.want(err, "staff.link-over")
	})
}

// Two who have the same link at the same time: one of them gets in.
func TestALinkIsUsedOnceEvenAtOnce(t *testing.T) {
	each(t, func(h *house) {
		link, err := h.FirstLink(ctx)
		h.must(err)
		var uses []SetUp
		for range 4 {
			d, err := h.BeginSetUp(ctx, ticketOf(link), here)
			h.must(err)
			key := &softkey.Authenticator{}
			answer, err := key.Create(d.Prompt.Options, origin)
			h.must(err)
			uses = append(uses, SetUp{Link: ticketOf(link), Name: "Olga", PasskeyName: "Key", State: d.Prompt.State, Answer: answer})
		}
		errs := atOnce(len(uses), func(i int) error {
			_, err := h.FinishSetUp(ctx, uses[i], here)
			return err
		})
		if good := count(errs, nil); good != 1 {
			t.Fatalf("%d got in: %v", good, errs)
		}
		if n := h.number(`SELECT count(*) FROM passkey`); n != 1 {
			t.Fatalf("%d passkeys", n)
		}
	})
}

func atOnce(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errs
}

func count(errs []error, want *fault.Error) (n int) {
	for _, err := range errs {
		if err == nil && want == nil || err != nil && want != nil && fault.As(err).Code == want.Code {
			n++
		}
	}
	return n
}

func TestASessionEndsAfterRestAndAfterTwelveHours(t *testing.T) {
	each(t, func(h *house) {
		w := h.operator()
		for range int(SessionMax/(14*time.Minute)) - 1 {
			h.clock.Advance(14 * time.Minute)
			h.session(w)
		}
		h.clock.Advance(14 * time.Minute)
		h.session(w)
		h.clock.Advance(14 * time.Minute) // busy all the time, and over twelve hours old
		_, err := h.Check(ctx, w.token)
		h.want(err, "staff.session-over")

		w.token, err = h.signIn(w)
		h.must(err)
		h.clock.Advance(Idle - time.Microsecond)
		h.session(w)
		h.clock.Advance(Idle)
		_, err = h.Check(ctx, w.token)
		h.want(err, "staff.session-over")
	})
}

func TestTokensThatAreNotOursAreNoSession(t *testing.T) {
	each(t, func(h *house) {
		w := h.operator()
		for _, tok := range []string{"", w.token[:len(w.token)-1], w.token + "x", strings.ToLower(w.token), newTicket().String(), "v4.public.AAAA", strings.Repeat("9", 5000)} {
			_, err := h.Check(ctx, tok)
			h.want(err, "staff.session-over")
		}
		h.must(h.SignOut(ctx, w.token, here))
		_, err := h.Check(ctx, w.token)
		h.want(err, "staff.session-over")
		h.must(h.SignOut(ctx, w.token, here))
	})
}

func TestTenWrongTriesLockForHalfAnHour(t *testing.T) {
	each(t, func(h *house) {
		w := h.operator()
		for range MaxFailed - 1 {
			h.want(h.wrong(w), "passkey.refused")
		}
		_, err := h.signIn(w) // a right one begins the count anew
		h.must(err)
		for range MaxFailed {
			h.want(h.wrong(w), "passkey.refused")
		}
		_, err = h.signIn(w)
		h.want(err, "staff.locked")
		h.session(w) // a lock stops guesses, not who is in
		h.clock.Advance(LockFor - time.Microsecond)
		h.want(h.wrong(w), "passkey.refused") // lengthens nothing
		_, err = h.signIn(w)
		h.want(err, "staff.locked")
		h.clock.Advance(time.Microsecond)
		_, err = h.signIn(w)
		h.must(err)
	})
}

func TestTriesAtOnceAreCountedExactly(t *testing.T) {
	for _, c := range []struct {
		tries  int
		locked bool
	}{{MaxFailed - 1, false}, {MaxFailed, true}, {MaxFailed + 6, true}} {
		each(t, func(h *house) {
			w := h.operator()
			errs := atOnce(c.tries, func(int) error { return h.wrong(w) })
			if n := count(errs, &fault.Error{Code: "passkey.refused"}); n != c.tries {
				t.Fatal(errs)
			}
			_, err := h.signIn(w)
			if got := fault.As(err) != nil && fault.As(err).Code == "staff.locked"; got != c.locked {
				t.Fatalf("after %d tries: %v", c.tries, err)
			}
			want := 0
			if c.locked {
				want = 1
			}
			if n := h.number(`SELECT count(*) FROM audit WHERE action = 'staff.lock'`); n != want {
				t.Fatalf("%d locks", n)
			}
			if n := h.number(`SELECT count(*) FROM audit WHERE action = 'staff.sign-in' AND outcome = 'refused'`); n != c.tries+want {
				t.Fatalf("%d refusals kept of %d tries", n, c.tries)
			}
		})
	}
}

// An answer that was seen on the wire is worth nothing, and counts as a try.
func TestAnAnswerCountsOnce(t *testing.T) {
	each(t, func(h *house) {
		w := h.operator()
		state, answer := h.answer(w)
		_, err := h.SignIn(ctx, state, answer, here)
		h.must(err)
		_, err = h.SignIn(ctx, state, answer, here)
		h.want(err, "passkey.over")
		_, err = h.SignIn(ctx, state, answer, Client{Flow: "another"})
		h.want(err, "passkey.over")
		if n := h.number(`SELECT failed FROM staff_person WHERE id = $1`, w.id); n != 1 {
			t.Fatalf("%d failed tries", n)
		}
	})
}

// A member's passkey under the same host name opens nothing here.
func TestAMembersPasskeySignsNoStaffIn(t *testing.T) {
	each(t, func(h *house) {
		h.operator()
		members, err := passkey.New(h.db, masterkey.Demo(), passkey.Config{Kind: passkey.Member, RPID: "staff.bank.example", Origins: []string{origin}, DisplayName: "Bank"})
		h.must(err)
		m := worker{id: db.NewID(), key: &softkey.Authenticator{}}
		p, err := members.BeginRegistration(ctx, passkey.Owner{ID: m.id, Name: "ada", DisplayName: "Ada"}, here.Flow)
		h.must(err)
		answer, err := m.key.Create(p.Options, origin)
		h.must(err)
		n, err := members.VerifyRegistration(ctx, m.id, "Key", p.State, here.Flow, answer)
		h.must(err)
		h.must(h.db.WithTx(ctx, func(tx *db.Tx) error { _, err := members.Add(ctx, tx, n, ""); return err }))
		_, err = h.signIn(m)
		h.want(err, "passkey.refused")
	})
}
