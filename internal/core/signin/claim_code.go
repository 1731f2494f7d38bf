package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"slices"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// A claim's code is a challenge of its own purpose. The request only notes that
// one was asked for; a job makes and sends it, if there is somebody to send it to.
// The member's telephone and e-mail have a code each: were it the same, whoever
// reads one of them could pass for having both.

// The purposes of claims' codes are their kinds.
func (k ClaimKind) purpose() purpose { return purpose(k) }

// ofClaim tells whether a challenge is a claim's.
func (p purpose) ofClaim() bool {
	return p == Recovery.purpose() || p == Enrolment.purpose() || p == Assisted.purpose()
}

// contact is what a channel reaches: one telephone, or one mailbox.
func contact(ch notify.Channel) string {
	if ch == notify.Email {
		return "email"
	}
	return "phone"
}

// claimChannels are the channels by which codes of claims can be asked for here.
// They say nothing about a member.
func (s *Service) claimChannels() (list []string) {
	for _, way := range s.allowed(usualWays()) {
		if s.notify.Can(notify.Channel(way)) {
			list = append(list, way)
		}
	}
	return list
}

// claimCode has a code of the claim sent after the commit, again or for the first
// time; by channel, or "" for the first that the member has. Errors: TooMany for a
// claim that had enough, or too early; Invalid for a channel that the cell does not
// have; Unavailable while what the code leads to is not there.
func (s *Service) claimCode(ctx context.Context, tx *db.Tx, c *claim, channel string) error {
	if channel != "" && !slices.Contains(s.claimChannels(), channel) {
		return fault.InvalidField("body.channel", "signin.channel", "We cannot send you a code that way.")
	}
	if c.sends >= claimSends {
		return tooMany(c.expiresAt.Sub(tx.Now))
	}
	if wait := c.sentAt.Add(s.conf.ResendAfter).Sub(tx.Now); c.sends > 0 && wait > 0 {
		return tooMany(wait)
	}
	if err := s.lands(ctx); err != nil {
		return err
	}
	if s.conf.Jobs == nil {
		return noChannel()
	}
	c.sends, c.sentAt = c.sends+1, tx.Now
	if _, err := tx.Exec(ctx, `UPDATE claim SET sends = $2, sent_at = $3 WHERE id = $1`, c.id, c.sends, db.Micros(tx.Now)); err != nil {
		return err
	}
	return s.conf.Jobs.Enqueue(ctx, tx, claimMessage{c.id, c.sends, channel}, jobs.Options{MaxAttempts: claimMessageTries})
}

// claimMessage is the job that sends a claim's code.
type claimMessage struct {
	ClaimID string `json:"claim_id"`
	Sends   int    `json:"sends"` // as many as there were when it was stored
	Channel string `json:"channel"`
}

// Kind names the job.
func (claimMessage) Kind() string { return "signin.claim-code" }

const (
	claimMessageTimeout = 10 * time.Second
	claimMessageTries   = 4 // within half a minute; the page offers to send again
)

// sendClaim does the job. It ends in silence for a claim that nobody stands
// behind, that was asked once more meanwhile, or that is over; and for a member
// whom no message can reach, or who was sent enough: nobody is there to be told.
func (s *Service) sendClaim(ctx context.Context, j claimMessage, _ jobs.Attempt) error {
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		c, err := lockClaim(ctx, tx, j.ClaimID)
		if err == db.ErrNoRows {
			return nil
		}
		if err != nil || c.memberID == "" || c.sends != j.Sends || !c.endedAt.IsZero() || !tx.Now.Before(c.expiresAt) {
			return err
		}
		m, err := s.claimRecipient(ctx, tx, c)
		if err != nil {
			return err
		}
		if c.kind == Enrolment {
			if already, err := s.enrolledAlready(ctx, tx, m, c); err != nil || already {
				return err
			}
		}
		return s.messageClaim(ctx, tx, m, c, notify.Channel(j.Channel))
	})
	if fault.Is(err, fault.TooMany) || fault.Is(err, fault.Forbidden) {
		return nil
	}
	return err
}

