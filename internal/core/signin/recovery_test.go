package signin

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const renewed = "a heron waits for the tide"

// began begins a recovery and has its first code sent.
func (h *house) began(name string, b *Client) Claim {
	h.t.Helper()
	must(h.t, h.jobs.Drain(ctx)) // messages of before come before
	c, err := h.BeginRecovery(ctx, name, true, *b)
	must(h.t, err)
	must(h.t, h.jobs.Drain(ctx))
	return c
}

// recovers answers a recovery and gives it as it stands then.
func (h *house) recovers(id, code string, b *Client) Claim {
	h.t.Helper()
	c, err := h.AnswerRecovery(ctx, id, code, *b)
	must(h.t, err)
	must(h.t, h.jobs.Drain(ctx))
	return c
}

func (h *house) stands(c Claim, state ClaimState, left ...string) {
	h.t.Helper()
	if c.State != state || !slices.Equal(c.Left, left) {
		h.t.Fatalf("%s with %v left, proved %v; want %s with %v", c.State, c.Left, c.Proved, state, left)
	}
}

// signsInAnew signs in with the new password from nowhere in particular.
func (h *house) signsInAnew(name string) {
	h.t.Helper()
	out, err := h.SignIn(ctx, name, renewed, *browser("anew"))
	must(h.t, err)
	if out.Challenge == nil {
		h.t.Fatal("a device is still trusted")
	}
}

// A member without anything of their own proves two contacts, and every session,
// device and open code is over afterwards. Methods wait.
func TestAPasswordIsRecoveredByTelephoneAndMailbox(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m := h.member("ada")
		old := browser("old")
		session := h.enter("ada", old, true).Session
		b := browser("f")
		c := h.began(" ADA ", b)
		h.stands(c, ClaimOpen)
		first := h.box.lastCode(notify.Text)
		c = h.recovers(c.ID, first, b)
		h.stands(c, ClaimBegun, "email")
		second := h.box.lastCode(notify.Email)
		if second == "" || second == first {
			t.Fatal("both contacts have the same code")
		}
		if c, err := h.Recovery(ctx, c.ID, *b); err != nil || c.SentTo != "a•••@example.org" {
			t.Fatal(c.SentTo, err)
		}
		if _, err := h.CompleteRecovery(ctx, c.ID, renewed, *b); !fault.Is(err, fault.NotFound) {
			t.Fatal("one proof was enough:", err)
		}
		h.stands(h.recovers(c.ID, second, b), ClaimReady)
		for _, bad := range []string{"short", "password1", "ada ada ada"} {
			if _, err := h.CompleteRecovery(ctx, c.ID, bad, *b); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		for range 2 {
			done, err := h.CompleteRecovery(ctx, c.ID, renewed, *b)
			must(t, err)
			if done.Same {
				t.Error("another password is said to be the same")
			}
		}
		_, err := h.Check(ctx, session.Token, Look)
		h.want(err, fault.Unauthenticated, "session.over")
		_, err = h.SignIn(ctx, "ada", right, *old)
		h.want(err, fault.Unauthenticated, "signin.refused")
		h.signsInAnew("ada")
		out, err := h.SignIn(ctx, "ada", renewed, *old)
		if err != nil || out.Challenge == nil {
			t.Error("the old device is still known:", err)
		}
		held, err := h.Caution(ctx, m.ID)
		if err != nil || !held.Until.Equal(h.clock.Now().Add(24*time.Hour)) {
			t.Errorf("%+v %v", held, err)
		}
		if n := h.number(`SELECT count(*) FROM audit WHERE action = 'signin.recovery-completed' AND object_id = $1`, c.ID); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// Every contact is told what happened, when, from where and by what device.
func TestARecoveryIsToldToEveryContact(t *testing.T) {
	eachClaim(t, Config{Place: func(string) string { return "Springfield" }}, func(t *testing.T, h *house) {
		h.member("ada")
		h.recovered("ada", browser("f"))
		told := map[notify.Channel]bool{}
		for _, m := range h.box.mail {
			if m.Code == "" && strings.Contains(m.Text, "Springfield") && strings.Contains(m.Text, "2026") {
				told[m.Channel] = true
			}
		}
		if !told[notify.Email] || !told[notify.Text] {
			t.Errorf("told by %v", told)
		}
	})
}

// recovered goes all the way by telephone and mailbox.
func (h *house) recovered(name string, b *Client) {
	h.t.Helper()
	c := h.began(name, b)
	c = h.recovers(c.ID, h.box.lastCode(notify.Text), b)
	c = h.recovers(c.ID, h.box.lastCode(notify.Email), b)
	_, err := h.CompleteRecovery(ctx, c.ID, renewed, *b)
	must(h.t, err)
	must(h.t, h.jobs.Drain(ctx))
}

func TestTheOldPasswordIsAllowedAndSaid(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		c := h.began("ada", b)
		h.recovers(c.ID, h.box.lastCode(notify.Text), b)
		h.recovers(c.ID, h.box.lastCode(notify.Email), b)
		done, err := h.CompleteRecovery(ctx, c.ID, right, *b)
		if err != nil || !done.Same || !done.Cautious {
			t.Fatalf("%+v %v", done, err)
		}
	})
}

