package store

import (
	"context"
	"database/sql"
)

// Use is one use of a passkey, as its authenticator has signed it.
type Use struct {
	PasskeyID string
	Challenge string // which counts once
	Count     uint32 // of signatures, by the authenticator; 0 of one that does not count
	Known     uint32 // the count that core last told of
}

// Verdict is whether a use counts.
type Verdict int

// The verdicts.
const (
	Accepted Verdict = iota
	Spent            // its challenge was answered before
	WentBack         // its counter had been passed before: two copies of the key may be in use (WebAuthn §6.1.1)
)

// OpenByPasskey stores a session, its advice and the passkey's count, where the
// use counts. A count that went back is kept too, and core is told: of the first
// and then each time that their number has doubled, so that nobody who has a copy
// of the key can fill the journal.
func (o *Own) OpenByPasskey(ctx context.Context, s Session, u Use) (v Verdict, err error) {
	err = o.file.tx(ctx, func(tx *sql.Tx) error {
		fresh, err := spend(ctx, tx, "passkey."+u.Challenge, s)
		if err != nil || !fresh {
			v = Spent
			return err
		}
		stored, err := counted(ctx, tx, u)
		if err != nil {
			return err
		}
		if (u.Count != 0 || stored != 0) && u.Count <= stored {
			v = WentBack
			return regress(ctx, tx, s, u, stored)
		}
		v = Accepted
		_, err = tx.ExecContext(ctx, `INSERT INTO passkey_use (passkey_id, count, went_back, used_at) VALUES ($1, $2, 0, $3)
			ON CONFLICT (passkey_id) DO UPDATE SET count = excluded.count, used_at = excluded.used_at`, u.PasskeyID, u.Count, Micros(s.CreatedAt))
		if err != nil {
			return err
		}
		return open(ctx, tx, s, map[string]any{"passkey_id": u.PasskeyID, "sign_count": u.Count})
	})
	return v, unavailable(err)
}

// spend uses a challenge or a proof up; false when it was before.
func spend(ctx context.Context, tx *sql.Tx, nonce string, s Session) (fresh bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO proof (nonce, session_id, used_at) VALUES ($1, $2, $3) ON CONFLICT (nonce) DO NOTHING`, nonce, s.ID, Micros(s.CreatedAt))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// counted gives how far the counter had gone, by what core and this store know.
func counted(ctx context.Context, tx *sql.Tx, u Use) (count uint32, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count FROM passkey_use WHERE passkey_id = $1`, u.PasskeyID).Scan(&count)
	if err == sql.ErrNoRows {
		err = nil
	}
	return max(count, u.Known), err
}

func regress(ctx context.Context, tx *sql.Tx, s Session, u Use, stored uint32) error {
	var times int64
	err := tx.QueryRowContext(ctx, `INSERT INTO passkey_use (passkey_id, count, went_back, used_at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (passkey_id) DO UPDATE SET went_back = went_back + 1, used_at = excluded.used_at RETURNING went_back`, u.PasskeyID, stored, Micros(s.CreatedAt)).Scan(&times)
	if err != nil || times&(times-1) != 0 {
		return err
	}
	_, err = advise(ctx, tx, NewID(), KindPasskeyCounter, s.CreatedAt, s.MemberID,
		map[string]any{"passkey_id": u.PasskeyID, "known": stored, "came": u.Count, "times": times, "ip": s.IP, "user_agent": s.UserAgent})
	return err
}
