package signin

import (
	"context"
	"database/sql"
	"time"

	"standfast/internal/db"
	"standfast/internal/token"
)

const (
	refreshEvery   = time.Second
	refreshTimeout = 3 * time.Second
	// overlap is read again each time: a row's time is that of its transaction's
	// begin by the clock of whoever wrote it, and it is seen when that has
	// committed. Transactions that revoke give up long before (see revokeTimeout);
	// the rest is for clocks that differ, five minutes to either side of the true time.
	overlap       = 12 * time.Minute
	revokeTimeout = 15 * time.Second
	flushEvery    = 5 * time.Second
	pruneEvery    = time.Hour
)

// Run keeps keys and revocations current until ctx ends. While the database is
// out of reach it goes on trying, and Check answers from what was last known.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	var flushed, pruned, settled time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(ctx, refreshTimeout)
		err := s.Refresh(bounded)
		cancel()
		if err != nil {
			continue
		}
		if time.Since(flushed) > flushEvery {
			flushed = time.Now()
			s.flushActivity(ctx)
		}
		if time.Since(settled) > settleEvery {
			settled = time.Now()
			_ = s.settleContacts(ctx) // tried again in a minute
		}
		if time.Since(pruned) > pruneEvery {
			pruned = time.Now()
			_ = s.prune(ctx) // tried again in an hour; what is left over does no harm
		}
	}
}

// Refresh reads keys, revocations and step-ups of other processes once.
func (s *Service) Refresh(ctx context.Context) error {
	return s.oneAtATime(ctx, func() error {
		now := s.now()
		if now.Sub(db.FromMicros(s.keysAt.Load())) >= keysEvery {
			if err := s.loadKeys(ctx, now); err != nil {
				return err
			}
		}
		return s.readRevocations(ctx, now)
	})
}

// oneAtATime waits for whoever is reading already, at most until ctx ends.
func (s *Service) oneAtATime(ctx context.Context, read func() error) error {
	select {
	case s.refreshing <- struct{}{}:
		defer func() { <-s.refreshing }()
		return read()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// onDemandTimeout bounds how long a request waits for what it needs to know.
const onDemandTimeout = time.Second

// askNow is for a request that cannot be answered from what is known: it reads
// in the request's name, within bounds, and tells whether that has worked.
func (s *Service) askNow(ctx context.Context, read func(ctx context.Context, now time.Time) error) bool {
	if !s.onDemand.Allow() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, onDemandTimeout)
	defer cancel()
	return s.oneAtATime(ctx, func() error { return read(ctx, s.now()) }) == nil
}

// readRevocations is called one at a time.
func (s *Service) readRevocations(ctx context.Context, now time.Time) error {
	since := db.Micros(s.revoked.AsOf().Add(-overlap)) // the first time: long before everything
	var list []token.Revocation
	proofs := map[string]time.Time{}
	err := s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT subject, keep FROM revocation WHERE at >= $1`, since)
		list, err = db.Collect(rows, err, scanRevocation)
		if err != nil {
			return err
		}
		cuts, err := s.cutOffsSince(ctx, tx, since, now)
		if err != nil {
			return err
		}
		list = append(list, cuts...)
		rows, err = tx.Query(ctx, `SELECT id, stepped_up_at FROM session WHERE stepped_up_at > 0 AND stepped_up_at >= $1`, max(since, db.Micros(now.Add(-s.conf.SessionIdle))))
		if err != nil {
			return err
		}
		return scanProofs(rows, proofs)
	})
	if err == nil {
		err = s.db.Sound(ctx) // of another database the list would seem complete and lack everything
	}
	if err != nil {
		return err
	}
	s.revoked.Add(list...)
	s.revoked.Complete(now)
	s.recent.proved(proofs)
	return nil
}

func scanRevocation(r *sql.Rows) (v token.Revocation, err error) {
	var keep int64
	err = r.Scan(&v.Subject, &keep)
	v.Keep = db.FromMicros(keep)
	return v, err
}

func scanProofs(rows *sql.Rows, into map[string]time.Time) error {
	defer rows.Close()
	for rows.Next() {
		var id string
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		into[id] = db.FromMicros(at)
	}
	return rows.Err()
}

// How long records are kept after they have lost their use.
const (
	keepSessions   = 90 * 24 * time.Hour
	keepChallenges = 30 * 24 * time.Hour
)

// prune deletes what nobody needs any more. The proofs of step-ups stay: they
// are evidence of what a member agreed to.
func (s *Service) prune(ctx context.Context) error {
	now := s.now()
	old := []struct {
		query  string
		before time.Time
	}{
		{`DELETE FROM revocation WHERE keep < $1`, now},
		{`DELETE FROM session WHERE expires_at < $1`, now.Add(-keepSessions)},
		{`DELETE FROM challenge WHERE expires_at < $1 AND (purpose = 'sign-in' OR redeemed_at = 0)`, now.Add(-keepChallenges)},
		{`DELETE FROM step_up_evidence WHERE asked_at < $1 AND redeemed_at = 0`, now.Add(-keepChallenges)},
		{`DELETE FROM claim WHERE expires_at < $1 AND outcome <> 'done'`, now.Add(-keepChallenges)},
		{`DELETE FROM contact_change WHERE asked_at < $1 AND state = 'unproved'`, now.Add(-keepUnproved)},
		{`DELETE FROM kept_form WHERE expires_at <= $1`, now},
		{`DELETE FROM device_proof WHERE keep_until < $1`, now},
		{`DELETE FROM signing_key WHERE retired_at > 0 AND verify_until < $1`, now},
	}
	for _, o := range old {
		err := s.db.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, o.query, db.Micros(o.before)); return err })
		if err != nil {
			return err
		}
	}
	err := s.db.WithTx(ctx, func(tx *db.Tx) error { return forgetStrangers(ctx, tx, keepNames) })
	if err != nil || s.conf.Passkeys == nil {
		return err
	}
	return s.conf.Passkeys.Tidy(ctx)
}
