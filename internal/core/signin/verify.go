package signin

import (
	"context"
	"database/sql"
	"fmt"

	"standfast/internal/db"
)

// EvidenceReport is what VerifyEvidence found.
type EvidenceReport struct {
	Proofs   int64    // answered challenges, used or not
	Problems []string // the first that do not hold, named; empty when all is well
}

const (
	verifyPage  = 500 // proofs looked at together
	maxProblems = 20  // that a report names
)

// VerifyEvidence goes through everything that members have agreed to and tells
// which evidence does not hold by itself: what a passkey signed that is not
// exactly the action that stands beside it, or times that cannot be. It needs
// nothing but the rows, no key and no passkey that is still in use.
func VerifyEvidence(ctx context.Context, d *db.DB) (r EvidenceReport, err error) {
	err = d.View(ctx, func(tx *db.Tx) error {
		r = EvidenceReport{}
		for after := nobody; ; {
			page, err := evidenceAfter(ctx, tx, after)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, e := range page {
				if err := e.Verify(); err != nil && len(r.Problems) < maxProblems {
					r.Problems = append(r.Problems, fmt.Sprintf("the evidence of challenge %s (%s) does not hold: %v", e.ChallengeID, e.Kind, err))
				}
			}
			r.Proofs += int64(len(page))
			after = page[len(page)-1].ChallengeID
		}
	})
	return r, err
}

func evidenceAfter(ctx context.Context, tx *db.Tx, id string) ([]Evidence, error) {
	rows, err := tx.Query(ctx, `SELECT `+evidenceColumns+` FROM step_up_evidence WHERE challenge_id > $1 AND (proved_at > 0 OR redeemed_at > 0)
		ORDER BY challenge_id LIMIT $2`, id, verifyPage)
	return db.Collect(rows, err, func(r *sql.Rows) (Evidence, error) { return scanEvidence(r) })
}
