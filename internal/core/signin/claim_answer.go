package signin

import (
	"cmp"
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// wayDevice is a claim that comes from a device that the member trusts and that
// proves its key. It counts beside a right code, never before one.
const wayDevice = "device"

// claimWrong is the answer to a code that is not right, with the tries that are left.
func claimWrong(left int) error {
	if left <= 0 {
		return claimOver()
	}
	e := fault.New(fault.Invalid, "claim.code-wrong", "This code is not right.")
	e.Extra = map[string]any{"tries_left": left}
	return e.With("Count", left)
}

// tryClaim takes what was typed as an answer to a claim, counting it exactly: the
// claim is locked. A right one is noted in c, with the device's key where the
// browser shows that too; refusal is what the client hears otherwise. The same
// answer again within two minutes changes nothing.
func (s *Service) tryClaim(ctx context.Context, tx *db.Tx, c *claim, typed string, b arrival) (refusal, err error) {
	if c.again(s.claimAnswer(*c, typed), tx.Now) {
		return nil, nil
	}
	way, err := s.claimRightBy(ctx, tx, *c, typed, b.client)
	if err != nil {
		return nil, err
	}
	if way == "" {
		return s.claimRefused(ctx, tx, c)
	}
	return nil, s.claimProved(ctx, tx, c, way, s.claimAnswer(*c, typed), b)
}

// again tells whether an answer was right just before: a double click, a reload.
func (c claim) again(answer []byte, now time.Time) bool {
	return len(c.answered) > 0 && now.Sub(c.answeredAt) <= replayWindow && subtle.ConstantTimeCompare(c.answered, answer) == 1
}

func (s *Service) claimAnswer(c claim, typed string) []byte {
	return s.key.Fingerprint("signin.claim-answer", []byte(c.id+typed))
}

// claimRightBy tells in which way the typed digits answer the claim, "" when in
// none. For a decoy it looks for the same things and computes the same codes.
func (s *Service) claimRightBy(ctx context.Context, tx *db.Tx, c claim, typed string, from Client) (way string, err error) {
	who := cmp.Or(c.memberID, nobody)
	if len(typed) == recoveryDigits {
		if c.kind != Recovery {
			return "", nil
		}
		ok, err := s.byRecoveryCode(ctx, tx, who, typed, from)
		return when(ok, WayRecovery), err
	}
	right, err := s.claimByCode(ctx, tx, c, typed)
	if err != nil || right.id != "" {
		return right.channel, err
	}
	if c.kind != Recovery {
		return "", nil
	}
	ok, err := s.byApp(ctx, tx, who, typed)
	return when(ok, WayApp), err
}

// claimByCode gives the open code that was typed, used up now, or none. Two are
// computed whatever there is.
func (s *Service) claimByCode(ctx context.Context, tx *db.Tx, c claim, typed string) (right challenge, err error) {
	list, err := s.codes(ctx, tx, c)
	if err != nil {
		return right, err
	}
	for i := range 2 {
		ch := challenge{id: nobody, nonce: c.nonce}
		if i < len(list) {
			ch = list[i]
		}
		same := subtle.ConstantTimeCompare([]byte(s.code(ch)), []byte(typed)) == 1
		if same && ch.sends > 0 && c.memberID != "" && tx.Now.Before(ch.expiresAt) {
			right = ch
		}
	}
	if right.id == "" {
		return right, nil
	}
	_, err = tx.Exec(ctx, `UPDATE challenge SET used_at = $2, closed_at = $2, way = channel WHERE id = $1`, right.id, db.Micros(tx.Now))
	if err != nil {
		return right, err
	}
	return right, forgive(ctx, tx, []gauge{s.gauge(perClaimSend(), c.memberID, c.memberID)})
}

// claimProved notes a right answer. What is sent for the next one is counted anew.
func (s *Service) claimProved(ctx context.Context, tx *db.Tx, c *claim, way string, answer []byte, b arrival) error {
	c.proved, c.answered, c.answeredAt, c.sends, c.sentAt = append(c.proved, way), answer, tx.Now, 0, time.Time{}
	held, err := s.holdsKey(ctx, tx, c.memberID, b)
	if err != nil {
		return err
	}
	if held {
		c.proved = append(c.proved, wayDevice)
	}
	_, err = tx.Exec(ctx, `UPDATE claim SET proved = $2, answered = $3, answered_at = $4, sends = 0, sent_at = 0 WHERE id = $1`,
		c.id, strings.Join(c.proved, " "), c.answered, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	return c.record(ctx, tx, "proved", audit.OK, map[string]string{"ways": strings.Join(c.proved, " ")})
}

// holdsKey tells whether the browser is a device that the member trusts and
// proves the key that was bound to it before. A cookie alone, and a key that it
// only offers now, prove nothing here.
func (s *Service) holdsKey(ctx context.Context, tx *db.Tx, memberID string, b arrival) (bool, error) {
	t, err := remembered(ctx, tx, memberID, b.device, b.issued, tx.Now)
	if err != nil || t.id == "" || len(t.key) == 0 {
		return false, err
	}
	p := s.possession(b.client)
	if p.doubt(t.key) != "" {
		return false, nil
	}
	return spend(ctx, tx, memberID, p)
}

// claimRefused counts a wrong answer. The last one ends the claim, and counts for
// its subject.
func (s *Service) claimRefused(ctx context.Context, tx *db.Tx, c *claim) (refusal, err error) {
	c.triesLeft--
	if _, err := tx.Exec(ctx, `UPDATE claim SET tries_left = $2 WHERE id = $1`, c.id, c.triesLeft); err != nil {
		return nil, err
	}
	if c.triesLeft <= 0 {
		if err := c.end(ctx, tx, claimTried); err != nil {
			return nil, err
		}
		if err := s.triedOut(c).count(ctx, tx); err != nil {
			return nil, err
		}
	}
	return claimWrong(c.triesLeft), c.record(ctx, tx, "proved", audit.Refused, nil)
}

// triedOut counts claims that died of wrong codes.
func (s *Service) triedOut(c *claim) gauge {
	return gauge{limit: perClaimTried(), memberID: c.memberID, key: s.key.Fingerprint("signin.throttle/claim-tried", c.subject)}
}

// bound is what a passkey's answer to the claim is for.
func (c claim) bound() passkey.Bound {
	b := passkey.Bound{Nonce: c.nonce}
	copy(b.Hash[:], c.action().hash())
	return b
}

// action is what a claim is evidence of.
func (c claim) action() Action { return Action{Kind: string(c.kind), Parts: []string{c.id}} }
