package signin

import (
	"bytes"
	"context"
	"crypto/subtle"
	"database/sql"
	"strings"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
)

// assistance is a row of the table: what staff approved for a claim.
type assistance struct {
	Assistance
	old                   Contacts // as they were when the new password was set
	approvedAt, stoppedAt time.Time
}

func (a assistance) insert(ctx context.Context, tx *db.Tx, claimID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO assistance (claim_id, lost, phone, email, old_phone, old_email, approved_at, stopped_at) VALUES ($1, $2, $3, $4, '', '', $5, 0)`,
		claimID, strings.Join(a.Lost, " "), a.New.Phone, a.New.Email, db.Micros(a.approvedAt))
	return err
}

func readAssistance(ctx context.Context, tx *db.Tx, claimID string) (a assistance, err error) {
	var lost string
	var approved, stopped int64
	err = tx.QueryRow(ctx, `SELECT lost, phone, email, old_phone, old_email, approved_at, stopped_at FROM assistance WHERE claim_id = $1`, claimID).
		Scan(&lost, &a.New.Phone, &a.New.Email, &a.old.Phone, &a.old.Email, &approved, &stopped)
	a.Lost, a.approvedAt, a.stoppedAt = strings.Fields(lost), db.FromMicros(approved), db.FromMicros(stopped)
	return a, err
}

// claimRecipient is whom a claim's codes go to: its member, or of an assisted one
// the new telephone number that was proofed, and no other.
func (s *Service) claimRecipient(ctx context.Context, tx *db.Tx, c claim) (member.Member, error) {
	m, err := s.memberIn(ctx, tx, c.memberID)
	if err != nil || c.kind != Assisted {
		return m, err
	}
	a, err := readAssistance(ctx, tx, c.id)
	m.Phone, m.Email = a.New.Phone, ""
	return m, err
}

// assistedRecipient is claimRecipient by a challenge of the claim.
func (s *Service) assistedRecipient(ctx context.Context, tx *db.Tx, m member.Member, ch challenge) (member.Member, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM claim WHERE member_id = $1 AND kind = 'assisted' AND ended_at = 0`, m.ID)
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	m.Phone, m.Email = "", ""
	for _, id := range ids {
		if bytes.Equal(s.claimScope(claim{id: id}, "phone"), ch.scope) {
			a, err := readAssistance(ctx, tx, id)
			m.Phone = a.New.Phone
			return m, err
		}
	}
	return m, err
}

// assistedMAC makes the tokens that stop assisted claims, apart from all others.
func (s *Service) assistedMAC(id string) []byte {
	return s.key.Fingerprint("signin.assisted-stop", []byte(id))[:stopMACBytes]
}

// assistedToken is what the link of a notice carries; it allows nothing but to
// stop this one claim, and is stored nowhere.
func (s *Service) assistedToken(id string) string { return linkToken(id, s.assistedMAC(id)) }

// readAssistedToken gives the id of a genuine token.
func (s *Service) readAssistedToken(token string) (id string, ok bool) {
	id, mac, ok := readLinkToken(token)
	return id, ok && subtle.ConstantTimeCompare(mac, s.assistedMAC(id)) == 1
}
