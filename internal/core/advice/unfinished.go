package advice

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Entry is an advice that was not carried out, as operators see it.
type Entry struct {
	Outcome
	StandIn      string
	Kind         string
	MemberID     string
	Confirmation string    // that the member was given for a payment; else empty
	At           time.Time // when the stand-in did it
	TakenAt      time.Time // when core received it
	Subject      Subject
	Dealt        Dealt
}

// Subject is what an advice was about, as far as it can be read.
type Subject struct {
	AccountID string
	Amount    *money.Amount // of a payment
}

// Dealt is what an operator said of it; zero while nobody has.
type Dealt struct {
	By   string // of staff
	At   time.Time
	Note string
}

// Told says whether its member was told that it came to nothing: of a payment that
// could be read they were, of anything else nobody is.
func (e Entry) Told() bool {
	return e.State == Refused && e.Kind == KindPayment && e.Code != codeUnreadable
}

// Filter says which advices that were not carried out are listed.
type Filter struct {
	Dealt bool   // those that an operator has dealt with, instead of those that are open
	After string // id of the last of the page before; empty: from the newest on
	Limit int
}

const maxList = 500

const (
	listed  = `a.standin, a.seq, a.id, a.kind, a.member_id, a.at, a.body, a.confirmation, a.state, a.code, a.message, a.taken_at, COALESCE(d.dealt_at, 0), COALESCE(d.note, '')`
	listing = `SELECT ` + listed + `, d.dealt_by FROM advice a LEFT JOIN advice_dealt d ON d.advice_id = a.id WHERE a.state IN ('refused', 'aside')`
)

// UnfinishedTx lists what was not carried out, the newest first: what is refused,
// and what waits for a fault of ours to be mended. more tells whether the list goes
// on. Errors: NotFound for an After that there is not.
func UnfinishedTx(ctx context.Context, tx *db.Tx, f Filter) (list []Entry, more bool, err error) {
	limit := max(1, min(f.Limit, maxList))
	where, args := ` AND d.advice_id IS NULL`, []any{limit + 1}
	if f.Dealt {
		where = ` AND d.advice_id IS NOT NULL`
	}
	if f.After != "" {
		last, err := OneTx(ctx, tx, f.After)
		if err != nil {
			return nil, false, err
		}
		where += ` AND (a.taken_at < $2 OR a.taken_at = $2 AND a.id < $3)`
		args = append(args, db.Micros(last.TakenAt), last.ID)
	}
	rows, err := tx.Query(ctx, listing+where+` ORDER BY a.taken_at DESC, a.id DESC LIMIT $1`, args...)
	list, err = db.Collect(rows, err, func(r *sql.Rows) (Entry, error) { return scan(r.Scan) })
	if len(list) > limit {
		return list[:limit], true, err
	}
	return list, false, err
}

// OneTx gives one advice that was not carried out. Errors: NotFound.
func OneTx(ctx context.Context, tx *db.Tx, id string) (Entry, error) {
	if !db.ValidID(id) {
		return Entry{}, notFound()
	}
	e, err := scan(tx.QueryRow(ctx, listing+` AND a.id = $1`, id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return e, notFound()
	}
	return e, err
}

// DealTx writes that somebody of staff has dealt with a refused advice. Errors:
// NotFound; Conflict advice.waits for one that may still be carried out, and
// advice.dealt where somebody was first.
func DealTx(ctx context.Context, tx *db.Tx, id, by, note string) (Entry, error) {
	e, err := OneTx(ctx, tx, id)
	if err != nil {
		return e, err
	}
	if e.State != Refused {
		return e, fault.New(fault.Conflict, "advice.waits", "This is tried again by itself. It is not for anybody to deal with yet.")
	}
	n, err := tx.Exec(ctx, `INSERT INTO advice_dealt (advice_id, dealt_by, dealt_at, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		id, by, db.Micros(tx.Now), note)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "advice.dealt", "Somebody else has dealt with this meanwhile.")
	}
	return e, err
}

func notFound() error {
	return fault.New(fault.NotFound, "advice.not-found", "There is no such advice.")
}

func scan(read func(...any) error) (e Entry, err error) {
	var at, taken, dealt int64
	var body string
	var by sql.NullString
	err = read(&e.StandIn, &e.Seq, &e.ID, &e.Kind, &e.MemberID, &at, &body, &e.Confirmation, &e.State, &e.Code, &e.Message, &taken, &dealt, &e.Dealt.Note, &by)
	if err != nil {
		return e, err
	}
	e.At, e.TakenAt, e.Dealt.By = db.FromMicros(at), db.FromMicros(taken), by.String
	if dealt != 0 {
		e.Dealt.At = db.FromMicros(dealt)
	}
	e.Subject = subjectOf(body)
	return e, nil
}

// subjectOf reads what there is to read: an advice may be refused because its body
// could not be.
func subjectOf(body string) (s Subject) {
	var b struct {
		AccountID string        `json:"account_id"`
		Amount    *money.Amount `json:"amount"`
	}
	if json.Unmarshal([]byte(body), &b) != nil {
		return s
	}
	if db.ValidID(b.AccountID) {
		s.AccountID = b.AccountID
	}
	if b.Amount != nil && b.Amount.Currency != "" {
		s.Amount = b.Amount
	}
	return s
}

// OpenTx counts what was not carried out and nobody has dealt with yet, by state.
func OpenTx(ctx context.Context, tx *db.Tx) (refused, aside int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FILTER (WHERE a.state = 'refused'), COUNT(*) FILTER (WHERE a.state = 'aside')
		FROM advice a LEFT JOIN advice_dealt d ON d.advice_id = a.id WHERE a.state IN ('refused', 'aside') AND d.advice_id IS NULL`).Scan(&refused, &aside)
	return refused, aside, err
}
