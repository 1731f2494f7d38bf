package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// purpose is what a code is for. One purpose's code is never taken for the other.
type purpose string

const (
	signIn purpose = "sign-in"
	stepUp purpose = "step-up"
	// contactProof shows that whoever asks for another contact point reads it.
	contactProof purpose = "contact"
)

// signedIn tells whether a code of this purpose is given by somebody who is
// signed in, and stays so whatever the code is.
func (p purpose) signedIn() bool { return p == stepUp || p == contactProof }

const (
	codeDigits = 6 // SP 800-63B-4: at least 6
	maxSends   = 5 // messages with one code
	nonceSize  = 16
)

// challenge is a row of the table.
type challenge struct {
	id, memberID, sessionID string
	purpose                 purpose
	scope, flow             []byte
	action                  string
	actionHash              []byte
	template                string
	data                    map[string]any
	nonce                   []byte
	channel, sentTo         string
	sends                   int
	sentAt                  time.Time
	createdAt, expiresAt    time.Time
	triesLeft               int
	closedAt, usedAt        time.Time
	redeemedAt              time.Time
	made                    string
	way                     string   // how it was answered; "" not yet
	answered                []byte   // keyed hash of the right answer
	ways                    []string // how it can be answered; not stored, nor is what follows
	from                    Client   // who asks for a message
	device                  string   // of it
	fate                    fate     // of the messages so far
	next                    string   // channel to offer when the code does not arrive
	reference               string   // for the telephone, when there is no next one
}

// code gives the six digits. They are nowhere stored: they follow from random
// bytes in the row and the master key, so a resend repeats them, and whoever
// reads the database learns nothing. 2^64 is so much larger than 10^6 that the
// digits' bias is below 10^-13.
func (s *Service) code(c challenge) string {
	f := s.key.Fingerprint("signin.code", append([]byte(c.id), c.nonce...))
	return fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint64(f)%1_000_000)
}

// readCode takes a code, or a recovery code, as people type it: with spaces and dashes.
func readCode(typed string) (string, error) {
	var digits strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
		default:
			return "", fault.InvalidField("body.code", "code.digits", "A code has digits only.")
		}
	}
	if n := digits.Len(); n != codeDigits && n != recoveryDigits {
		return "", fault.InvalidField("body.code", "code.length", "The code has 6 digits, a recovery code 12.")
	}
	return digits.String(), nil
}

// flowHash is how a flow's id is kept; a client without one has none.
func (s *Service) flowHash(c Client) []byte {
	if c.FlowID == "" {
		return []byte{}
	}
	return s.key.Fingerprint("signin.flow", []byte(c.FlowID))
}

// ask sends a code, or gives the challenge that is open in the same scope: one
// flow, or one action of one session, is never sent two.
func (s *Service) ask(ctx context.Context, tx *db.Tx, m member.Member, c challenge) (challenge, error) {
	open, err := readChallenge(ctx, tx, `scope = $1 AND closed_at = 0`, c.scope)
	if err == nil && tx.Now.Before(open.expiresAt) {
		open.ways, err = s.ways(ctx, tx, &open)
		return open, err
	}
	if err == nil {
		err = closeChallenges(ctx, tx, `id = $1`, open.id)
	}
	if err != nil && err != db.ErrNoRows {
		return challenge{}, err
	}
	limits := append(s.codeLimits(m.ID), s.sendLimits(c)[1:]...)
	if err := read(ctx, tx, limits, true); err != nil {
		return challenge{}, err
	}
	if err := blocked(limits, tx.Now); err != nil {
		return challenge{}, err
	}
	return s.send(ctx, tx, m, c)
}

// codeLimits are the counts that a right code takes back.
func (s *Service) codeLimits(memberID string) []gauge {
	return []gauge{s.gauge(perDead(), memberID, memberID), s.gauge(perSend(), memberID, memberID)}
}

// send makes a new challenge and, unless the member's app answers it, its first
// message.
func (s *Service) send(ctx context.Context, tx *db.Tx, m member.Member, c challenge) (challenge, error) {
	c.id, c.memberID, c.nonce = cmp.Or(c.id, db.NewID()), m.ID, make([]byte, nonceSize)
	_, _ = rand.Read(c.nonce) // never fails (crypto/rand)
	byMessage, err := s.begin(ctx, tx, &c)
	if err != nil {
		return challenge{}, err
	}
	var to string
	if byMessage {
		r, err := s.routesFor(ctx, tx, m, c.purpose)
		if err != nil {
			return challenge{}, err
		}
		channel, err := s.first(r)
		if err != nil {
			return challenge{}, err
		}
		to = r.to[channel]
		c.fate = fate{sends: 1, used: []notify.Channel{channel}, latest: channel, delivery: DeliveryWaiting}
		c.channel, c.sentTo, c.sends, c.sentAt = string(channel), masked(to), 1, tx.Now
	}
	c.createdAt, c.expiresAt, c.triesLeft = tx.Now, tx.Now.Add(s.conf.CodeTTL), s.conf.CodeTries
	if len(c.scope) == 0 { // nothing names the attempt, so nothing can come back to it
		c.scope = s.key.Fingerprint("signin.scope/once", []byte(c.id))
	}
	if err := c.insert(ctx, tx); err != nil {
		return challenge{}, err
	}
	if !byMessage {
		return c, nil
	}
	return c, s.message(ctx, tx, m, to, c)
}

