package signin

import (
	"bytes"
	"cmp"
	"strings"
	"testing"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

func large(amount string) Action {
	return Action{Kind: "payment", Parts: []string{amount, "USD", "account", "method", ""}, Object: db.NewID(), Data: map[string]any{"Amount": amount + " USD", "Payee": "Card"}}
}

func TestAPasskeyProvesExactlyOneAction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		key := &softkey.Authenticator{Counts: true}
		h.hold(b, key)
		sess, a := h.check(b.SessionToken), large("650.00")
		ch, err := h.StepUp(ctx, sess, a, *b)
		must(t, err)
		answer, err := key.Get(ch.Passkey, origin)
		must(t, err)

		other, err := h.StepUp(ctx, sess, large("6500.00"), *b)
		must(t, err)
		_, err = h.ProvePasskey(ctx, sess, other.ID, answer, *b)
		h.want(err, fault.Forbidden, "passkey.refused")
		_, err = h.ProvePasskey(ctx, sess, db.NewID(), answer, *b)
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.ProvePasskey(ctx, sess, "7", answer, *b)
		h.want(err, fault.Forbidden, "step-up.code-over")

		proof, err := h.ProvePasskey(ctx, sess, ch.ID, answer, *b)
		must(t, err)
		again, err := h.ProvePasskey(ctx, sess, ch.ID, answer, *b)
		must(t, err)
		if again != proof {
			t.Fatal("the same answer gave another proof")
		}
		second, err := key.Get(ch.Passkey, origin)
		must(t, err)
		_, err = h.ProvePasskey(ctx, sess, ch.ID, second, *b)
		h.want(err, fault.Forbidden, "step-up.code-over")
		h.want(h.redeem(sess, proof, large("651.00")), fault.Forbidden, "step-up-refused")
		must(t, h.redeem(sess, proof, a))
		h.want(h.redeem(sess, proof, a), fault.Forbidden, "step-up-refused")
		_, err = h.ProvePasskey(ctx, sess, ch.ID, answer, *b)
		h.want(err, fault.Forbidden, "step-up.code-over")
	})
}

func TestAnotherSessionsChallengeIsNotProved(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		here, there := browser("1"), browser("2")
		h.enter("ada", here, true)
		key := &softkey.Authenticator{}
		h.hold(here, key)
		h.enter("ada", there, true)
		ch, err := h.StepUp(ctx, h.check(here.SessionToken), large("650.00"), *here)
		must(t, err)
		answer, err := key.Get(ch.Passkey, origin)
		must(t, err)
		_, err = h.ProvePasskey(ctx, h.check(there.SessionToken), ch.ID, answer, *there)
		h.want(err, fault.Forbidden, "step-up.code-over")
	})
}

// The evidence of a passkey stands by itself, after the passkey is gone; that of a
// code says which way it went and when.
func TestEvidenceIsKeptWithWhatWasDone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		key := &softkey.Authenticator{}
		k := h.hold(b, key)
		sess, a := h.check(b.SessionToken), large("650.00")
		ch, err := h.StepUp(ctx, sess, a, *b)
		must(t, err)
		answer, err := key.Get(ch.Passkey, origin)
		must(t, err)
		proof, err := h.ProvePasskey(ctx, sess, ch.ID, answer, *b)
		must(t, err)
		_, err = h.EvidenceFor(ctx, a.Object)
		h.want(err, fault.NotFound, "evidence.not-found")
		must(t, h.redeem(sess, proof, a))
		must(t, h.RemovePasskey(ctx, ChangeRequest{Session: sess, Client: *b}, k.ID))

		e, err := h.EvidenceFor(ctx, a.Object)
		must(t, err)
		if e.MemberID != m.ID || e.ChallengeID != ch.ID || e.Way != WayPasskey || e.SentTo != "" || !strings.Contains(e.Action, "\"650.00\"\n\"USD\"\n\"account\"") {
			t.Fatalf("%+v", e)
		}
		must(t, e.Verify())
		for name, change := range map[string]func(e *Evidence){
			"action":    func(e *Evidence) { e.Action = strings.Replace(e.Action, "650.00", "6500.00", 1) },
			"signature": func(e *Evidence) { e.Signed.Signature = bytes.ToUpper(e.Signed.Signature) },
			"answer":    func(e *Evidence) { e.ProvedAt = e.AskedAt.AddDate(-1, 0, 0) },
			"use":       func(e *Evidence) { e.RedeemedAt = e.ProvedAt.AddDate(-1, 0, 0) },
		} {
			f := e
			change(&f)
			if f.Verify() == nil {
				t.Errorf("evidence with a changed %s holds", name)
			}
		}

		a = large("700.00")
		ch, err = h.StepUp(ctx, sess, a, *b)
		must(t, err)
		proof, err = h.Prove(ctx, sess, ch.ID, h.codeOf(ch.ID))
		must(t, err)
		must(t, h.redeem(sess, proof, a))
		e, err = h.EvidenceFor(ctx, a.Object)
		must(t, err)
		if e.Way != "text" || e.SentTo != ch.SentTo || len(e.Signed.Signature) > 0 || e.ProvedAt.IsZero() || e.RedeemedAt.IsZero() {
			t.Fatalf("%+v", e)
		}
		must(t, e.Verify())
	})
}