// In gb and eu a mailbox proves nothing: with a telephone alone it takes the key of
// a trusted device, or an agent.
func TestWhereTheLawHasNoCodesByMailTheTelephoneAloneIsNotEnough(t *testing.T) {
	eachClaim(t, Config{NoEmailCode: true, DeviceNeedsKey: true}, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		c := h.began("ada", b)
		if slices.Contains(c.Channels, "email") {
			t.Error("e-mail is offered")
		}
		c = h.recovers(c.ID, h.box.lastCode(notify.Text), b)
		h.stands(c, ClaimBegun)
		_, err := h.SendRecoveryCode(ctx, c.ID, "email", *b)
		h.want(err, fault.Invalid, fault.As(err).Code)
		if h.box.lastCode(notify.Email) != "" {
			t.Error("a code went by e-mail")
		}
		_, err = h.CompleteRecovery(ctx, c.ID, renewed, *b)
		h.want(err, fault.NotFound, "claim.over")

		d, known := newDevice(t), browser("known")
		h.bound("ada", d, known)
		h.wait(time.Minute)
		c = h.began("ada", h.with(d, known))
		h.stands(h.recovers(c.ID, h.box.lastCode(notify.Text), h.with(d, known)), ClaimReady)
	})
}

// The cookie of a trusted device is no proof, nor is a key that is offered only now.
func TestADeviceCountsByItsBoundKeyOnly(t *testing.T) {
	eachClaim(t, Config{NoEmailCode: true}, func(t *testing.T, h *house) {
		h.member("ada")
		plain, d, bound := browser("plain"), newDevice(t), browser("bound")
		h.enter("ada", plain, true)
		h.bound("ada", d, bound)
		bound.DeviceKey, bound.DeviceProof = "", ""
		for name, b := range map[string]*Client{"a cookie": plain, "a cookie and a new key": plain, "a stolen cookie": bound, "another's key": bound} {
			switch name {
			case "a cookie and a new key":
				h.with(d, b)
			case "another's key":
				h.with(newDevice(t), b)
			}
			c := h.began("ada", b)
			c = h.recovers(c.ID, h.box.lastCode(notify.Text), b)
			if c.State != ClaimBegun {
				t.Errorf("%s is a proof", name)
			}
			must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return endClaims(ctx, tx, h.idOf("ada")) }))
			b.DeviceKey, b.DeviceProof = "", ""
		}
	})
}

func (h *house) idOf(name string) string {
	h.t.Helper()
	m, err := h.members.ByUsername(ctx, name)
	must(h.t, err)
	return m.ID
}

// Whoever has an app, a passkey or recovery codes must give one of them: reading
// the member's messages is no way around it.
func TestMessagesNeverStandInForWhatAMemberHas(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		a, _ := h.withApp("ada", 0)
		b := browser("f")
		c := h.began("ada", b)
		c = h.recovers(c.ID, h.box.lastCode(notify.Text), b)
		h.stands(c, ClaimBegun, WayApp)
		_, err := h.SendRecoveryCode(ctx, c.ID, "email", *b)
		if !fault.Is(err, fault.Invalid) {
			t.Fatal("a second message is offered:", err)
		}
		h.stands(h.recovers(c.ID, h.shows(a), b), ClaimReady)
		done, err := h.CompleteRecovery(ctx, c.ID, renewed, *b)
		if err != nil || done.Cautious {
			t.Fatalf("%+v %v", done, err)
		}
	})
}

