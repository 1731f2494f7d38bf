package proofing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"standfast/internal/core/passkey"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// text is what the submitting person's passkey signs: every field, quoted, one a line.
func (c Content) text() string {
	return fmt.Sprintf("case.submit\n%q\n%q\n%q\n%q\n%q", c.Reference, written(c.Proofs), c.Lost, c.Phone, c.Email)
}

func written(list []Proof) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = string(p)
	}
	return strings.Join(words, " ")
}

// Find gives the case of a reference, or claims that there is none yet. Errors:
// Invalid; NotFound assisted.no-reference for one under which nobody waits.
func (s *Service) Find(ctx context.Context, sess staff.Session, c staff.Client, reference string) (caseID, digits string, err error) {
	if digits, err = readReference(reference); err != nil {
		return "", "", err
	}
	err = s.staff.Act(ctx, sess, c, staff.SeeCases, "", func(a staff.Acting) error {
		claim, err := s.signIn.AssistedByReference(ctx, a.Tx, digits)
		if err != nil {
			return err
		}
		found, err := read(ctx, a.Tx, `claim_id = $1`, claim.ID)
		if caseID = found.ID; err == db.ErrNoRows {
			caseID, err = "", nil
			if claim.State != signin.ClaimOpen {
				return noReference()
			}
		}
		return err
	})
	return caseID, digits, err
}

func noReference() error {
	return fault.New(fault.NotFound, "assisted.no-reference", "There is no open request under this reference.")
}

// Review normalises what was entered and asks for the agent's passkey, for exactly
// that. Errors: Invalid, with body.reference, body.proofs, body.lost, body.phone or
// body.email; those of Find.
func (s *Service) Review(ctx context.Context, sess staff.Session, c staff.Client, content Content) (Content, staff.Prompt, error) {
	content, err := s.check(content)
	if err != nil {
		return content, staff.Prompt{}, err
	}
	if id, _, err := s.Find(ctx, sess, c, content.Reference); err != nil {
		return content, staff.Prompt{}, err
	} else if id != "" {
		return content, staff.Prompt{}, openAlready()
	}
	p, err := s.staff.AskProof(ctx, sess, content.text())
	return content, p, err
}

// Submit stores a case. Errors: those of Review; Unauthenticated for a passkey's
// answer that does not hold for this content; Forbidden.
func (s *Service) Submit(ctx context.Context, sess staff.Session, c staff.Client, content Content, p staff.Proof) (id string, err error) {
	if content, err = s.check(content); err != nil {
		return "", err
	}
	by, err := s.staff.TakeProof(ctx, sess, c, content.text(), p)
	if err != nil {
		return "", err
	}
	err = s.staff.Act(ctx, sess, c, staff.SubmitCase, content.Reference, func(a staff.Acting) error {
		claim, err := s.signIn.AssistedByReference(ctx, a.Tx, content.Reference)
		if err != nil {
			return err
		}
		if claim.State != signin.ClaimOpen {
			return noReference()
		}
		id = db.NewID()
		if err := insert(ctx, a, id, claim.ID, content, by); err != nil {
			return err
		}
		return a.Done(ctx, "case", id, map[string]string{"reference": content.Reference, "proofs": written(content.Proofs), "lost": strings.Join(content.Lost, " "),
			"phone": given(content.Phone), "email": given(content.Email), "passkey": by.PasskeyID})
	})
	return id, err
}

// given tells of an address only that there is one.
func given(address string) string {
	if address == "" {
		return "as before"
	}
	return "new"
}

func insert(ctx context.Context, a staff.Acting, id, claimID string, c Content, by passkey.Assertion) error {
	signed, err := json.Marshal(by.Evidence)
	if err != nil {
		return err
	}
	n, err := a.Tx.Exec(ctx, `INSERT INTO proofing_case (id, claim_id, reference, state, proofs, lost, phone, email, reason, submitted_by, submitted_at, submitted_sign, decided_at, decided_sign)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, 0, '') ON CONFLICT (claim_id) DO NOTHING`,
		id, claimID, c.Reference, string(Submitted), written(c.Proofs), strings.Join(c.Lost, " "), c.Phone, c.Email, a.Who.ID, db.Micros(a.Tx.Now), string(signed))
	if err == nil && n == 0 {
		err = openAlready()
	}
	return err
}
