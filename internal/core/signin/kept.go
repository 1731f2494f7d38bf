package signin

import (
	"context"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

const (
	keptFor = 30 * time.Minute // after that a form is typed again
	maxKept = 8 << 10          // bytes of one form
)

// Keep keeps what was typed into a form whose session had ended by its time, for
// the member of that session and nobody else, and gives the id to ask for it by.
// It is the caller's to leave out passwords and codes. id is "" where nothing is
// kept: the token is none of ours, or its session was ended by somebody's wish.
func (s *Service) Keep(ctx context.Context, tok string, form []byte) (id string, err error) {
	c, err := s.claims(ctx, tok)
	if fault.Is(err, fault.Unauthenticated) || err == nil && !s.timedOut(c) || len(form) > maxKept {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sealed, err := s.key.Seal(form, keptContext(c.ID, c.MemberID))
	if err != nil {
		return "", err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO kept_form (session_id, member_id, sealed, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (session_id) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at`,
			c.ID, c.MemberID, sealed, db.Micros(tx.Now.Add(keptFor)))
		return err
	})
	return c.ID, err
}

// timedOut tells whether a session has ended by its time and not otherwise.
func (s *Service) timedOut(c token.Claims) bool {
	now := s.now()
	return c.Kind == token.KindSession && (!now.Before(c.Idle) || !now.Before(c.Expires)) && !s.revoked.Revokes(c)
}

// Kept gives the member of a session the form that was kept for them, or nil.
// It stays until its time is over, so a page can be reloaded.
func (s *Service) Kept(ctx context.Context, sess Session, id string) (form []byte, err error) {
	if !db.ValidID(id) {
		return nil, nil
	}
	var sealed []byte
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT sealed FROM kept_form WHERE session_id = $1 AND member_id = $2 AND expires_at > $3`,
			id, sess.MemberID, db.Micros(s.now())).Scan(&sealed)
	})
	if err == db.ErrNoRows {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.key.Open(sealed, keptContext(id, sess.MemberID))
}

func keptContext(sessionID, memberID string) []byte {
	return []byte("signin.kept/" + sessionID + "/" + memberID)
}