// masked shows enough of an address for its owner to know it.
func masked(to string) string {
	if at := strings.LastIndexByte(to, '@'); at > 0 {
		first := []rune(to)[:1]
		return string(first) + "•••" + to[at:]
	}
	if len(to) > 4 {
		return "••• " + to[len(to)-4:]
	}
	return "•••"
}

// public is what the client may see.
func (s *Service) public(c challenge) *Challenge {
	return &Challenge{
		ID: c.id, Channel: c.channel, SentTo: c.sentTo, ExpiresAt: c.expiresAt, TriesLeft: c.triesLeft,
		ResendAt: c.resendAt(s.conf.ResendAfter), OtherAt: s.otherAt(c), Ways: c.ways,
		Delivery: c.fate.delivery, NextChannel: c.suggested(), Reference: c.reference,
		Reason: c.reason(),
	}
}

// resendAt is from when on a message can be sent again, or at all.
func (c challenge) resendAt(floor time.Duration) time.Time {
	if c.sends == 0 {
		return c.createdAt
	}
	return c.sentAt.Add(floor)
}

// try compares a typed code, counting it exactly: c's row is locked. A right one
// leaves in c how it was right; refusal is what the client hears otherwise.
func (s *Service) try(ctx context.Context, tx *db.Tx, c *challenge, typed string, from Client) (refusal, err error) {
	if !c.usedAt.IsZero() {
		return s.tryAgain(*c, typed), nil
	}
	if c.triesLeft <= 0 {
		return codeOver(c.purpose), nil
	}
	way, err := s.rightBy(ctx, tx, *c, typed, from)
	if err != nil {
		return nil, err
	}
	if way != "" {
		c.way, c.answered = way, s.answeredBy(*c, typed)
		return nil, nil
	}
	c.triesLeft--
	_, err = tx.Exec(ctx, `UPDATE challenge SET tries_left = $2 WHERE id = $1`, c.id, c.triesLeft)
	if err != nil || c.triesLeft > 0 {
		return codeWrong(c.purpose, c.triesLeft), err
	}
	if err := closeChallenges(ctx, tx, `id = $1`, c.id); err != nil {
		return nil, err
	}
	return codeWrong(c.purpose, 0), s.gauge(perDead(), c.memberID, c.memberID).count(ctx, tx)
}

// use marks a right code as used, for good, and takes back what was counted
// against its member.
func (s *Service) use(ctx context.Context, tx *db.Tx, c challenge, made string) error {
	if err := c.spend(ctx, tx, made); err != nil {
		return err
	}
	return forgive(ctx, tx, s.codeLimits(c.memberID))
}

// spend marks a right code as used.
func (c challenge) spend(ctx context.Context, tx *db.Tx, made string) error {
	_, err := tx.Exec(ctx, `UPDATE challenge SET used_at = $2, closed_at = $2, made = $3, way = $4, answered = $5 WHERE id = $1`,
		c.id, db.Micros(tx.Now), null(made), c.way, bytesOf(c.answered))
	return err
}

// closeChallenges makes open challenges worthless.
func closeChallenges(ctx context.Context, tx *db.Tx, where string, args ...any) error {
	_, err := tx.Exec(ctx, `UPDATE challenge SET closed_at = `+arg(len(args)+1)+` WHERE closed_at = 0 AND `+where, append(args, db.Micros(tx.Now))...)
	return err
}

const challengeColumns = `id, purpose, member_id, session_id, scope, flow, action, action_hash, template, data, nonce, channel, sent_to,
	sends, sent_at, created_at, expires_at, tries_left, closed_at, used_at, redeemed_at, made, way, answered`

func (c challenge) insert(ctx context.Context, tx *db.Tx) error {
	data, err := json.Marshal(c.data) // amounts keep their currency, so that a resend writes them as the first message did
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO challenge (`+challengeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, 0, 0, NULL, '', $19)`,
		c.id, string(c.purpose), c.memberID, null(c.sessionID), c.scope, c.flow, c.action, bytesOf(c.actionHash), c.template, string(data), c.nonce,
		c.channel, c.sentTo, c.sends, db.Micros(c.sentAt), db.Micros(c.createdAt), db.Micros(c.expiresAt), c.triesLeft, []byte{})
	return err
}

// bytesOf gives a value that is not NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// readChallenge reads and locks one challenge; db.ErrNoRows when there is none.
func readChallenge(ctx context.Context, tx *db.Tx, where string, args ...any) (challenge, error) {
	return scanChallenge(tx.QueryRow(ctx, `SELECT `+challengeColumns+` FROM challenge WHERE `+where+forUpdate(tx), args...))
}

func scanChallenge(row *sql.Row) (c challenge, err error) {
	var session, made sql.NullString
	var data string
	var sent, created, expires, closed, used, redeemed int64
	err = row.Scan(&c.id, &c.purpose, &c.memberID, &session, &c.scope, &c.flow, &c.action, &c.actionHash, &c.template, &data, &c.nonce,
		&c.channel, &c.sentTo, &c.sends, &sent, &created, &expires, &c.triesLeft, &closed, &used, &redeemed, &made, &c.way, &c.answered)
	if err != nil {
		return challenge{}, err
	}
	c.sessionID, c.made = session.String, made.String
	c.sentAt, c.createdAt, c.expiresAt = db.FromMicros(sent), db.FromMicros(created), db.FromMicros(expires)
	c.closedAt, c.usedAt, c.redeemedAt = db.FromMicros(closed), db.FromMicros(used), db.FromMicros(redeemed)
	return c, json.Unmarshal([]byte(data), &c.data)
}
