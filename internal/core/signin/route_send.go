package signin

import (
	"context"
	"crypto/rand"
	"math/big"
	"slices"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// lands tells that what a code leads to is there before one is sent: a session
// can be signed, and the page that it opens answers. (That the database can be
// written shows in the transaction that stores the message.) On the day of the
// outage right codes led to "not found".
func (s *Service) lands(ctx context.Context) error {
	now := s.now()
	_, err := s.ring.Sign(token.Claims{Kind: token.KindSession, ID: nobody, MemberID: nobody, DeviceID: nobody, IssuedAt: now, AuthenticatedAt: now, Idle: now, Expires: now})
	if err == nil && s.conf.Landing != nil {
		err = s.conf.Landing(ctx)
	}
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, "signin.not-ready", "We cannot open your accounts just now, so we have sent no code. Please try again in a moment.", err)
}

// message sends the challenge's code to an address of its channel.
func (s *Service) message(ctx context.Context, tx *db.Tx, m member.Member, to string, c challenge) error {
	if err := s.lands(ctx); err != nil {
		return err
	}
	if !s.codeRate.AllowN(s.now(), 1) {
		return fault.New(fault.Unavailable, "signin.busy", "Very many people are signing in just now. Please try again in a moment.").OfLoad()
	}
	if err := s.countSend(ctx, tx, m, c); err != nil {
		return err
	}
	if err := requested(ctx, tx, c, 1); err != nil {
		return err
	}
	if err := s.detourLater(ctx, tx, c); err != nil {
		return err
	}
	return s.notify.Send(ctx, tx, notify.Message{
		MemberID: m.ID, To: to, Channel: notify.Channel(c.channel), Locale: m.Locale,
		Template: c.template, Data: c.data, Code: s.code(c), Until: c.expiresAt, About: c.id,
	})
}

// Resend sends the code again: the same one, by another channel if one is named.
// By the same channel that takes ResendAfter since the message before; by
// another LateAfter, or nothing when the one before has failed. Errors: TooMany
// before that and beyond what is sent for one code or to one member, Invalid for
// a channel that is not among the challenge's ways.
func (s *Service) Resend(ctx context.Context, challengeID, channel string, c Client) (out Challenge, err error) {
	device, _, err := s.device(ctx, c.DeviceToken)
	if err != nil {
		return Challenge{}, err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		ch, err := s.openChallenge(ctx, tx, challengeID, c)
		if err != nil {
			return err
		}
		ch.from, ch.device = c, device
		if ch, err = s.resend(ctx, tx, ch, notify.Channel(channel)); err != nil {
			return err
		}
		offered, err := s.offer(ctx, tx, ch)
		if err == nil {
			out = *offered
		}
		return err
	})
	return out, err
}

// resend sends an open challenge's code once more.
func (s *Service) resend(ctx context.Context, tx *db.Tx, c challenge, wanted notify.Channel) (challenge, error) {
	m, err := s.recipient(ctx, tx, c)
	if err != nil {
		return c, err
	}
	if c.ways, err = s.ways(ctx, tx, &c); err != nil {
		return c, err
	}
	r, err := s.routesFor(ctx, tx, m, c.purpose)
	if err != nil {
		return c, err
	}
	r = r.of(c)
	if wanted == "" && c.sends > 0 {
		wanted = notify.Channel(c.channel)
	}
	if wanted == "" {
		if wanted, err = s.first(r); err != nil {
			return c, err
		}
	}
	if !slices.Contains(c.ways, string(wanted)) || r.to[wanted] == "" {
		return c, fault.InvalidField("body.channel", "signin.channel", "We cannot send you a code that way.")
	}
	if err := s.mayResend(ctx, tx, c, wanted); err != nil {
		return c, err
	}
	return s.sendBy(ctx, tx, m, c, wanted, r.to[wanted])
}

// mayResend holds a challenge to the bounds on messages.
func (s *Service) mayResend(ctx context.Context, tx *db.Tx, c challenge, wanted notify.Channel) error {
	if c.sends >= maxSends {
		return tooMany(c.expiresAt.Sub(tx.Now))
	}
	at := s.otherAt(c)
	if wanted == c.fate.latest {
		at = c.resendAt(s.conf.ResendAfter)
	}
	if wait := at.Sub(tx.Now); wait > 0 {
		return tooMany(wait)
	}
	limits := s.sendLimits(c)
	if err := read(ctx, tx, limits, true); err != nil {
		return err
	}
	return blocked(limits, tx.Now)
}

