package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Evidence is what a member agreed to, and what shows it.
type Evidence struct {
	ChallengeID string
	MemberID    string
	SessionID   string
	Kind        string    // of the action
	Action      string    // its text: kind and parts, quoted, one a line
	AskedAt     time.Time // when the challenge was made
	Way         string    // what answered it: a channel that carried a code, WayApp, or WayPasskey
	SentTo      string    // of a code, masked
	ProvedAt    time.Time
	ObjectID    string // what the proof was used for, as a payment's id
	RedeemedAt  time.Time
	Signed      passkey.Evidence // of a passkey; empty for a code
}

// Verify tells whether the evidence holds by itself: it is complete, and where a
// passkey answered, the signature is one of exactly this action. A code leaves
// nothing that could be verified without us; what stands for it is the audit log.
func (e Evidence) Verify() error {
	switch {
	case e.ProvedAt.IsZero() || e.ProvedAt.Before(e.AskedAt):
		return errors.New("signin: evidence without an answer")
	case !e.RedeemedAt.IsZero() && e.RedeemedAt.Before(e.ProvedAt):
		return errors.New("signin: evidence used before it was given")
	case e.Way != WayPasskey:
		return nil
	}
	hash := sha256.Sum256([]byte(e.Action))
	e.Signed.Hash = hash[:]
	return passkey.VerifyEvidence(e.Signed)
}

// agreeTo begins the evidence of a step-up.
func agreeTo(ctx context.Context, tx *db.Tx, ch challenge, a Action) error {
	none := []byte{}
	_, err := tx.Exec(ctx, `INSERT INTO step_up_evidence (challenge_id, member_id, session_id, kind, action, asked_at, way, sent_to, proved_at, object_id, redeemed_at,
			passkey_id, credential_id, public_key, rp_id, origin, nonce, client_data, authenticator_data, signature)
		VALUES ($1, $2, $3, $4, $5, $6, '', '', 0, '', 0, '', $7, $7, '', '', $7, $7, $7, $7) ON CONFLICT (challenge_id) DO NOTHING`,
		ch.id, ch.memberID, ch.sessionID, a.Kind, a.text(), db.Micros(tx.Now), none)
	return err
}

// agreed completes it with the right answer.
func (c challenge) agreed(ctx context.Context, tx *db.Tx) error {
	sentTo := c.sentTo
	if c.way != c.channel {
		sentTo = ""
	}
	_, err := tx.Exec(ctx, `UPDATE step_up_evidence SET way = $2, sent_to = $3, proved_at = $4 WHERE challenge_id = $1 AND proved_at = 0`,
		c.id, c.way, sentTo, db.Micros(tx.Now))
	return err
}

// signed adds what a passkey signed.
func signed(ctx context.Context, tx *db.Tx, c challenge, e passkey.Evidence) error {
	_, err := tx.Exec(ctx, `UPDATE step_up_evidence SET passkey_id = $2, credential_id = $3, public_key = $4, rp_id = $5, origin = $6, nonce = $7,
			client_data = $8, authenticator_data = $9, signature = $10 WHERE challenge_id = $1`,
		c.id, e.PasskeyID, e.CredentialID, e.PublicKey, e.RPID, e.Origin, e.Nonce, e.ClientData, e.AuthenticatorData, e.Signature)
	return err
}

// usedFor ends it with what the proof was used for.
func usedFor(ctx context.Context, tx *db.Tx, c challenge, objectID string) error {
	_, err := tx.Exec(ctx, `UPDATE step_up_evidence SET object_id = $2, redeemed_at = $3 WHERE challenge_id = $1`, c.id, objectID, db.Micros(tx.Now))
	return err
}

// EvidenceFor gives what shows that an action was agreed to, by what it made, as
// a payment's id. Errors: NotFound when no proof was used for it.
func (s *Service) EvidenceFor(ctx context.Context, objectID string) (e Evidence, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		e, err = scanEvidence(tx.QueryRow(ctx, `SELECT `+evidenceColumns+` FROM step_up_evidence WHERE object_id = $1 AND redeemed_at > 0`, objectID))
		return err
	})
	if err == db.ErrNoRows {
		return Evidence{}, fault.New(fault.NotFound, "evidence.not-found", "No proof was used for this.")
	}
	return e, err
}

const evidenceColumns = `challenge_id, member_id, session_id, kind, action, asked_at, way, sent_to, proved_at, object_id, redeemed_at,
	passkey_id, credential_id, public_key, rp_id, origin, nonce, client_data, authenticator_data, signature`

func scanEvidence(row interface{ Scan(...any) error }) (e Evidence, err error) {
	var asked, proved, redeemed int64
	p := &e.Signed
	err = row.Scan(&e.ChallengeID, &e.MemberID, &e.SessionID, &e.Kind, &e.Action, &asked, &e.Way, &e.SentTo, &proved, &e.ObjectID, &redeemed,
		&p.PasskeyID, &p.CredentialID, &p.PublicKey, &p.RPID, &p.Origin, &p.Nonce, &p.ClientData, &p.AuthenticatorData, &p.Signature)
	e.AskedAt, e.ProvedAt, e.RedeemedAt = db.FromMicros(asked), db.FromMicros(proved), db.FromMicros(redeemed)
	return e, err
}