// An app first, then the telephone; and a recovery code that is used up by it.
func TestTheOrderOfProofsDoesNotMatter(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		a, set := h.withApp("ada", 0)
		codes, err := h.MakeRecoveryCodes(ctx, ChangeRequest{Session: h.check(set.SessionToken), Client: *set})
		must(t, err)
		b := browser("f")
		c, err := h.BeginRecovery(ctx, "ada", false, *b)
		must(t, err)
		c = h.recovers(c.ID, h.shows(a), b)
		h.stands(c, ClaimBegun, "text", "email", WayRecovery)
		_, err = h.AnswerRecovery(ctx, c.ID, "0000 0000 0000", *b)
		h.want(err, fault.Invalid, "claim.code-wrong")
		h.stands(h.recovers(c.ID, codes[3], b), ClaimReady)
		other := browser("g")
		c, err = h.BeginRecovery(ctx, "ada", false, *other)
		must(t, err)
		_, err = h.AnswerRecovery(ctx, c.ID, codes[3], *other)
		h.want(err, fault.Invalid, "claim.code-wrong")
	})
}

// answersByPasskey lets an authenticator answer a claim's prompt.
func (h *house) answersByPasskey(c Claim, a *softkey.Authenticator, b *Client) (Claim, error) {
	h.t.Helper()
	answer, err := a.Get(c.Passkey, origin)
	must(h.t, err)
	return h.AnswerRecoveryByPasskey(ctx, c.ID, answer, *b)
}

// A passkey is enough by itself, leaves evidence that verifies, and counts for its
// member, its claim and once.
func TestAPasskeyRecoversByItself(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		a, foreign := &softkey.Authenticator{}, &softkey.Authenticator{}
		for name, key := range map[string]*softkey.Authenticator{"ada": a, "eve": foreign} {
			h.member(name)
			b := browser(name)
			h.enter(name, b, false)
			h.hold(b, key)
		}
		b := browser("f")
		c, err := h.BeginRecovery(ctx, "ada", false, *b)
		must(t, err)
		if strings.Contains(string(c.Passkey), "allowCredentials") {
			t.Error("the prompt names passkeys")
		}
		_, err = h.answersByPasskey(c, foreign, b)
		h.want(err, fault.Invalid, "claim.code-wrong")
		other, err := h.BeginRecovery(ctx, "ada", false, *browser("g"))
		must(t, err)
		answer, err := a.Get(other.Passkey, origin)
		must(t, err)
		_, err = h.AnswerRecoveryByPasskey(ctx, c.ID, answer, *b) // of another claim
		h.want(err, fault.Invalid, "claim.code-wrong")
		c, err = h.answersByPasskey(c, a, b)
		must(t, err)
		h.stands(c, ClaimReady)
		done, err := h.CompleteRecovery(ctx, c.ID, renewed, *b)
		if err != nil || done.Cautious {
			t.Fatalf("%+v %v", done, err)
		}
		e, err := h.EvidenceFor(ctx, c.ID)
		must(t, err)
		if e.Way != WayPasskey || len(e.Signed.Signature) == 0 {
			t.Fatalf("%+v", e)
		}
		must(t, e.Verify())
		e.Action = "another"
		if e.Verify() == nil {
			t.Error("the evidence verifies for another action")
		}
	})
}

// A session that a passkey began just now sets a new password without the old one.
func TestAfterAPasskeyTheOldPasswordIsNotAskedFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b, a := browser("f"), &softkey.Authenticator{}
		h.enter("ada", b, false)
		withPassword := h.check(b.SessionToken)
		h.hold(b, a)
		_, err := h.ChangePassword(ctx, withPassword, "", renewed, *b)
		h.want(err, fault.Forbidden, "password.wrong")
		n := browser("g")
		out, err := h.byPasskey(n, a, false)
		must(t, err)
		n.keep(out)
		s := h.check(n.SessionToken)
		h.wait(changeAfterProof + time.Second)
		_, err = h.ChangePassword(ctx, s, "", renewed, *n)
		h.want(err, fault.Forbidden, "password.wrong")
		out, err = h.byPasskey(n, a, false)
		must(t, err)
		_, err = h.ChangePassword(ctx, h.check(out.Session.Token), "", renewed, *n)
		must(t, err)
		_, err = h.SignIn(ctx, "ada", renewed, *browser("x"))
		must(t, err)
	})
}

