package signin

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/fault"
)

func TestAKnownDeviceIsNeverAsked(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		device := h.check(b.SessionToken).DeviceID
		for i := range 30 {
			out, err := h.SignIn(ctx, "Ada", right, *b)
			must(t, err)
			if out.Session == nil || out.Challenge != nil {
				t.Fatalf("asked at time %d", i)
			}
			b.keep(out)
			if s := h.check(b.SessionToken); s.DeviceID != device || !s.ProvedAt.IsZero() {
				t.Fatal("another device, or a proof that nobody gave:", s)
			}
			h.wait(5 * 24 * time.Hour)
		}
		if n := h.number(`SELECT count(*) FROM challenge`); n != 1 {
			t.Fatalf("%d codes", n)
		}
	})
}

func TestADeviceThatIsNotTrustedIsAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		if out := h.enter("ada", b, false); out.DeviceToken != "" {
			t.Fatal("a browser that is not to be remembered got an identity")
		}
		out, err := h.SignIn(ctx, "ada", right, *b)
		if err != nil || out.Challenge == nil {
			t.Fatal(out, err)
		}
	})
}

func TestTrustEndsAfterItsTime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		h.wait(180*24*time.Hour - time.Minute)
		if out, err := h.SignIn(ctx, "ada", right, *b); err != nil || out.Session == nil {
			t.Fatal("asked a minute too early:", err)
		}
		h.wait(time.Minute)
		out, err := h.SignIn(ctx, "ada", right, *b)
		if err != nil || out.Challenge == nil {
			t.Fatal("not asked after 180 days:", err)
		}
		h.enter("ada", b, true)
		h.wait(time.Hour)
		if out, err := h.SignIn(ctx, "ada", right, *b); err != nil || out.Session == nil {
			t.Fatal("trust was not renewed:", err)
		}
	})
}

func TestACodeCountsOnceAndIsRepeatedOnlyInItsFlow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		id, code := asked.Challenge.ID, h.codeOf(asked.Challenge.ID)
		elsewhere, nowhere := browser("other"), browser("")
		for _, c := range []*Client{elsewhere, nowhere} {
			_, err = h.SubmitCode(ctx, id, code, true, *c)
			h.want(err, fault.Unauthenticated, "signin.code-over")
		}
		first, err := h.SubmitCode(ctx, id, " "+code[:3]+" "+code[3:]+"\t", true, *b)
		must(t, err)
		h.wait(2 * time.Minute)
		again, err := h.SubmitCode(ctx, id, code, true, *b)
		must(t, err)
		if again.Session.ID != first.Session.ID || !again.Session.ExpiresAt.Equal(first.Session.ExpiresAt) {
			t.Fatal("another session for the same code")
		}
		if a, b := h.deviceOf(first.DeviceToken), h.deviceOf(again.DeviceToken); a != b || a == "" {
			t.Fatal("another device for the same code:", a, b)
		}
		h.check(again.Session.Token)
		for _, c := range []*Client{elsewhere, nowhere} {
			_, err = h.SubmitCode(ctx, id, code, true, *c)
			h.want(err, fault.Unauthenticated, "signin.code-over")
		}
		h.wait(time.Microsecond)
		_, err = h.SubmitCode(ctx, id, code, true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		if n := h.number(`SELECT count(*) FROM session`); n != 1 {
			t.Fatalf("%d sessions", n)
		}
	})
}

func (h *house) deviceOf(tok string) string {
	id, _, err := h.device(ctx, tok)
	must(h.t, err)
	return id
}

// Without a flow's name nothing tells a repetition from a thief.
func TestWithoutAFlowACodeCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("")
		one, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		two, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		if one.Challenge.ID == two.Challenge.ID {
			t.Fatal("two attempts without a name were taken for one")
		}
		code := h.codeOf(two.Challenge.ID)
		_, err = h.SubmitCode(ctx, two.Challenge.ID, code, false, *b)
		must(t, err)
		_, err = h.SubmitCode(ctx, two.Challenge.ID, code, false, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
	})
}

func TestARepeatedCodeGivesNoSessionThatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		code := h.codeOf(asked.Challenge.ID)
		out, err := h.SubmitCode(ctx, asked.Challenge.ID, code, true, *b)
		must(t, err)
		must(t, h.SignOut(ctx, h.check(out.Session.Token)))
		_, err = h.SubmitCode(ctx, asked.Challenge.ID, code, true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
	})
}

func TestOneFlowGetsOneChallengeAndOneMessage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		var ids sync.Map
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				out, err := h.SignIn(ctx, "ada", right, *browser("f"))
				if err != nil {
					t.Error(err)
					return
				}
				ids.Store(out.Challenge.ID, true)
			})
		}
		wg.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Fatalf("%d challenges for one flow", n)
		}
		must(t, h.jobs.Drain(ctx))
		if len(h.box.mail) != 1 {
			t.Fatalf("%d messages for one flow", len(h.box.mail))
		}
		m := h.box.mail[0]
		ids.Range(func(id, _ any) bool {
			if m.Code != h.codeOf(id.(string)) || m.To != "+12025550142" {
				t.Fatal(m)
			}
			return true
		})
	})
}

func TestADoubleClickGivesOneSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		code := h.codeOf(asked.Challenge.ID)
		var mu sync.Mutex
		ids := map[string]bool{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				out, err := h.SubmitCode(ctx, asked.Challenge.ID, code, true, *b)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ids[out.Session.ID] = true
			})
		}
		wg.Wait()
		if len(ids) != 1 || h.number(`SELECT count(*) FROM session`) != 1 {
			t.Fatalf("sessions %v", ids)
		}
	})
}

func TestWrongCodesAreCountedExactly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		id, bad := asked.Challenge.ID, h.badCode(asked.Challenge.ID)
		left := make(chan int, 12)
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				_, err := h.SubmitCode(ctx, id, bad, true, *b)
				n := 0
				if e := fault.As(err); e.Code == "signin.code-wrong" {
					n = e.Extra["tries_left"].(int)
				}
				left <- n
			})
		}
		wg.Wait()
		close(left)
		seen := map[int]int{}
		for n := range left {
			seen[n]++
		}
		if want := map[int]int{4: 1, 3: 1, 2: 1, 1: 1, 0: 8}; !reflect.DeepEqual(seen, want) {
			t.Fatalf("tries left %v, want %v", seen, want)
		}
		_, err = h.SubmitCode(ctx, id, h.codeOf(id), true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		_, err = h.SignIn(ctx, "ada", right, *b)
		h.want(err, fault.TooMany, "signin.too-many")
		h.wait(fault.As(err).RetryAfter)
		h.enter("ada", b, true)
	})
}

func TestWhatCannotBeACodeCostsNoTry(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		for _, typed := range []string{"", "12345", "1234567", "12345a", "１２３４５６", strings.Repeat("1", 1000), "';--"} {
			_, err := h.SubmitCode(ctx, asked.Challenge.ID, typed, true, *b)
			h.want(err, fault.Invalid, "invalid")
		}
		for _, id := range []string{"", "x", "019cada2-6c00-7000-8000-2d5f3ab0c001", "' OR 1=1"} {
			_, err := h.SubmitCode(ctx, id, "123456", true, *b)
			h.want(err, fault.Unauthenticated, "signin.code-over")
		}
		c, err := h.Challenge(ctx, asked.Challenge.ID, *b)
		if err != nil || c.TriesLeft != 5 || c.SentTo != "••• 0142" || c.Channel != "text" {
			t.Fatal(c, err)
		}
		_, err = h.Challenge(ctx, asked.Challenge.ID, *browser("other"))
		h.want(err, fault.Unauthenticated, "signin.code-over")
	})
}

func TestCodesEndAfterTenMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		h.wait(10 * time.Minute)
		_, err = h.SubmitCode(ctx, asked.Challenge.ID, h.codeOf(asked.Challenge.ID), true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		again, err := h.SignIn(ctx, "ada", right, *b)
		if err != nil || again.Challenge.ID == asked.Challenge.ID {
			t.Fatal(again, err)
		}
	})
}

func TestResendRepeatsTheCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		_, err = h.Resend(ctx, asked.Challenge.ID, "", *b)
		h.want(err, fault.TooMany, "signin.too-many")
		h.wait(30 * time.Second)
		_, err = h.Resend(ctx, asked.Challenge.ID, "", *browser("other"))
		h.want(err, fault.Unauthenticated, "signin.code-over")
		_, err = h.Resend(ctx, asked.Challenge.ID, "voice", *b)
		h.want(err, fault.Invalid, "invalid")
		c, err := h.Resend(ctx, asked.Challenge.ID, "email", *b)
		if err != nil || c.Channel != "email" || c.SentTo != "a•••@example.org" {
			t.Fatal(c, err)
		}
		must(t, h.jobs.Drain(ctx))
		if m := h.box.mail; len(m) != 2 || m[0].Code != m[1].Code {
			t.Fatal(m)
		}
		for i := 2; i < maxSends; i++ {
			h.wait(30 * time.Second)
			_, err = h.Resend(ctx, asked.Challenge.ID, "", *b)
			must(t, err)
		}
		h.wait(30 * time.Second)
		_, err = h.Resend(ctx, asked.Challenge.ID, "", *b)
		h.want(err, fault.TooMany, "signin.too-many")
	})
}

func TestTheAnswerNeverTellsWhichPartWasWrong(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		for i := range 12 { // past the point where attempts are slowed down
			_, known := h.SignIn(ctx, "ada", wrong, Client{IP: "192.0.2.1"})
			_, unknown := h.SignIn(ctx, "nobody", wrong, Client{IP: "192.0.2.2"})
			a, b := fault.As(known), fault.As(unknown)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("attempt %d: %#v and %#v", i, a, b)
			}
		}
	})
}

