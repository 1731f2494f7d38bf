package traffic

import (
	"context"
	"fmt"
	"time"

	"standfast/internal/core/staff"
	"standfast/internal/fault"
	"standfast/internal/steer"
)

// Limits of a word.
const (
	maxReason = 300 // characters
	maxTerm   = 24 * time.Hour
)

// Word is what somebody says about the routing: Change or Share.
type Word interface {
	action() staff.Action
	object(cell string) string // of the audit log
	text(cell string) string   // that the passkey signs
	check() error
	stands(*steer.Cell) error // whether what was looked at still stands
	details() map[string]string
	tell(ctx context.Context, e Edge, cell, who string, at time.Time) (steer.State, error)
}

// Change is somebody's word on who answers.
type Change struct {
	Journey string // or steer.Every
	Side    string // empty: the edge decides again
	Mark    string // of the state that was looked at
	Term    time.Duration
	Reason  string
}

func (c Change) action() staff.Action      { return staff.DecideRouting }
func (c Change) object(cell string) string { return cell + "/" + c.Journey }

func (c Change) text(cell string) string {
	return fmt.Sprintf("routing.override\n%s\n%s\n%s\n%s\n%s\n%s", cell, c.Journey, c.Side, c.Mark, c.Term, c.Reason)
}

func (c Change) check() error {
	if c.Side != "" && c.Side != steer.Core && c.Side != steer.Standin || c.Journey == "" || c.Mark == "" {
		return noWord()
	}
	if err := checkReason(c.Reason); err != nil {
		return err
	}
	if c.Side != "" && (c.Term <= 0 || c.Term > maxTerm) {
		return fault.InvalidField("body.term", "routing.until", "It lasts 24 hours at most.")
	}
	return nil
}

func (c Change) stands(now *steer.Cell) error {
	if now.MarkOf(c.Journey) != c.Mark {
		return fault.New(fault.Conflict, "routing.changed", "Who answers has changed since you looked.")
	}
	return nil
}

func (c Change) details() map[string]string {
	return map[string]string{"side": c.Side, "reason": c.Reason, "term": c.Term.String()}
}

func (c Change) tell(ctx context.Context, e Edge, cell, who string, at time.Time) (steer.State, error) {
	o := steer.Override{Cell: cell, Journey: c.Journey, Side: c.Side, Mark: c.Mark, Who: who, Reason: c.Reason}
	if c.Side != "" {
		o.Until = at.Add(c.Term).UTC()
	}
	return e.Override(ctx, o)
}

// Share is somebody's word on how many members a build of core gets or, for no
// build, on how many looking requests the stand-in is shown.
type Share struct {
	Build  string
	Share  int    // hundredths of a percent
	Mark   string // of the share that was looked at
	Reason string
}

func (s Share) action() staff.Action { return staff.ShareRouting }

func (s Share) object(cell string) string {
	if s.Build == "" {
		return cell + "/exercise"
	}
	return cell + "/build/" + s.Build
}

func (s Share) text(cell string) string {
	return fmt.Sprintf("routing.share\n%s\n%s\n%d\n%s\n%s", cell, s.Build, s.Share, s.Mark, s.Reason)
}

func (s Share) check() error {
	switch {
	case s.Share < 0 || s.Share > steer.All:
		return fault.InvalidField("body.share", "routing.share", "A share is a number of percent from 0 to 100, with two decimals at most.")
	case s.Mark == "":
		return noWord()
	}
	return checkReason(s.Reason)
}

func (s Share) stands(now *steer.Cell) error {
	if now.ShareMark(s.Build) != s.Mark {
		return fault.New(fault.Conflict, "routing.share-changed", "This share has changed since you looked.")
	}
	return nil
}

func (s Share) details() map[string]string {
	return map[string]string{"share": fmt.Sprint(s.Share), "reason": s.Reason}
}

func (s Share) tell(ctx context.Context, e Edge, cell, who string, _ time.Time) (steer.State, error) {
	return e.SetShare(ctx, steer.Share{Cell: cell, Build: s.Build, Share: s.Share, Mark: s.Mark, Who: who, Reason: s.Reason})
}

func noWord() error {
	return fault.New(fault.Malformed, "routing.change", "This is no change of the routing.")
}

func checkReason(reason string) error {
	switch n := len([]rune(reason)); {
	case n == 0:
		return fault.InvalidField("body.reason", "routing.reason", "Say why.")
	case n > maxReason:
		return fault.InvalidField("body.reason", "routing.reason-long", "This reason is too long.")
	}
	return nil
}

// Review looks at a word once more and asks for the passkey. Errors: Invalid;
// Conflict routing.changed or routing.share-changed when what was looked at does not
// stand any more, routing.silent when the edge does not answer.
func (s *Service) Review(ctx context.Context, sess staff.Session, c staff.Client, w Word) (staff.Prompt, error) {
	if !sess.May(w.action()) {
		return staff.Prompt{}, fault.New(fault.Forbidden, "staff.forbidden", "Your role does not allow this.")
	}
	if err := w.check(); err != nil {
		return staff.Prompt{}, err
	}
	v, err := s.See(ctx, sess, c)
	if err != nil {
		return staff.Prompt{}, err
	}
	if v.Silent || v.Now == nil {
		return staff.Prompt{}, fault.New(fault.Conflict, "routing.silent", "The edge does not answer, so nothing can be changed here.")
	}
	if err := w.stands(v.Now); err != nil {
		return staff.Prompt{}, err
	}
	return s.staff.AskProof(ctx, sess, w.text(s.cell))
}

// Decide tells the edge. It is in the audit log before that, as something that was
// asked for, and again when the edge refused: no effect is without its line.
// Errors: those of Review; Unauthenticated for a proof that does not hold.
func (s *Service) Decide(ctx context.Context, sess staff.Session, c staff.Client, w Word, p staff.Proof) error {
	if err := w.check(); err != nil {
		return err
	}
	by, err := s.staff.TakeProof(ctx, sess, c, w.text(s.cell), p)
	if err != nil {
		return err
	}
	who, at, err := s.note(ctx, sess, c, w, map[string]string{"outcome": "asked", "passkey": by.PasskeyID})
	if err != nil {
		return err
	}
	told, err := w.tell(ctx, s.edge, s.cell, who, at)
	if err == nil {
		s.keep(told)
		return nil
	}
	e := fault.As(err)
	if _, _, failed := s.note(ctx, sess, c, w, map[string]string{"outcome": "not known or refused", "code": e.Code}); failed != nil {
		return failed
	}
	if e.Kind == fault.Unavailable {
		return fault.Wrap(fault.Conflict, "routing.silent", "The edge does not answer, so nothing can be changed here.", err)
	}
	return err
}

// note leaves a line in the audit log, and gives who decides and when.
func (s *Service) note(ctx context.Context, sess staff.Session, c staff.Client, w Word, outcome map[string]string) (who string, at time.Time, err error) {
	err = s.staff.Act(ctx, sess, c, w.action(), w.object(s.cell), func(a staff.Acting) error {
		who, at = a.Who.Name, a.Tx.Now
		details := w.details()
		for k, v := range outcome {
			details[k] = v
		}
		return a.Done(ctx, "routing", w.object(s.cell), details)
	})
	return who, at, err
}
