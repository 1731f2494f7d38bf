package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// Check answers who a token's bearer is. There are three answers: a session; no
// session (fault.Unauthenticated: none, over, or ended); and not known now
// (fault.Unavailable), after which nothing may be taken from the client.
//
// In the normal case it asks no database: the token is signed, and the list of
// revocations is in memory. How old that list may be depends on use.
func (s *Service) Check(ctx context.Context, tok string, use Use) (Session, error) {
	c, err := s.claims(ctx, tok)
	if err != nil {
		return Session{}, err
	}
	if c.Kind != token.KindSession {
		return Session{}, signedOut()
	}
	now := s.now()
	answer := s.revoked.Check(c, now, s.maxAge(use))
	if answer == token.Unknown && s.askNow(ctx, s.readRevocations) {
		answer = s.revoked.Check(c, now, s.maxAge(use))
	}
	switch answer {
	case token.Valid:
		if use != Look && slices.Contains(c.Methods, byReplica) {
			return Session{}, lookOnly()
		}
		return s.session(c, now)
	case token.Revoked:
		return Session{}, signedOut()
	}
	return Session{}, unknown()
}

func (s *Service) maxAge(use Use) time.Duration {
	if use == Look {
		return s.conf.LookAge
	}
	return s.conf.PayAge
}

// claims reads a token. One under a key that another process may just have made
// is looked for before it is refused.
func (s *Service) claims(ctx context.Context, tok string) (token.Claims, error) {
	if tok == "" {
		return token.Claims{}, signedOut()
	}
	c, err := s.ring.Read(tok)
	missing, ok := errors.AsType[*token.UnknownKeyError](err)
	if ok && couldBeNew(missing.KeyID, db.FromMicros(s.keysAt.Load())) {
		if !s.askNow(ctx, s.loadKeys) {
			return token.Claims{}, unknown()
		}
		c, err = s.ring.Read(tok)
	}
	if err != nil {
		return token.Claims{}, fault.Wrap(fault.Unauthenticated, "session.over", "You are signed out. Please sign in.", err)
	}
	return c, nil
}

// session gives a valid token's session, with a newer token when a quarter of
// the idle time has gone.
func (s *Service) session(c token.Claims, now time.Time) (Session, error) {
	if at := s.recent.note(c.ID, now); at.After(c.ProvedAt) {
		c.ProvedAt = at
	}
	sess := Session{
		ID: c.ID, MemberID: c.MemberID, DeviceID: c.DeviceID, AuthenticatedAt: c.AuthenticatedAt,
		ExpiresAt: c.Expires, IdleAt: c.Idle, ProvedAt: c.ProvedAt, Methods: c.Methods,
	}
	if c.Idle.Sub(now) > s.conf.SessionIdle*3/4 || c.Idle.Equal(c.Expires) {
		return sess, nil
	}
	tok, at, err := s.recent.remint(c.ID, now, func() (string, error) { return s.sign(c, now) })
	if err != nil {
		return Session{}, err
	}
	sess.Remint, sess.IdleAt = tok, s.idleAfter(c, at)
	return sess, nil
}

// sign makes a session's token that is good for the idle time from now.
func (s *Service) sign(c token.Claims, now time.Time) (string, error) {
	c.IssuedAt, c.Idle = now, s.idleAfter(c, now)
	return s.ring.Sign(c)
}

// idleAfter is when a session ends if nothing more is done after an instant.
func (s *Service) idleAfter(c token.Claims, now time.Time) time.Time {
	if end := now.Add(s.conf.SessionIdle); end.Before(c.Expires) {
		return end
	}
	return c.Expires
}

// Fresh tells whether a code or passkey was given in the session within the time.
func (s *Service) Fresh(sess Session, within time.Duration) bool {
	now := s.now()
	proved := sess.ProvedAt
	if at := s.recent.note(sess.ID, now); at.After(proved) {
		proved = at
	}
	return !proved.IsZero() && now.Sub(proved) <= within
}