// Codes and claims are worth nothing beside their own flow, time and purpose.
func TestForeignLateAndUsedCodesOfARecovery(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		c := h.began("ada", b)
		code := h.box.lastCode(notify.Text)

		t.Run("of another flow", func(t *testing.T) {
			_, err := h.AnswerRecovery(ctx, c.ID, code, *browser("g"))
			h.want(err, fault.NotFound, "claim.over")
			_, err = h.Recovery(ctx, c.ID, *browser("g"))
			h.want(err, fault.NotFound, "claim.over")
		})
		t.Run("truncated, and none at all", func(t *testing.T) {
			for _, bad := range []string{code[:5], "", "abcdef", code + "0"} {
				if _, err := h.AnswerRecovery(ctx, c.ID, bad, *b); !fault.Is(err, fault.Invalid) || fault.As(err).Code == "claim.code-wrong" {
					t.Errorf("%q: %v", bad, err)
				}
			}
			for _, id := range []string{"", "7", c.ID[:30], db.NewID()} {
				_, err := h.AnswerRecovery(ctx, id, code, *b)
				h.want(err, fault.NotFound, "claim.over")
			}
		})
		t.Run("of a sign-in", func(t *testing.T) {
			out, err := h.SignIn(ctx, "ada", right, *b)
			must(t, err)
			_, err = h.AnswerRecovery(ctx, c.ID, h.codeOf(out.Challenge.ID), *b)
			h.want(err, fault.Invalid, "claim.code-wrong")
			_, err = h.SubmitCode(ctx, out.Challenge.ID, code, false, *b)
			h.want(err, fault.Unauthenticated, "signin.code-wrong")
			var id string
			must(t, h.db.View(ctx, func(tx *db.Tx) error {
				return tx.QueryRow(ctx, `SELECT id FROM challenge WHERE purpose = 'recovery'`).Scan(&id)
			}))
			_, err = h.SubmitCode(ctx, id, code, false, *b)
			h.want(err, fault.Unauthenticated, "signin.code-over")
		})
		t.Run("late", func(t *testing.T) {
			h.wait(11 * time.Minute)
			_, err := h.AnswerRecovery(ctx, c.ID, code, *b)
			h.want(err, fault.Invalid, "claim.code-wrong")
			_, err = h.SendRecoveryCode(ctx, c.ID, "text", *b)
			must(t, err)
			must(t, h.jobs.Drain(ctx))
			if again := h.box.lastCode(notify.Text); again == code {
				t.Error("an expired code is sent again")
			}
			h.recovers(c.ID, h.box.lastCode(notify.Text), b)
			h.wait(replayWindow + time.Second)
			_, err = h.AnswerRecovery(ctx, c.ID, h.box.lastCode(notify.Text), *b)
			h.want(err, fault.Invalid, "claim.code-wrong") // used, and long ago
			h.wait(claimFor)
			_, err = h.Recovery(ctx, c.ID, *b)
			h.want(err, fault.NotFound, "claim.over")
		})
	})
}

