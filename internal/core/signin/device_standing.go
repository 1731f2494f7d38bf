package signin

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
)

// Reason says why a browser that a member had remembered is asked for a code
// nevertheless. The page with the code says it in words.
type Reason string

// The reasons. A browser that was never remembered has none.
const (
	ReasonNoKey   Reason = "no-key"      // the cell's law wants a key, and this device has none (EBA-Op-2019-06, 26)
	ReasonKeyGone Reason = "key-missing" // it has a key bound, and showed no proof of it
	ReasonKey     Reason = "key-wrong"   // what it showed is no proof of that key
	ReasonProof   Reason = "proof-over"  // a proof that was used, is too old, or of another attempt
	ReasonDue     Reason = "code-due"    // the law wants a code from time to time (RTS Art 10(2)(b))
)

// standing is how a browser stands with a member.
type standing struct {
	known  bool // no code is asked for
	reason Reason
	trust  string // id of the trust; "" when there is none
	proved bool   // a key was proved: the bound one, or one to be bound now
	made   string // session that this very proof has made already, within replayWindow
}

// reasonData is where a challenge keeps its reason, beside what its message says.
const reasonData = "Reason"

func (c challenge) reason() Reason {
	r, _ := c.data[reasonData].(string)
	return Reason(r)
}

// latest gives the later instant. A device's token is never made older than the
// one that it replaces, whatever this process's clock says.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// trustRow is what is stored of a member's trust in a device.
type trustRow struct {
	id      string
	key     []byte
	granted time.Time
}

// remembered gives a member's trust in a device; id is "" when there is none, it
// has ended, or this copy of the device's identity is not one that it covers.
func remembered(ctx context.Context, tx *db.Tx, memberID, deviceID string, issued, now time.Time) (t trustRow, err error) {
	if deviceID == "" {
		return t, nil
	}
	var granted, expires, removed, from int64
	err = tx.QueryRow(ctx, `SELECT id, public_key, granted_at, expires_at, removed_at, tokens_from FROM device_trust WHERE member_id = $1 AND device_id = $2`, memberID, deviceID).
		Scan(&t.id, &t.key, &granted, &expires, &removed, &from)
	if err == db.ErrNoRows {
		return trustRow{}, nil
	}
	if err != nil || removed != 0 || db.Micros(now) >= expires || db.Micros(issued) < from {
		return trustRow{}, err
	}
	t.granted = db.FromMicros(granted)
	return t, nil
}

// standing decides whether a browser is known: the member remembers it, and
// where a key is bound, or the cell wants one, it has proved that it holds it.
func (s *Service) standing(ctx context.Context, tx *db.Tx, memberID string, w claimant) (st standing, err error) {
	t, err := remembered(ctx, tx, memberID, w.device, w.issued, tx.Now)
	if err != nil || t.id == "" {
		return st, err
	}
	st.trust = t.id
	switch every := s.conf.CodeEvery; {
	case every > 0 && tx.Now.Sub(t.granted) >= every:
		st.reason = ReasonDue
	case len(t.key) > 0:
		st.reason = w.possession.doubt(t.key)
		st.proved = st.reason == ""
	case s.conf.DeviceNeedsKey:
		st.reason = ReasonNoKey
	default: // known by its cookie; a key that it offers now is bound from now on
		st.proved = w.possession.offers()
	}
	if st.proved {
		if err = st.spent(ctx, tx, memberID, w.possession.nonce); err != nil {
			return st, err
		}
		if st.replayed() && len(t.key) > 0 {
			st.reason = ReasonProof
		}
	}
	st.known = st.reason == ""
	return st, nil
}

// doubt gives the reason why what was shown does not prove a key; "" when it does.
func (p possession) doubt(bound []byte) Reason {
	switch {
	case !p.sent:
		return ReasonKeyGone
	case p.nonce == nil:
		return ReasonProof
	case !p.by(bound):
		return ReasonKey
	}
	return ""
}

// spent looks whether the proof was used before. The same request again, after a
// lost answer, is given the same session for a while; anything else is a replay,
// and proves nothing.
func (st *standing) spent(ctx context.Context, tx *db.Tx, memberID string, nonce []byte) error {
	var who string
	var made sql.NullString
	var used int64
	err := tx.QueryRow(ctx, `SELECT member_id, session_id, used_at FROM device_proof WHERE nonce = $1`, nonce).Scan(&who, &made, &used)
	if err == db.ErrNoRows {
		return nil
	}
	if err != nil {
		return err
	}
	if who == memberID && made.Valid && tx.Now.Sub(db.FromMicros(used)) <= replayWindow {
		st.made = made.String
	} else {
		st.proved = false
	}
	return nil
}