// The work for a name that does not exist is that of a wrong password.
func TestAnUnknownNameCostsAHash(t *testing.T) {
	p := newPool(HashParams{MemoryKiB: 8 * 1024, Passes: 1, Parallelism: 1}, 1, 1, nil)
	h := hashPassword(right, p.params)
	cost := func(h verifier) time.Duration {
		least := time.Hour
		for range 8 {
			before := processorTime()
			if ok, err := p.matches(ctx, h, ""); ok || err != nil {
				t.Fatal(ok, err)
			}
			least = min(least, processorTime()-before)
		}
		return least
	}
	if known, unknown := cost(h), cost(nil); unknown < known/3 || known < unknown/3 {
		t.Fatalf("%v for a member, %v for nobody", known, unknown)
	}
}

func TestGuessesAreSlowedDownAndCountedExactly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		var mu sync.Mutex
		codes := map[string]int{}
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				_, err := h.SignIn(ctx, "ada", fmt.Sprint(wrong, i), Client{IP: fmt.Sprint("192.0.2.", i)})
				mu.Lock()
				defer mu.Unlock()
				codes[fault.As(err).Code]++
			})
		}
		wg.Wait()
		if want := map[string]int{"signin.refused": 5, "signin.too-many": 25}; !reflect.DeepEqual(codes, want) {
			t.Fatal(codes)
		}
		// While it is slowed down, even the right password learns nothing.
		_, err := h.SignIn(ctx, "ada", right, *browser("f"))
		h.want(err, fault.TooMany, "signin.too-many")
		h.wait(fault.As(err).RetryAfter)
		out, err := h.SignIn(ctx, "ada", right, *browser("f"))
		if err != nil || out.Challenge == nil {
			t.Fatal(err)
		}
	})
}

// Strangers may use up what strangers have; the member's own devices keep theirs.
func TestStrangersNeverShutOutAKnownDevice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		guesses := 0
		for ; guesses < 200; guesses++ {
			_, err := h.SignIn(ctx, "ada", wrong, Client{IP: "198.51.100.1"})
			if e := fault.As(err); e.Kind == fault.TooMany && e.RetryAfter >= 24*time.Hour {
				break
			} else if e.Kind == fault.TooMany {
				h.wait(e.RetryAfter)
				guesses--
			}
		}
		if guesses != 80 {
			t.Fatalf("strangers had %d guesses", guesses)
		}
		for i := range 19 {
			_, err := h.SignIn(ctx, "ada", wrong, *b)
			if fault.Is(err, fault.TooMany) {
				h.wait(fault.As(err).RetryAfter)
				_, err = h.SignIn(ctx, "ada", wrong, *b)
			}
			h.want(err, fault.Unauthenticated, "signin.refused")
			_ = i
		}
		h.wait(5 * time.Minute)
		out, err := h.SignIn(ctx, "ada", right, *b)
		if err != nil || out.Session == nil {
			t.Fatal("a known device was shut out:", err)
		}
		if n := h.number(`SELECT count(*) FROM throttle WHERE member_id = $1`, m.ID); n != 0 {
			t.Fatalf("%d counts after a right password", n)
		}
	})
}

func TestNoMoreThanAHundredFailuresInARow(t *testing.T) {
	if n := perName().total + perKnown().total; n != 100 {
		t.Fatalf("%d failures in a row are possible (SP 800-63B-4: 100)", n)
	}
	if n := perDead().total * 5; n > 100 {
		t.Fatalf("%d wrong codes in a row are possible", n)
	}
}

func TestAnAddressIsSlowedDownWhateverNamesItTries(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		for i := range 100 {
			_, err := h.SignIn(ctx, fmt.Sprint("name", i), wrong, Client{IP: "2001:db8::1"})
			h.want(err, fault.Unauthenticated, "signin.refused")
		}
		_, err := h.SignIn(ctx, "ada", right, Client{IP: "2001:db8::beef"})
		h.want(err, fault.TooMany, "signin.too-many")
		if out, err := h.SignIn(ctx, "ada", right, Client{IP: "2001:db8:1::1"}); err != nil || out.Challenge == nil {
			t.Fatal("another network was slowed down:", err)
		}
	})
}

func TestTheFieldsHaveLimits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		long := strings.Repeat("x", 300)
		for _, c := range [][2]string{{"", right}, {"ada", ""}, {long, right}, {"ada", long}, {"a\xffa", right}, {"ada", "\xff"}} {
			_, err := h.SignIn(ctx, c[0], c[1], Client{})
			h.want(err, fault.Invalid, "invalid")
		}
	})
}

func TestAFullHouseSaysWhenToComeBack(t *testing.T) {
	p := newPool(cheap(), 1, 1, nil)
	for range p.room() {
		if _, err := p.enter(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.enter()
	if e := fault.As(err); e.Kind != fault.Unavailable || e.RetryAfter <= 0 {
		t.Fatal("let into a full house:", err)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	<-p.idle // the only one is at work
	if _, err := p.hash(short, "x"); err == nil || !errors.Is(err, short.Err()) {
		t.Fatal(err)
	}
}