// A resend repeats the code, however it goes, and none of a telephone's codes is
// ever a mailbox's: whoever reads only the mail never proves the telephone.
func TestAResendRepeatsTheCodeOfItsContact(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		c := h.began("ada", b)
		first := h.box.lastCode(notify.Text)
		_, err := h.SendRecoveryCode(ctx, c.ID, "text", *b)
		h.want(err, fault.TooMany, "signin.too-many")
		for _, channel := range []string{"text", "email", "text"} {
			h.wait(h.conf.withDefaults(h.clock.Now).ResendAfter)
			_, err = h.SendRecoveryCode(ctx, c.ID, channel, *b)
			must(t, err)
			must(t, h.jobs.Drain(ctx))
		}
		if again := h.box.lastCode(notify.Text); again != first {
			t.Error("a resend made another code")
		}
		mail := h.box.lastCode(notify.Email)
		c = h.recovers(c.ID, mail, b)
		if !slices.Equal(c.Proved, []string{"email"}) {
			t.Errorf("the mailbox's code proves %v", c.Proved)
		}
		h.wait(replayWindow + time.Second)
		_, err = h.AnswerRecovery(ctx, c.ID, mail, *b)
		h.want(err, fault.Invalid, "claim.code-wrong")
		_, err = h.SendRecoveryCode(ctx, c.ID, "carrier-pigeon", *b)
		h.want(err, fault.Invalid, fault.As(err).Code)
	})
}

// Of many guesses at once exactly five count, and one of them ends the claim,
// whether or not a member stands behind it.
func TestParallelGuessesAtARecoveryAreCountedExactly(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		for _, name := range []string{"ada", "nobody"} {
			b := browser(name)
			c := h.began(name, b)
			answers := h.atOnce(30, func(int) error {
				_, err := h.AnswerRecovery(ctx, c.ID, "000000", *b)
				return err
			})
			if answers["claim.code-wrong"] != claimTries-1 || answers["claim.over"] != 30-claimTries+1 {
				t.Errorf("%s: %v", name, answers)
			}
			_, err := h.AnswerRecovery(ctx, c.ID, h.box.lastCode(notify.Text), *b)
			h.want(err, fault.NotFound, "claim.over")
			if n := h.number(`SELECT count(*) FROM audit WHERE action = 'signin.recovery-proved' AND outcome = 'refused' AND object_id = $1`, c.ID); n != claimTries {
				t.Errorf("%s: %d refusals recorded", name, n)
			}
		}
	})
}

// Who never had a password enrols by more than recovering takes, so the claim is
// nobody's and nothing is sent.
func TestWhoNeverHadAPasswordDoesNotRecoverOne(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			_, err := h.members.Create(ctx, tx, member.Spec{Username: "never-enrolled", DisplayName: "E", Email: "e@example.org", Phone: "+12025550143"})
			return err
		}))
		h.stands(h.began("never-enrolled", browser("f")), ClaimOpen)
		if len(h.box.mail) > 0 {
			t.Errorf("%d messages", len(h.box.mail))
		}
	})
}

// Of many recoveries of one name begun at once no more pass than one after the
// other would, whether or not the name is a member's.
func TestParallelRecoveriesAreCountedExactly(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		for _, name := range []string{"ada", "nobody"} {
			answers := h.atOnce(20, func(i int) error {
				b := browser(name + string(rune('a'+i)))
				b.IP = "" // counted by the name alone
				_, err := h.BeginRecovery(ctx, name, true, *b)
				return err
			})
			if answers[""] != int(perClaim().free) || answers["signin.too-many"] != 20-int(perClaim().free) {
				t.Errorf("%s: %v", name, answers)
			}
		}
	})
}

// atOnce runs something many times at once and counts the codes of its errors.
func (h *house) atOnce(n int, do func(i int) error) map[string]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	codes := map[string]int{}
	for i := range n {
		all.Go(func() {
			code := ""
			if err := do(i); err != nil {
				code = fault.As(err).Code
			}
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	all.Wait()
	return codes
}

// Strangers who use up the recoveries of a name do not keep its member from
// recovering on a device that the member trusts, and are told to wait themselves.
func TestStrangersCannotKeepAMemberFromRecovering(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.member("ada")
		known := browser("known")
		h.enter("ada", known, true)
		for i := 0; ; i++ {
			stranger := browser("s" + string(rune('a'+i)))
			c, err := h.BeginRecovery(ctx, "ada", true, *stranger)
			if fault.Is(err, fault.TooMany) {
				break
			}
			must(t, err)
			must(t, h.jobs.Drain(ctx))
			for range claimTries {
				_, _ = h.AnswerRecovery(ctx, c.ID, "000000", *stranger)
			}
		}
		known.FlowID = "later"
		c := h.began("ada", known)
		h.stands(h.recovers(c.ID, h.box.lastCode(notify.Text), known), ClaimBegun, "email")
	})
}

