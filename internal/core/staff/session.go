package staff

import (
	"context"
	"time"

	"standfast/internal/db"
)

// Session is somebody who is signed in, as their latest request found them.
type Session struct {
	ID      string
	Person  Person
	EndsAt  time.Time // unless there is another request before
	LastsTo time.Time // at the latest
	Proved  time.Time // when a passkey last said who it is
	token   string
}

// May tells whether who is signed in may do something; pages ask it for what they
// offer. What is done asks again.
func (s Session) May(a Action) bool { return s.Person.Role.May(a) }

// seenEvery is how often a session's use is stored. A session that rests ends up
// to this much earlier than Idle says.
const seenEvery = 15 * time.Second

// begin makes a session and gives its token. It forgets those that are over.
func begin(ctx context.Context, tx *db.Tx, personID string) (string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM staff_session WHERE created_at <= $1`, db.Micros(tx.Now.Add(-SessionMax))); err != nil {
		return "", err
	}
	t := newTicket()
	_, err := tx.Exec(ctx, `INSERT INTO staff_session (id, person_id, digest, created_at, seen_at, proved_at) VALUES ($1, $2, $3, $4, $4, $4)`,
		t.id, personID, t.digest(), db.Micros(tx.Now))
	return t.String(), err
}

// Check gives the session of a token, and keeps it alive. Errors: Unauthenticated
// when it is known to be over; Unavailable while nobody knows.
func (s *Service) Check(ctx context.Context, token string) (sess Session, err error) {
	stale := false
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var seen time.Time
		sess, seen, err = read(ctx, tx, token)
		stale = tx.Now.Sub(seen) >= seenEvery
		return err
	})
	if err != nil || !stale {
		return sess, err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE staff_session SET seen_at = $2 WHERE id = $1 AND seen_at < $2`, sess.ID, db.Micros(tx.Now))
		sess.EndsAt = earlier(tx.Now.Add(Idle), sess.LastsTo)
		return err
	})
	return sess, err
}

// read gives the session of a token at the transaction's time: it is one only as
// long as its person could sign in now. A lock does not end it: it stops guesses,
// not who is in.
func read(ctx context.Context, tx *db.Tx, token string) (sess Session, seen time.Time, err error) {
	t, ok := readTicket(token)
	if !ok {
		return sess, seen, signInAgain()
	}
	var personID string
	var digest []byte
	var createdAt, seenAt, provedAt int64
	err = tx.QueryRow(ctx, `SELECT person_id, digest, created_at, seen_at, proved_at FROM staff_session WHERE id = $1`, t.id).Scan(&personID, &digest, &createdAt, &seenAt, &provedAt)
	if err != nil && err != db.ErrNoRows {
		return sess, seen, err
	}
	if !t.matches(digest) {
		return sess, seen, signInAgain()
	}
	seen, last := db.FromMicros(seenAt), db.FromMicros(createdAt).Add(SessionMax)
	sess = Session{ID: t.id, EndsAt: earlier(seen.Add(Idle), last), LastsTo: last, Proved: db.FromMicros(provedAt), token: token}
	if sess.Person, err = person(ctx, tx, personID); err != nil {
		return Session{}, seen, err
	}
	if st := sess.Person.Standing(tx.Now); !tx.Now.Before(sess.EndsAt) || st != Active && st != Locked {
		return Session{}, seen, signInAgain()
	}
	return sess, seen, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// SignOut ends the session of a token. One that is over is no error.
func (s *Service) SignOut(ctx context.Context, token string, c Client) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		sess, _, err := read(ctx, tx, token)
		if err != nil {
			return unlessOver(err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM staff_session WHERE id = $1`, sess.ID); err != nil {
			return err
		}
		return record(ctx, tx, actor{"staff", sess.Person.ID, c.IP}, "staff.sign-out", "session", sess.ID, nil)
	})
}

// endSessions ends all that a person has; their next request is refused.
func endSessions(ctx context.Context, tx *db.Tx, personID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM staff_session WHERE person_id = $1`, personID)
	return err
}
