package signin

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// hold gives a member a passkey on an authenticator, from a session that is fresh.
func (h *house) hold(c *Client, a *softkey.Authenticator) Passkey {
	h.t.Helper()
	q := ChangeRequest{Session: h.check(c.SessionToken), Client: *c}
	p, err := h.BeginAddPasskey(ctx, q)
	must(h.t, err)
	answer, err := a.Create(p.Options, origin)
	must(h.t, err)
	k, err := h.AddPasskey(ctx, q, "", p.State, answer)
	must(h.t, err)
	return k
}

// byPasskey signs in without a user name.
func (h *house) byPasskey(c *Client, a *softkey.Authenticator, trust bool) (Outcome, error) {
	h.t.Helper()
	p, err := h.BeginPasskey(*c)
	must(h.t, err)
	answer, err := a.Get(p.Options, origin)
	must(h.t, err)
	out, err := h.SignInPasskey(ctx, p.State, answer, trust, *c)
	return c.keep(out), err
}

func TestAPasskeySignsInFromAnywhereWithoutACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		home, away := browser("1"), browser("2")
		h.enter("ada", home, true)
		a := &softkey.Authenticator{Counts: true}
		h.hold(home, a)
		challenges := h.number(`SELECT count(*) FROM challenge`)

		out, err := h.byPasskey(away, a, false)
		must(t, err)
		sess := h.check(out.Session.Token)
		if sess.MemberID != m.ID || !slices.Equal(sess.Methods, []string{"hwk", "user"}) || !h.Fresh(sess, time.Minute) {
			t.Fatalf("%+v", sess)
		}
		if out.DeviceToken != "" {
			t.Fatal("a browser that is not to be remembered got an identity")
		}
		out, err = h.byPasskey(away, a, true)
		must(t, err)
		if out.DeviceToken == "" {
			t.Fatal("the browser was not remembered")
		}
		h.signedIn("ada", away)
		if n := h.number(`SELECT count(*) FROM challenge`); n != challenges {
			t.Fatalf("%d codes were asked for", n-challenges)
		}
	})
}

func TestAPasskeyStandsInForTheCodeAfterAPassword(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		home, away := browser("1"), browser("2")
		a, evil := &softkey.Authenticator{Synced: true}, &softkey.Authenticator{}
		h.enter("ada", home, false)
		h.hold(home, a)
		h.enter("eve", home, false)
		h.hold(home, evil)

		out, err := h.SignIn(ctx, "ada", right, *away)
		must(t, err)
		ch := out.Challenge
		if ch == nil || !slices.Contains(ch.Ways, WayPasskey) || ch.Passkey == nil {
			t.Fatalf("%+v", out)
		}
		answer, err := a.Get(ch.Passkey, origin)
		must(t, err)
		elsewhere := browser("3")
		_, err = h.SubmitPasskey(ctx, ch.ID, answer, false, *elsewhere)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		first, err := h.SubmitPasskey(ctx, ch.ID, answer, true, *away)
		must(t, err)
		away.keep(first)
		if sess := h.check(first.Session.Token); !slices.Equal(sess.Methods, []string{"pwd", "swk", "user"}) {
			t.Fatalf("%+v", sess)
		}
		again, err := h.SubmitPasskey(ctx, ch.ID, answer, true, *away)
		must(t, err)
		if again.Session.ID != first.Session.ID {
			t.Fatal("the same answer gave another session")
		}
		h.wait(replayWindow + time.Second)
		_, err = h.SubmitPasskey(ctx, ch.ID, answer, true, *away)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		h.signedIn("ada", away)

		out, err = h.SignIn(ctx, "ada", right, *elsewhere)
		must(t, err)
		var o map[string]any
		must(t, json.Unmarshal(out.Challenge.Passkey, &o))
		delete(o["publicKey"].(map[string]any), "allowCredentials")
		open, err := json.Marshal(o)
		must(t, err)
		answer, err = evil.Get(open, origin)
		must(t, err)
		_, err = h.SubmitPasskey(ctx, out.Challenge.ID, answer, false, *elsewhere)
		h.want(err, fault.Unauthenticated, "passkey.refused")
	})
}

func TestPasskeysAreChangedOnlyWithAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		a := &softkey.Authenticator{}
		k := h.hold(b, a)
		h.wait(changeAfterProof + time.Minute)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		_, err := h.BeginAddPasskey(ctx, q)
		h.want(err, fault.Forbidden, "step-up-required")
		err = h.RemovePasskey(ctx, q, k.ID)
		h.want(err, fault.Forbidden, "step-up-required")
		ch := fault.As(err).Extra["challenge"].(Challenge)
		answer, err := a.Get(ch.Passkey, origin)
		must(t, err)
		q.Proof, err = h.ProvePasskey(ctx, q.Session, ch.ID, answer, *b)
		must(t, err)
		must(t, h.RemovePasskey(ctx, q, k.ID))
		list, err := h.Passkeys(ctx, q.Session)
		must(t, err)
		if len(list) != 0 {
			t.Fatal(list)
		}
		_, err = h.byPasskey(b, a, false)
		h.want(err, fault.Unauthenticated, "passkey.refused")
		for _, notice := range []string{"passkey-added", "passkey-removed"} {
			if n := h.number(`SELECT count(*) FROM notification WHERE template = $1`, notice); n != 1 {
				t.Errorf("%d notices %s", n, notice)
			}
		}
	})
}

func TestTheLastWayInIsNeverAPasskeyThatCanGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		first, second := h.hold(b, &softkey.Authenticator{}), h.hold(b, &softkey.Authenticator{})
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { // nothing but passkeys answers a challenge from now on
			_, err := tx.Exec(ctx, `UPDATE member SET phone = '', email = '' WHERE id = $1`, m.ID)
			return err
		}))
		must(t, h.RemovePasskey(ctx, q, first.ID))
		h.want(h.RemovePasskey(ctx, q, second.ID), fault.Conflict, "passkey.last")
	})
}

func TestAnotherMembersPasskeyDoesNotExist(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		b := browser("1")
		h.enter("ada", b, true)
		k := h.hold(b, &softkey.Authenticator{})
		h.enter("eve", b, true)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		for _, id := range []string{k.ID, db.NewID(), "7"} {
			h.want(h.RemovePasskey(ctx, q, id), fault.NotFound, "passkey.not-found")
			_, err := h.RenamePasskey(ctx, q.Session, id, "Mine", *b)
			h.want(err, fault.NotFound, "passkey.not-found")
		}
	})
}

// A passkey of a browser that is known is worth what a code is: the trust goes on.
func TestAPasskeyRenewsTheTrustInAKnownDevice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		a := &softkey.Authenticator{}
		h.hold(b, a)
		h.wait(h.conf.DeviceTrust + 179*24*time.Hour)
		_, err := h.byPasskey(b, a, false)
		must(t, err)
		h.wait(2 * 24 * time.Hour)
		h.signedIn("ada", b)
	})
}

func TestGuessesAtPasskeysAreCountedAndRecorded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := browser("1")
		p, err := h.BeginPasskey(*b)
		must(t, err)
		for range perAddress().free {
			_, err = h.SignInPasskey(ctx, p.State, nobodysAnswer(t), false, *b)
			h.want(err, fault.Unauthenticated, "passkey.refused")
		}
		_, err = h.SignInPasskey(ctx, p.State, nobodysAnswer(t), false, *b)
		h.want(err, fault.TooMany, "signin.too-many")
		if n := h.number(`SELECT count(*) FROM audit WHERE action = 'signin.passkey' AND outcome = 'refused'`); n != perAddress().free {
			t.Fatalf("%d records", n)
		}
	})
}

// nobodysAnswer is well made, by a key that is registered nowhere.
func nobodysAnswer(t *testing.T) []byte {
	t.Helper()
	a := &softkey.Authenticator{}
	_, err := a.Create([]byte(`{"publicKey":{"rp":{"id":"bank.example"},"user":{"id":"AAAA"},"challenge":"AAAA"}}`), origin)
	must(t, err)
	answer, err := a.Get([]byte(`{"publicKey":{"rpId":"bank.example","challenge":"AAAA"}}`), origin)
	must(t, err)
	return answer
}

// Two copies of a key are in use: the member is told, and not once for each try.
func TestACounterThatGoesBackIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		a := &softkey.Authenticator{Counts: true, Counter: 40}
		h.hold(b, a)
		told := func() int64 {
			return int64(h.number(`SELECT count(*) FROM notification WHERE template = 'passkey-counter'`))
		}
		_, err := h.byPasskey(b, a, false)
		must(t, err)
		if told() != 0 {
			t.Fatal("told of a counter that goes on")
		}
		a.Tamper = func(ans *softkey.Answer) { ans.Counter = 3 }
		for i, want := range []int64{1, 2, 2, 3} {
			_, err := h.byPasskey(b, a, false)
			h.want(err, fault.Unauthenticated, "passkey.refused")
			if told() != want {
				t.Fatalf("told %d times after %d tries", told(), i+1)
			}
		}
	})
}