// A recovery and messages of strangers do not use up the codes that the member
// signs in with.
func TestStrangersDoNotUseUpTheCodesOfSignIn(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m := h.member("ada")
		for i := range int(perClaim().free) {
			h.began("ada", browser("s"+string(rune('a'+i))))
		}
		sends := h.gauge(perSend(), m.ID, m.ID)
		must(t, h.db.View(ctx, func(tx *db.Tx) error {
			list := []gauge{sends}
			err := read(ctx, tx, list, false)
			sends = list[0]
			return err
		}))
		if sends.failures != 0 {
			t.Errorf("%d of sign-in's messages are used up", sends.failures)
		}
	})
}

// A recovery that is open ends with the password, the contacts and the sessions
// that it was begun beside.
func TestWhatEndsOpenRecoveries(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m := h.member("ada")
		b := browser("f")
		h.enter("ada", b, false)
		for _, end := range []struct {
			name string
			do   func() error
		}{
			{"a new contact", func() error {
				return h.db.WithTx(ctx, func(tx *db.Tx) error {
					return h.setContact(ctx, tx, m, &contactChange{ContactChange: ContactChange{ID: db.NewID()}}, Contacts{Phone: "+12025550199"}, *b)
				})
			}},
			{"a new password", func() error {
				_, err := h.ChangePassword(ctx, h.check(b.SessionToken), right, right, *b)
				return err
			}},
			{"misuse", func() error {
				h.enter("ada", b, false)
				return h.ReportMisuse(ctx, h.check(b.SessionToken), *b)
			}},
		} {
			thief := browser(end.name)
			c := h.began("ada", thief)
			_, err := h.Recovery(ctx, c.ID, *thief)
			must(t, err)
			must(t, end.do())
			_, err = h.Recovery(ctx, c.ID, *thief)
			h.want(err, fault.NotFound, "claim.over")
		}
	})
}

// What suffices is the table and nothing else. The properties hold for whatever a
// member has and has proved.
func TestWhatSuffices(t *testing.T) {
	all := []string{"text", "voice", "email", WayApp, WayRecovery, WayPasskey, wayDevice}
	ways := rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		r := recoveryRules{mailboxes: rapid.Bool().Draw(t, "mailboxes")}
		has := ways.Draw(t, "has")
		proved := ways.Draw(t, "proved")
		enough := r.suffices(proved, has)
		given := r.proofs(proved)
		own := slices.ContainsFunc(given, isStrong)
		switch {
		case slices.Contains(proved, WayPasskey):
			if !enough {
				t.Fatal("a passkey is not enough")
			}
		case len(given) < 2 && enough:
			t.Fatal("less than two proofs are enough")
		case slices.ContainsFunc(has, func(w string) bool { return isStrong(proves(w)) }) && !own && enough:
			t.Fatal("messages stand in for what the member has")
		case !r.mailboxes && enough && !r.suffices(slices.DeleteFunc(slices.Clone(proved), func(w string) bool { return w == "email" }), has):
			t.Fatal("a mailbox counts where the law has none")
		case len(given) >= 2 && own && !enough:
			t.Fatal("one of the member's own and another are not enough")
		}
		for _, more := range all { // proving more never takes anything away
			if enough && !r.suffices(append(slices.Clone(proved), more), has) {
				t.Fatalf("%s takes it back", more)
			}
		}
		for _, way := range r.left(proved, has) {
			if !r.suffices(append(slices.Clone(proved), way), has) || !slices.Contains(has, way) {
				t.Fatalf("%s is offered and leads nowhere", way)
			}
		}
		if r.cautious(proved) == own {
			t.Fatal("caution is not for messages alone")
		}
	})
}

func TestThePairsAreWrittenDownOnce(t *testing.T) {
	seen := map[[2]proof]bool{}
	for _, p := range pairs() {
		if p.why == "" || p.one == p.other || seen[[2]proof{p.one, p.other}] || seen[[2]proof{p.other, p.one}] {
			t.Errorf("%+v", p)
		}
		seen[[2]proof{p.one, p.other}] = true
	}
}