// messageClaim sends a claim's code by the wanted channel or, where the member
// has no such address or has proved it already, by the first that is left.
func (s *Service) messageClaim(ctx context.Context, tx *db.Tx, m member.Member, c claim, wanted notify.Channel) error {
	r, err := s.routesFor(ctx, tx, m, c.kind.purpose())
	if err != nil {
		return err
	}
	r.channels = slices.DeleteFunc(r.channels, func(ch notify.Channel) bool { return c.provedContact(contact(ch)) })
	ch := wanted
	if !slices.Contains(r.channels, ch) {
		if ch, err = s.first(r); err != nil {
			return err
		}
	}
	open, err := readChallenge(ctx, tx, `scope = $1 AND closed_at = 0`, s.claimScope(c, contact(ch)))
	if err == nil && tx.Now.Before(open.expiresAt) {
		open.from, open.device = c.from, c.device
		_, err = s.resend(ctx, tx, open, ch)
		return err
	}
	if err == nil {
		err = closeChallenges(ctx, tx, `id = $1`, open.id)
	}
	if err != nil && err != db.ErrNoRows {
		return err
	}
	return s.firstMessage(ctx, tx, m, c, ch, r.to[ch])
}

// firstMessage makes the challenge of one of the member's contacts.
func (s *Service) firstMessage(ctx context.Context, tx *db.Tx, m member.Member, c claim, ch notify.Channel, to string) error {
	code := challenge{
		id: db.NewID(), memberID: m.ID, purpose: c.kind.purpose(), scope: s.claimScope(c, contact(ch)), flow: c.flow,
		template: string(c.kind) + "-code", data: c.data, nonce: make([]byte, nonceSize), channel: string(ch), sentTo: masked(to), sends: 1, sentAt: tx.Now,
		createdAt: tx.Now, expiresAt: earliest(tx.Now.Add(s.conf.CodeTTL), c.expiresAt), triesLeft: claimTries, from: c.from, device: c.device,
	}
	_, _ = rand.Read(code.nonce) // never fails (crypto/rand)
	limits := s.sendLimits(code)
	if err := read(ctx, tx, limits, true); err != nil {
		return err
	}
	if err := blocked(limits, tx.Now); err != nil {
		return err
	}
	if err := code.insert(ctx, tx); err != nil {
		return err
	}
	return s.message(ctx, tx, m, to, code)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// claimScope is what has one open code: a claim, and a contact of its member.
func (s *Service) claimScope(c claim, contact string) []byte {
	return s.key.Fingerprint("signin.scope/claim-code", []byte(c.id+contact))
}

// provedContact tells whether a claim has proved a telephone or a mailbox.
func (c claim) provedContact(which string) bool {
	return slices.ContainsFunc(c.proved, func(way string) bool {
		return slices.Contains(usualWays(), way) && contact(notify.Channel(way)) == which
	})
}

// codes gives a claim's open codes: of the telephone, of the mailbox, or both.
func (s *Service) codes(ctx context.Context, tx *db.Tx, c claim) ([]challenge, error) {
	phone, email := s.claimScope(c, "phone"), s.claimScope(c, "email")
	rows, err := tx.Query(ctx, `SELECT id, nonce, channel, sent_to, expires_at, scope FROM challenge WHERE closed_at = 0 AND scope IN ($1, $2)`, phone, email)
	return db.Collect(rows, err, func(r *sql.Rows) (ch challenge, err error) {
		var expires int64
		err = r.Scan(&ch.id, &ch.nonce, &ch.channel, &ch.sentTo, &expires, &ch.scope)
		ch.expiresAt, ch.sends = db.FromMicros(expires), 1
		if bytes.Equal(ch.scope, email) != (ch.channel == string(notify.Email)) {
			ch.sends = 0 // defence: a code that went to the wrong contact is none
		}
		return ch, err
	})
}