// sendBy sends the code by a channel and notes that in the challenge.
func (s *Service) sendBy(ctx context.Context, tx *db.Tx, m member.Member, c challenge, ch notify.Channel, to string) (challenge, error) {
	c.channel, c.sentTo, c.sends, c.sentAt = string(ch), masked(to), c.sends+1, tx.Now
	_, err := tx.Exec(ctx, `UPDATE challenge SET channel = $2, sent_to = $3, sends = $4, sent_at = $5 WHERE id = $1`,
		c.id, c.channel, c.sentTo, c.sends, db.Micros(c.sentAt))
	if err != nil {
		return c, err
	}
	if err := s.message(ctx, tx, m, to, c); err != nil {
		return c, err
	}
	c.ways, err = s.ways(ctx, tx, &c)
	return c, err
}

// detour is the job that sends a code by the next channel when nothing says that
// it has arrived.
type detour struct {
	ChallengeID string `json:"challenge_id"`
	Sends       int    `json:"sends"` // as many as there were when it was stored
}

// Kind names the job.
func (detour) Kind() string { return "signin.detour" }

const (
	detourLooks   = 5 * time.Second // between two looks at the receipts
	detourTimeout = 10 * time.Second
	detourTries   = 5
)

// detourLater has the receipts of a message looked at, for a member who asked
// for the next channel to be used by itself.
func (s *Service) detourLater(ctx context.Context, tx *db.Tx, c challenge) error {
	if s.conf.Jobs == nil {
		return nil
	}
	p, err := preference(ctx, tx, c.memberID)
	if err != nil || !p.ByItself {
		return err
	}
	return s.conf.Jobs.Enqueue(ctx, tx, detour{c.id, c.sends}, jobs.Options{At: tx.Now.Add(min(detourLooks, s.conf.LateAfter)), MaxAttempts: detourTries})
}

// takeDetour looks at a challenge's receipts and, when its code is late or will
// not arrive, sends it by the next channel. Whatever else has happened to the
// challenge meanwhile ends the matter.
func (s *Service) takeDetour(ctx context.Context, d detour, _ jobs.Attempt) error {
	var wait time.Duration
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		wait = 0
		c, err := s.lockChallenge(ctx, tx, d.ChallengeID)
		if err == db.ErrNoRows || err == nil && (c.sends != d.Sends || !c.closedAt.IsZero() || !tx.Now.Before(c.expiresAt)) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.ways, err = s.ways(ctx, tx, &c); err != nil {
			return err
		}
		switch c.fate.delivery {
		case DeliveryDelivered:
			return nil
		case DeliveryWaiting:
			wait = max(time.Second, min(detourLooks, c.sentAt.Add(s.conf.LateAfter).Sub(tx.Now)))
			return nil
		}
		if c.next == "" {
			return nil
		}
		_, err = s.resend(ctx, tx, c, notify.Channel(c.next))
		if fault.Is(err, fault.TooMany) {
			return nil // what is sent for one code is used up
		}
		return err
	})
	if err == nil && wait > 0 {
		return jobs.Snooze(wait)
	}
	return err
}

// lockChallenge locks a challenge for work that no client asked for; the
// credential's lock comes first, as everywhere.
func (s *Service) lockChallenge(ctx context.Context, tx *db.Tx, id string) (challenge, error) {
	var memberID string
	if err := tx.QueryRow(ctx, `SELECT member_id FROM challenge WHERE id = $1`, id).Scan(&memberID); err != nil {
		return challenge{}, err
	}
	if _, err := lockCredential(ctx, tx, memberID); err != nil && err != db.ErrNoRows {
		return challenge{}, err
	}
	return readChallenge(ctx, tx, `id = $1`, id)
}

// referenceAlphabet has no two characters that look or sound too much alike, as
// that of confirmation numbers.
const (
	referenceAlphabet = "23456789ACDEFGHJKMNPQRSTVWXYZ"
	referenceLength   = 8 // 39 bits; the table's unique key has the last word
)

func newReference() string {
	b := make([]byte, referenceLength)
	for i := range b {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(referenceAlphabet)))) // never fails (crypto/rand)
		b[i] = referenceAlphabet[n.Int64()]
	}
	return string(b[:4]) + "-" + string(b[4:])
}
