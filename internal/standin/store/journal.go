package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// State is how an advice stands.
type State string

// The states. Waiting is every advice until core has answered for it.
const (
	Waiting State = "waiting"
	Applied State = "applied"
	Already State = "already" // core had taken the same intention itself
	Refused State = "refused" // a rule of core's stood against it; the member is told
	Aside   State = "aside"   // core has it, and cannot carry it out yet
)

// Kinds of advices.
const (
	KindPayment       = "payment"
	KindFreeze        = "freeze"
	KindSessionOpened = "session-opened"
	KindSessionEnded  = "session-ended"
	KindFailures      = "failures"
	// A passkey was refused because its counter had not gone on.
	KindPasskeyCounter = "passkey-counter"
)

// Advice is what core must hear of: something that happened here.
type Advice struct {
	Seq      int64           `json:"seq"`
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at"`
	MemberID string          `json:"member_id"`
	Body     json.RawMessage `json:"body"`
}

// Outcome is core's answer to one advice.
type Outcome struct {
	Seq     int64           `json:"seq"`
	ID      string          `json:"id"`
	State   State           `json:"state"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Result  json.RawMessage `json:"result"`
}

// advise writes an advice into the journal. Its number is the next one: the
// file has one writer, so there are no gaps.
func advise(ctx context.Context, tx *sql.Tx, id, kind string, at time.Time, memberID string, body any) (seq int64, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO advice (seq, id, kind, at, member_id, body, state, code, message, result, answered_at)
		SELECT COALESCE(max(seq), 0) + 1, $1, $2, $3, $4, $5, $6, '', '', '', 0 FROM advice RETURNING seq`,
		id, kind, Micros(at), memberID, string(raw), Waiting).Scan(&seq)
	return seq, err
}

// From gives advices in order, from a number on.
func (o *Own) From(ctx context.Context, seq int64, limit int) ([]Advice, error) {
	rows, err := o.file.read.QueryContext(ctx, `SELECT seq, id, kind, at, member_id, body FROM advice WHERE seq >= $1 ORDER BY seq LIMIT $2`, seq, limit)
	return collect(rows, err, func(rows *sql.Rows) (a Advice, err error) {
		var at int64
		var body string
		err = rows.Scan(&a.Seq, &a.ID, &a.Kind, &at, &a.MemberID, &body)
		a.At, a.Body = Instant(at), json.RawMessage(body)
		return a, err
	})
}

// FirstWaiting gives the number of the first advice that core has not answered
// for, and how many there are; 0 when there is none.
func (o *Own) FirstWaiting(ctx context.Context) (seq, count int64, err error) {
	err = o.file.read.QueryRowContext(ctx, `SELECT COALESCE(min(seq), 0), count(*) FROM advice WHERE state = $1`, Waiting).Scan(&seq, &count)
	return seq, count, unavailable(err)
}

// Last gives the number of the newest advice; 0 when there is none.
func (o *Own) Last(ctx context.Context) (seq int64, err error) {
	err = o.file.read.QueryRowContext(ctx, `SELECT COALESCE(max(seq), 0) FROM advice`).Scan(&seq)
	return seq, unavailable(err)
}

// LastAnswered gives the number of the newest advice that core has answered for; 0
// when there is none.
func (o *Own) LastAnswered(ctx context.Context) (seq int64, err error) {
	err = o.file.read.QueryRowContext(ctx, `SELECT COALESCE(max(seq), 0) FROM advice WHERE state <> $1`, Waiting).Scan(&seq)
	return seq, unavailable(err)
}

// asideAgain is how long after an answer that settled nothing core is asked anew.
const asideAgain = 10 * time.Minute

// FirstAside gives the number of the first advice that core has set aside and was
// not asked about lately; 0 when there is none.
func (o *Own) FirstAside(ctx context.Context, now time.Time) (seq int64, err error) {
	err = o.file.read.QueryRowContext(ctx, `SELECT COALESCE(min(seq), 0) FROM advice WHERE state = $1 AND answered_at < $2`, Aside, Micros(now.Add(-asideAgain))).Scan(&seq)
	return seq, unavailable(err)
}

// Answered stores core's answers. The first one that settles an advice stays.
func (o *Own) Answered(ctx context.Context, list []Outcome, now time.Time) error {
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		for _, a := range list {
			_, err := tx.ExecContext(ctx, `UPDATE advice SET state = $3, code = $4, message = $5, result = $6, answered_at = $7 WHERE seq = $1 AND id = $2 AND state IN ($8, $9)`,
				a.Seq, a.ID, a.State, a.Code, a.Message, string(a.Result), Micros(now), Waiting, Aside)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE failure SET answered_at = $2 WHERE seq = $1 AND seq > 0 AND answered_at = 0`, a.Seq, Micros(now)); err != nil {
				return err
			}
		}
		return nil
	}))
}
