// Package signin decides who is at the other end: passwords, one-time codes,
// remembered devices, sessions, and proofs of single actions.
//
// Three rules stand above the rest. A remembered device is never asked for a
// code. A right code counts once, and repeating it in the same flow gives the
// same answer. What is not known is never answered with no: a session that
// cannot be checked is fault.Unavailable, not fault.Unauthenticated.
package signin

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/token"
)

// Sealer wraps secrets at rest; *masterkey.Key implements it, an issuer's key
// management may.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	Fingerprint(context string, data []byte) []byte
}

// Service is the sign-in of one cell. It is safe for use by many goroutines.
type Service struct {
	db      *db.DB
	members *member.Store
	notify  *notify.Notifier
	key     Sealer
	conf    Config
	hashes  *pool
	nobodys authenticator // see nobodysApp

	ring    *token.Keyring
	revoked token.Revocations
	recent  activity
	offline *offline

	refreshing chan struct{} // one reader of keys and revocations at a time
	keysAt     atomic.Int64  // as of when the keys are known, in microseconds
	onDemand   *rate.Limiter // of readings that a request asks for
	codeRate   *rate.Limiter // of messages with codes
	claimRate  *rate.Limiter // of claims
	enrolRate  *rate.Limiter // of enrolments, apart
}

const (
	rememberTokens = 16_384 // verified tokens kept in memory, about 1 KB each
	startTimeout   = 15 * time.Second
)

// New makes the service: it loads the signing keys, or makes the first, and
// reads what is revoked. Run must be running for it to stay current.
func New(d *db.DB, members *member.Store, n *notify.Notifier, key Sealer, c Config) (*Service, error) {
	s := Offline(d, members, n, key, c)
	if c.Jobs != nil {
		jobs.Handle(c.Jobs, detourTimeout, s.takeDetour)
		jobs.Handle(c.Jobs, claimMessageTimeout, s.sendClaim)
	}
	var err error
	if s.nobodys, err = s.nobodysApp(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return s, s.Refresh(ctx)
}

// Offline makes a Service for commands that only store members' passwords: it
// reads and makes no signing keys, so it knows nobody's session.
func Offline(d *db.DB, members *member.Store, n *notify.Notifier, key Sealer, c Config) *Service {
	c = c.withDefaults(d.Now)
	s := &Service{
		db: d, members: members, notify: n, key: key, conf: c,
		hashes:     newPool(c.Hash, c.HashWorkers, c.HashQueue, c.HashApart),
		ring:       token.NewKeyring(c.Cell, rememberTokens),
		refreshing: make(chan struct{}, 1), onDemand: rate.NewLimiter(10, 50), offline: newOffline(),
		codeRate:  rate.NewLimiter(rate.Limit(c.CodesPerSecond), int(max(1, 10*c.CodesPerSecond))),
		claimRate: rate.NewLimiter(rate.Limit(c.ClaimsPerSecond), int(max(1, 10*c.ClaimsPerSecond))),
		enrolRate: rate.NewLimiter(rate.Limit(c.EnrolmentsPerSecond), int(max(1, 10*c.EnrolmentsPerSecond))),
	}
	s.recent.init()
	if c.Later != nil {
		c.Later.Handle(openedKind, s.writeOpened)
	}
	return s
}

func (s *Service) now() time.Time { return s.conf.Now().UTC().Truncate(time.Microsecond) }