// replayed tells, after spent, whether the proof was used up before.
func (st standing) replayed() bool { return !st.proved }

// spend uses up a proof. It is false when it was used before.
func spend(ctx context.Context, tx *db.Tx, memberID string, p possession) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO device_proof (nonce, member_id, session_id, used_at, keep_until) VALUES ($1, $2, NULL, $3, $4) ON CONFLICT (nonce) DO NOTHING`,
		p.nonce, memberID, db.Micros(tx.Now), db.Micros(tx.Now.Add(keepNonces)))
	return n == 1, err
}

// lookAgain decides about the device once more, now that nobody else can change
// it, and uses up the proof.
func (s *Service) lookAgain(ctx context.Context, tx *db.Tx, who claimant) (claimant, error) {
	if who.trust == "" {
		return who, nil
	}
	var err error
	who.standing, err = s.standing(ctx, tx, who.member.ID, who)
	if err != nil || !who.proved || who.made != "" {
		return who, err
	}
	fresh, err := spend(ctx, tx, who.member.ID, who.possession)
	if err == nil && !fresh { // used up at this very moment, for another member
		who.standing = standing{trust: who.trust, reason: ReasonProof}
	}
	return who, err
}

// sameAgain gives the session that the same request has made already, when its
// answer was lost.
func (s *Service) sameAgain(ctx context.Context, tx *db.Tx, who claimant) (out Outcome, err error) {
	out.Session, err = s.reissue(ctx, tx, who.made)
	return out, err
}

// settle notes what a proof has led to, and binds the key that it offers where
// the device has none.
func (s *Service) settle(ctx context.Context, tx *db.Tx, who claimant, sessionID string, c Client) error {
	if !who.proved {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE device_proof SET session_id = $2 WHERE nonce = $1`, who.nonce, sessionID)
	if err != nil || !who.offers() {
		return err
	}
	_, err = s.bind(ctx, tx, who.member.ID, who.trust, who.possession, c)
	return err
}

// remember trusts a device after a right code, and binds the key that it shows.
// It tells whether that key took the place of another: the browser had lost it,
// or this is not that browser. A device that has a key keeps it where none is
// shown; its cookie alone never counts again.
func (s *Service) remember(ctx context.Context, tx *db.Tx, memberID, deviceID string, c Client) (rebound bool, err error) {
	id, err := s.trust(ctx, tx, memberID, deviceID, c)
	if err != nil || c.DeviceKey == "" {
		return false, err
	}
	p := s.possession(c)
	if fresh := p.offers(); fresh {
		if fresh, err = spend(ctx, tx, memberID, p); err != nil {
			return false, err
		}
		if fresh {
			return s.bind(ctx, tx, memberID, id, p, c)
		}
	}
	return false, audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: "signin.bind-device-key", Object: "device", ObjectID: id,
		Outcome: audit.Refused, From: c.IP})
}

// bind gives a trusted device its key, or another one after it has lost the
// first. Only who has just proved to be the member gets here, and to hold the key.
func (s *Service) bind(ctx context.Context, tx *db.Tx, memberID, trustID string, p possession, c Client) (instead bool, err error) {
	var before []byte
	if err := tx.QueryRow(ctx, `SELECT public_key FROM device_trust WHERE id = $1`+forUpdate(tx), trustID).Scan(&before); err != nil {
		return false, err
	}
	if bytes.Equal(before, p.key) {
		return false, nil
	}
	_, err = tx.Exec(ctx, `UPDATE device_trust SET public_key = $2, bound_at = $3, version = version + 1 WHERE id = $1`, trustID, p.key, db.Micros(tx.Now))
	if err != nil {
		return false, err
	}
	if err := s.deviceChanged(ctx, tx, trustID, "bound"); err != nil {
		return false, err
	}
	details := map[string]string{"key": thumbprint(p.key)}
	if len(before) > 0 {
		details["in place of"] = thumbprint(before)
	}
	return len(before) > 0, audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: "signin.bind-device-key", Object: "device", ObjectID: trustID,
		Outcome: audit.OK, From: c.IP, Details: details})
}

// doubted records that somebody came with the right password and the identity of
// a remembered device, and without its key: a browser that has lost its storage,
// or whoever copied its cookie.
func (w claimant) doubted(ctx context.Context, tx *db.Tx, c Client) error {
	if w.standing.trust == "" || w.standing.reason == ReasonDue {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: w.member.ID, Action: "signin.device-proof", Object: "device", ObjectID: w.standing.trust,
		Outcome: audit.Refused, From: c.IP, Details: map[string]string{"reason": string(w.standing.reason), "device": w.device}})
}
