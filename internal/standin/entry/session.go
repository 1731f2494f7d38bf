package entry

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"standfast/internal/fault"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
	"standfast/internal/token"
)

// Use is what a session is wanted for. It decides how old our knowledge of what
// was revoked may be.
type Use int

// The uses. Freezing a card does no harm to whoever holds it, so it is never too late.
const (
	Look Use = iota
	Pay
	Freeze
)

// Ages are how old the knowledge may be for each use.
type Ages struct{ Look, Pay time.Duration }

func (a Ages) of(u Use) time.Duration {
	switch u {
	case Look:
		return a.Look
	case Pay:
		return a.Pay
	}
	return 100 * 365 * 24 * time.Hour
}

// Config is what the desk must know.
type Config struct {
	Cell  string
	Rules string // "us", "gb" or "eu"
	Keys  Keys
	Known *store.Known
	Own   *store.Own
	Ages  Ages
	Idle  time.Duration // how long a session may rest
	Max   time.Duration // how long one lasts at most
	Hash  int           // passwords that are hashed at a time
	Party *Party        // for whom passkeys are; nil: none are taken
	Now   func() time.Time
}

// Desk answers who comes.
type Desk struct {
	Config
	ring    *token.Keyring
	mu      sync.Mutex // of what is learned
	revoked token.Revocations
	clock   clock
	turns   chan struct{}
	tries   *rate.Limiter // of passkeys, each of which costs a signature's check
}

// Passkeys that are tried a second; more wait for the next.
const (
	triesRate  = 50
	triesBurst = 200
)

// rememberTokens is how many verified tokens are kept in memory.
const rememberTokens = 50_000

// New makes a desk and reads what is known of keys and revocations.
func New(ctx context.Context, c Config) (*Desk, error) {
	d := &Desk{Config: c, ring: token.NewKeyring(c.Cell, rememberTokens), turns: make(chan struct{}, max(1, c.Hash)), tries: rate.NewLimiter(triesRate, triesBurst)}
	ended, err := c.Own.Ended(ctx, c.Now())
	if err != nil {
		return nil, err
	}
	if d.clock.seen, err = c.Own.Clock(ctx); err != nil {
		return nil, err
	}
	for id, keep := range ended {
		d.revoked.Add(token.Revocation{Subject: id, Keep: keep})
	}
	return d, d.learn(ctx, nil, c.Known.Position(), true)
}

// Learn takes over what core has just told. When it said so is core's clock; what it
// is complete to is not: while the feed catches up that is long past, and a clock that
// stands there too would pass for right.
func (d *Desk) Learn(ctx context.Context, list []store.Record, at store.Position, whole bool) error {
	if err := d.learn(ctx, list, at, whole); err != nil {
		return err
	}
	if at.Told.Unix() > 0 {
		d.clock.told(d.Now(), at.Told)
	}
	return nil
}

// learn takes over keys and revocations. What was revoked stays so, whatever a
// later snapshot leaves out. At a start they come from our own file, whose time
// proves nothing about the clock: it is the one that a clock must be put back to
// for old knowledge to look young.
func (d *Desk) learn(ctx context.Context, list []store.Record, at store.Position, whole bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if whole {
		var err error
		if list, err = d.everything(ctx); err != nil {
			return err
		}
	}
	keys := whole
	for _, r := range list {
		if r.Topic == feed.SigningKey {
			keys = true
		}
		if err := d.revoke(r); err != nil {
			return err
		}
	}
	if keys {
		if err := d.useKeys(ctx); err != nil {
			return err
		}
	}
	if at.Complete.Unix() > 0 {
		d.revoked.Complete(at.Complete)
	}
	return nil
}