// A row that somebody has changed by hand is named, whatever was changed; the
// others are not.
func TestChangedEvidenceIsNamed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		key := &softkey.Authenticator{}
		h.hold(b, key)
		sess := h.check(b.SessionToken)
		var first string
		for range 3 {
			a := large("650.00")
			ch, err := h.StepUp(ctx, sess, a, *b)
			must(t, err)
			answer, err := key.Get(ch.Passkey, origin)
			must(t, err)
			proof, err := h.ProvePasskey(ctx, sess, ch.ID, answer, *b)
			must(t, err)
			must(t, h.redeem(sess, proof, a))
			first = cmp.Or(first, ch.ID)
		}
		_, err := h.StepUp(ctx, sess, large("1.00"), *b) // not answered: no proof
		must(t, err)
		whole := func(problems int) {
			t.Helper()
			r, err := VerifyEvidence(ctx, h.db)
			must(t, err)
			if r.Proofs != 3 || len(r.Problems) != problems || problems > 0 && !strings.Contains(r.Problems[0], first) {
				t.Errorf("%+v, want %d problems", r, problems)
			}
		}
		whole(0)
		for _, change := range []string{
			"action = REPLACE(action, '650.00', '65.00')", "redeemed_at = proved_at - 1", "proved_at = asked_at - 1", "proved_at = 0",
			"origin = 'https://elsewhere.example'", "rp_id = 'elsewhere.example'", "nonce = signature", "signature = nonce", "public_key = nonce",
			"client_data = nonce", "authenticator_data = nonce",
		} {
			back := h.keepRow("step_up_evidence", "challenge_id", first)
			must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE step_up_evidence SET `+change+` WHERE challenge_id = $1`, first)
				return err
			}))
			t.Log(change)
			whole(1)
			back()
		}
		whole(0)
	})
}

// keepRow gives what puts a row back as it is now.
func (h *house) keepRow(table, column, id string) (back func()) {
	h.t.Helper()
	run := func(query string, args ...any) {
		h.t.Helper()
		must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err }))
	}
	run(`CREATE TABLE kept AS SELECT * FROM `+table+` WHERE `+column+` = $1`, id)
	return func() {
		run(`DELETE FROM `+table+` WHERE `+column+` = $1`, id)
		run(`INSERT INTO ` + table + ` SELECT * FROM kept`)
		run(`DROP TABLE kept`)
	}
}

// Whatever stands in a part of an action, no other action has the same text.
func TestNoTwoActionsHaveOneText(t *testing.T) {
	list := []Action{
		{Kind: "payment", Parts: []string{"1", "2"}}, {Kind: "payment", Parts: []string{"12"}}, {Kind: "payment", Parts: []string{"1\"\n\"2"}},
		{Kind: "payment", Parts: []string{"1", "2", ""}}, {Kind: "payment\"\n\"1", Parts: []string{"2"}}, {Kind: "payment", Parts: []string{"1\n2"}}, {Kind: "payment", Parts: []string{"1", "\xff"}},
		{Kind: "payment", Parts: []string{"1", "\ufffd"}},
	}
	seen := map[string]bool{}
	for _, a := range list {
		if seen[a.text()] {
			t.Errorf("%q is the text of another action too", a.text())
		}
		seen[a.text()] = true
	}
}
