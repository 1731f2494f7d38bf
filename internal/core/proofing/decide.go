package proofing

import (
	"context"
	"encoding/json"
	"slices"

	"standfast/internal/core/passkey"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Decision is what the second person says.
type Decision struct {
	CaseID  string
	Approve bool
	Reason  Reason // of a refusal
}

// text is what the deciding person's passkey signs: the decision and all of the case.
func (c Case) text(approve bool) string {
	what := "case.refuse\n"
	if approve {
		what = "case.approve\n"
	}
	return what + c.ID + "\n" + c.Content.text()
}

// AskDecision asks for the passkey of who may decide a case, for one of the two
// decisions. Errors: those of Decide.
func (s *Service) AskDecision(ctx context.Context, sess staff.Session, c staff.Client, id string, approve bool) (staff.Prompt, error) {
	found, err := s.Case(ctx, sess, c, id)
	if err != nil {
		return staff.Prompt{}, err
	}
	if !found.MayDecide(sess) {
		return staff.Prompt{}, decided()
	}
	return s.staff.AskProof(ctx, sess, found.text(approve))
}

// MayDecide tells whether a page offers somebody to decide; Decide asks again.
func (c Case) MayDecide(sess staff.Session) bool {
	return sess.May(staff.DecideCase) && c.State == Submitted && c.SubmittedBy != sess.Person.ID
}

// Decide approves or refuses a case that somebody else submitted, once. Errors:
// NotFound; Conflict case.decided; Forbidden case.same-person; Invalid for a
// reason that there is not; Unauthenticated for a passkey's answer that does not
// hold for this decision about this case as it is.
func (s *Service) Decide(ctx context.Context, sess staff.Session, c staff.Client, d Decision, p staff.Proof) error {
	if !d.Approve && !slices.Contains(Reasons(), d.Reason) {
		return fault.InvalidField("body.reason", "case.no-reason", "Choose a reason.")
	}
	found, err := s.Case(ctx, sess, c, d.CaseID)
	if err != nil {
		return err
	}
	by, err := s.staff.TakeProof(ctx, sess, c, found.text(d.Approve), p)
	if err != nil {
		return err
	}
	return s.staff.Act(ctx, sess, c, staff.DecideCase, d.CaseID, func(a staff.Acting) error {
		now, err := read(ctx, a.Tx, `id = $1`, d.CaseID)
		if err != nil {
			return unlessNone(err)
		}
		if now.SubmittedBy == a.Who.ID {
			return samePerson()
		}
		return s.decide(ctx, a, now, d, by)
	})
}

// decide stores the decision, if none was, and has signin act on it. Who submitted
// must still be allowed to: what somebody leaves behind whose access has ended is
// worth nothing.
func (s *Service) decide(ctx context.Context, a staff.Acting, now Case, d Decision, by passkey.Assertion) error {
	state := Refused
	if d.Approve {
		state = Approved
		if err := s.staff.StillMay(ctx, a.Tx, now.SubmittedBy, staff.SubmitCase); err != nil {
			return err
		}
	}
	signed, err := json.Marshal(by.Evidence)
	if err != nil {
		return err
	}
	n, err := a.Tx.Exec(ctx, `UPDATE proofing_case SET state = $2, reason = $3, decided_by = $4, decided_at = $5, decided_sign = $6 WHERE id = $1 AND state = 'submitted'`,
		now.ID, string(state), reasonOf(d), a.Who.ID, db.Micros(a.Tx.Now), string(signed))
	if err == nil && n == 0 {
		err = decided()
	}
	if err != nil {
		return err
	}
	if d.Approve {
		err = s.signIn.ApproveAssistedTx(ctx, a.Tx, now.claimID, signin.Assistance{Lost: now.Lost, New: signin.Contacts{Phone: now.Phone, Email: now.Email}})
	} else {
		err = s.signIn.RefuseAssistedTx(ctx, a.Tx, now.claimID)
	}
	if err != nil {
		return err
	}
	return a.Done(ctx, "case", now.ID, map[string]string{"decision": string(state), "reason": reasonOf(d), "submitted_by": now.SubmittedBy, "passkey": by.PasskeyID})
}

func reasonOf(d Decision) string {
	if d.Approve {
		return ""
	}
	return string(d.Reason)
}
