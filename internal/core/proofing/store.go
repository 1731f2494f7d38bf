package proofing

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"strings"

	"standfast/internal/core/passkey"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
)

const columns = `SELECT id, claim_id, reference, state, proofs, lost, phone, email, reason, submitted_by, submitted_at, COALESCE(CAST(decided_by AS TEXT), ''), decided_at FROM proofing_case`

func scan(row interface{ Scan(...any) error }) (c Case, err error) {
	var proofs, lost string
	var submitted, decided int64
	err = row.Scan(&c.ID, &c.claimID, &c.Reference, &c.State, &proofs, &lost, &c.Phone, &c.Email, &c.Reason, &c.SubmittedBy, &submitted, &c.DecidedBy, &decided)
	for _, p := range strings.Fields(proofs) {
		c.Proofs = append(c.Proofs, Proof(p))
	}
	c.Lost, c.SubmittedAt, c.DecidedAt = strings.Fields(lost), db.FromMicros(submitted), db.FromMicros(decided)
	return c, err
}

// read gives one case as it is stored; db.ErrNoRows when there is none.
func read(ctx context.Context, tx *db.Tx, where, arg string) (Case, error) {
	if !db.ValidID(arg) {
		return Case{}, db.ErrNoRows
	}
	return scan(tx.QueryRow(ctx, columns+` WHERE `+where, arg))
}

func unlessNone(err error) error {
	if err == db.ErrNoRows {
		return noCase()
	}
	return err
}

// Case gives one case. Errors: NotFound, Forbidden.
func (s *Service) Case(ctx context.Context, sess staff.Session, c staff.Client, id string) (out Case, err error) {
	err = s.staff.Act(ctx, sess, c, staff.SeeCases, id, func(a staff.Acting) error {
		if out, err = read(ctx, a.Tx, `id = $1`, id); err != nil {
			return unlessNone(err)
		}
		return s.complete(ctx, a.Tx, &out)
	})
	return out, err
}

// newest is how many cases a list shows.
const newest = 200

// Cases lists the newest cases, those that wait for a decision first. Errors: Forbidden.
func (s *Service) Cases(ctx context.Context, sess staff.Session, c staff.Client) (list []Case, err error) {
	err = s.staff.Act(ctx, sess, c, staff.SeeCases, "", func(a staff.Acting) error {
		rows, err := a.Tx.Query(ctx, columns+` ORDER BY CASE state WHEN 'submitted' THEN 0 ELSE 1 END, submitted_at DESC LIMIT $1`, newest)
		if list, err = db.Collect(rows, err, func(r *sql.Rows) (Case, error) { return scan(r) }); err != nil {
			return err
		}
		for i := range list {
			if err := s.complete(ctx, a.Tx, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// complete adds what is not the case's own: people's names, and what became of
// its claim.
func (s *Service) complete(ctx context.Context, tx *db.Tx, c *Case) error {
	ids := []string{c.SubmittedBy}
	if c.DecidedBy != "" {
		ids = append(ids, c.DecidedBy)
	}
	names, err := s.staff.Names(ctx, tx, ids)
	if err != nil {
		return err
	}
	c.Submitter, c.Decider = names[c.SubmittedBy], names[c.DecidedBy]
	claim, err := s.signIn.AssistedByID(ctx, tx, c.claimID)
	if err != nil {
		return err
	}
	c.ExpiresAt = claim.ExpiresAt
	c.State = became(c.State, claim)
	return nil
}

// became gives a case's state with what became of its claim.
func became(stored State, claim signin.AssistedClaim) State {
	switch {
	case stored == Refused:
		return Refused
	case claim.Stopped:
		return Stopped
	case claim.State == signin.ClaimDone:
		return Done
	case claim.State == signin.ClaimEnded:
		return Expired
	}
	return stored
}

// Evidence gives what the two people signed, for an auditor. Errors: NotFound.
func (s *Service) Evidence(ctx context.Context, id string) (submitted, decided Signed, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		c, err := read(ctx, tx, `id = $1`, id)
		if err != nil {
			return unlessNone(err)
		}
		var first, second string
		if err := tx.QueryRow(ctx, `SELECT submitted_sign, decided_sign FROM proofing_case WHERE id = $1`, id).Scan(&first, &second); err != nil {
			return err
		}
		submitted.By, submitted.Text = c.SubmittedBy, c.Content.text()
		if err := json.Unmarshal([]byte(first), &submitted.Evidence); err != nil || second == "" {
			return err
		}
		decided.By, decided.Text = c.DecidedBy, c.text(c.State == Approved)
		return json.Unmarshal([]byte(second), &decided.Evidence)
	})
	return submitted, decided, err
}

// Signed is what one of the two people signed by passkey.
type Signed struct {
	By       string // a person's id; "" while nobody has decided
	Text     string // the act, whose SHA-256 was signed
	Evidence passkey.Evidence
}

// Verify tells whether the signature is one of exactly this act. nil is yes.
func (s Signed) Verify() error {
	hash := sha256.Sum256([]byte(s.Text))
	s.Evidence.Hash = hash[:]
	return passkey.VerifyEvidence(s.Evidence)
}