func (d *Desk) everything(ctx context.Context) (list []store.Record, err error) {
	for _, topic := range []string{feed.SessionRevoked, feed.MemberCutOff} {
		part, err := d.Known.All(ctx, topic)
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	return list, nil
}

// cutOffKeep is how long a member's cut-off is remembered: longer than any session lasts.
const cutOffKeep = 400 * 24 * time.Hour

func (d *Desk) revoke(r store.Record) error {
	if r.Gone {
		return nil
	}
	switch r.Topic {
	case feed.SessionRevoked:
		var b feed.SessionRevokedBody
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return err
		}
		d.revoked.Add(token.Revocation{Subject: r.ID, Keep: b.Until})
	case feed.MemberCutOff:
		var b feed.MemberCutOffBody
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return err
		}
		d.revoked.Add(token.Revocation{Subject: r.ID, Before: b.At, Keep: b.At.Add(cutOffKeep)})
	}
	return nil
}

func (d *Desk) useKeys(ctx context.Context) error {
	list, err := d.Known.All(ctx, feed.SigningKey)
	if err != nil {
		return err
	}
	public := []token.PublicKey{d.Keys.own()}
	for _, r := range list {
		var b feed.SigningKeyBody
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return err
		}
		raw, err := anyBase64(b.PublicKey)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return fault.Wrap(fault.Unavailable, feed.CodeShape, "The feed has a signing key that is none.", err)
		}
		public = append(public, token.PublicKey{ID: r.ID, Key: raw})
	}
	return d.ring.Replace(public, d.Keys.signer())
}

// anyBase64 reads base64 of either alphabet, padded or not.
func anyBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	return base64.RawURLEncoding.DecodeString(s)
}

// Session is who was signed in, by core or here.
type Session struct {
	token.Claims
	Remint string // a newer token for the browser; "" for none
}

// Check answers who a token's bearer is: a session; none (Unauthenticated); or not
// known now (Unavailable), after which nothing may be taken from the browser.
func (d *Desk) Check(tok string, use Use) (Session, error) {
	if tok == "" {
		return Session{}, signedOut(nil)
	}
	c, err := d.ring.Read(tok)
	if _, missing := err.(*token.UnknownKeyError); missing { //nolint:errorlint // Read gives it bare
		return Session{}, unknown() // it may be a key of core's that we have not heard of
	}
	if err != nil || c.Kind != token.KindSession {
		return Session{}, signedOut(err)
	}
	now := d.Now()
	switch answer := d.revoked.Check(c, now, d.Ages.of(use)); {
	case d.revoked.Revokes(c):
		return Session{}, signedOut(nil)
	case answer == token.Unknown, !d.MayLook() && (use != Freeze || answer == token.Revoked):
		return Session{}, unknown() // also of one that is over by a clock that may be wrong
	case answer == token.Revoked:
		return Session{}, signedOut(nil)
	}
	return d.renewed(c, now)
}

// renewed gives a newer token when a quarter of the idle time has gone.
func (d *Desk) renewed(c token.Claims, now time.Time) (Session, error) {
	s := Session{Claims: c}
	if c.Idle.Sub(now) > d.Idle*3/4 || c.Idle.Equal(c.Expires) {
		return s, nil
	}
	tok, err := d.sign(c, now)
	s.Remint = tok
	return s, err
}

func (d *Desk) sign(c token.Claims, now time.Time) (string, error) {
	c.IssuedAt, c.Idle = now, now.Add(d.Idle)
	if c.Expires.Before(c.Idle) {
		c.Idle = c.Expires
	}
	return d.ring.Sign(c)
}

// SignOut ends a session here and, as soon as core hears of it, everywhere.
func (d *Desk) SignOut(ctx context.Context, s Session) error {
	if err := d.Own.End(ctx, s.ID, s.MemberID, d.Now(), s.Expires); err != nil {
		return err
	}
	d.revoked.Add(token.Revocation{Subject: s.ID, Keep: s.Expires})
	return nil
}

// AsOf is until when revocations are complete.
func (d *Desk) AsOf() time.Time { return d.revoked.AsOf() }

func signedOut(cause error) error {
	return fault.Wrap(fault.Unauthenticated, "session.over", "You are signed out. Please sign in.", cause)
}

func unknown() error {
	return fault.New(fault.Unavailable, "session.unknown", "We cannot check your session just now. You stay signed in; please try again shortly.")
}
