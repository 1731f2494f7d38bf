package payment

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// record is a payment's row.
type record struct {
	Payment
	key         string // of the request, the member's own
	contents    []byte // digest of the request
	rail        string // name of the rail, "" for none
	proved      bool   // by a step-up
	holdID      string // the ledger's; empty while scheduled
	submittedAt time.Time
	nextAt      time.Time // when somebody is to look at it again; zero after the last word
	now         time.Time // time of the transaction that works on it
}

const columns = `id, member_id, request_key, contents, confirmation, account_id, method_id, method_display, rail, amount, currency,
	status, code, business_date, credited_on, proved, hold_id, submitted_at, next_at, created_at, version, events`

func scan(row interface{ Scan(...any) error }) (r record, err error) {
	var submitted, next, created, minor int64
	var currency, events string
	err = row.Scan(&r.ID, &r.MemberID, &r.key, &r.contents, &r.ConfirmationNumber, &r.AccountID, &r.MethodID, &r.MethodDisplay, &r.rail, &minor, &currency,
		&r.Status, &r.Code, &r.Date, &r.CreditedOn, &r.proved, &r.holdID, &submitted, &next, &created, &r.Version, &events)
	if errors.Is(err, db.ErrNoRows) {
		return record{}, errNotFound()
	}
	if err != nil {
		return record{}, err
	}
	r.Amount = money.New(minor, currency)
	r.submittedAt, r.nextAt, r.CreatedAt = db.FromMicros(submitted), db.FromMicros(next), db.FromMicros(created)
	r.CanCancel = r.Status.cancellable()
	r.Events, err = readEvents(events)
	return r, err
}

// storedEvent is an Event in the table, its time in microseconds.
type storedEvent struct {
	Status Status `json:"s"`
	At     int64  `json:"t"`
	Note   string `json:"n,omitempty"`
}

func readEvents(text string) ([]Event, error) {
	var stored []storedEvent
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, err
	}
	events := make([]Event, len(stored))
	for i, e := range stored {
		events[i] = Event{e.Status, db.FromMicros(e.At), e.Note}
	}
	return events, nil
}

func writeEvents(events []Event) (string, error) {
	stored := make([]storedEvent, len(events))
	for i, e := range events {
		stored[i] = storedEvent{e.Status, db.Micros(e.At), e.Note}
	}
	b, err := json.Marshal(stored)
	return string(b), err
}

// table is the payments' own, its columns as above.
var table = db.Into{Table: "payment", Columns: `id uuid, member_id uuid, request_key text, contents bytea, confirmation text, account_id uuid, method_id uuid,
	method_display text, rail text, amount bigint, currency text, status text, code text, business_date text, credited_on text, proved boolean, hold_id text,
	submitted_at bigint, next_at bigint, created_at bigint, version bigint, events text`}

// insert stores new payments. Where a key was taken meanwhile, or a confirmation
// number was drawn before (once in 10^15), the transaction is run again.
func insert(ctx context.Context, tx *db.Tx, list []*record) error {
	rows := make([][]any, len(list))
	for i, r := range list {
		events, err := writeEvents(r.Events)
		if err != nil {
			return err
		}
		rows[i] = []any{r.ID, r.MemberID, r.key, r.contents, r.ConfirmationNumber, r.AccountID, r.MethodID,
			r.MethodDisplay, r.rail, r.Amount.Minor, r.Amount.Currency, string(r.Status), r.Code, r.Date, r.CreditedOn, r.proved, r.holdID,
			db.Micros(r.submittedAt), db.Micros(r.nextAt), db.Micros(r.CreatedAt), r.Version, events}
	}
	return tx.InsertAll(ctx, table, rows)
}

// errMoved means that another transaction has taken a step since the row was read.
var errMoved = fault.New(fault.Conflict, "payment.moved", "This payment has just changed. Please look at it again.")

// maxMoves bounds how often a step is begun again because others came first. A
// payment takes four steps in its life; more means that its row and its hold
// contradict each other, which verify names.
const maxMoves = 8

// update stores the step that move took. It holds only from the version that was
// read, so that of two who took a step one fails and writes nothing.
func update(ctx context.Context, tx *db.Tx, r *record) error {
	events, err := writeEvents(r.Events)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE payment SET version = $2, status = $3, code = $4, hold_id = $5, submitted_at = $6, next_at = $7, events = $8
		WHERE id = $1 AND version = $2 - 1`,
		r.ID, r.Version, string(r.Status), r.Code, r.holdID, db.Micros(r.submittedAt), db.Micros(r.nextAt), events)
	if err == nil && n == 0 {
		return errMoved
	}
	return err
}

// lookAgain notes when somebody is to look next, which is no step.
func lookAgain(ctx context.Context, tx *db.Tx, r *record, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE payment SET next_at = $3 WHERE id = $1 AND version = $2`, r.ID, r.Version, db.Micros(at))
	return err
}

func byID(ctx context.Context, tx *db.Tx, id string) (record, error) {
	if !db.ValidID(id) {
		return record{}, errNotFound()
	}
	r, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM payment WHERE id = $1`, id))
	r.now = tx.Now
	return r, err
}

// ofMember is byID for a member's own eyes.
func ofMember(ctx context.Context, tx *db.Tx, memberID, id string) (record, error) {
	r, err := byID(ctx, tx, id)
	if err == nil && r.MemberID != memberID {
		return record{}, errNotFound()
	}
	return r, err
}

func byConfirmation(ctx context.Context, tx *db.Tx, memberID, number string) (record, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM payment WHERE confirmation = $1 AND member_id = $2`, number, memberID))
}

func byKey(ctx context.Context, tx *db.Tx, memberID, key string) (record, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM payment WHERE member_id = $1 AND request_key = $2`, memberID, key))
}

// byKeys gives the payments that stand under the keys of requests.
func byKeys(ctx context.Context, tx *db.Tx, orders []*order) (map[keyOf]record, error) {
	members, keys, pairs := make([]string, len(orders)), make([]string, len(orders)), make([][2]string, len(orders))
	for i, o := range orders {
		members[i], keys[i] = o.Session.MemberID, o.Key
		pairs[i] = [2]string{members[i], keys[i]}
	}
	var rows *sql.Rows
	var err error
	if tx.Engine() == db.PostgreSQL {
		// One look into the index for each, however the planner thinks of the table.
		rows, err = tx.Query(ctx, `SELECT `+columns+` FROM unnest($1::text[]::uuid[], $2::text[]) u(m, k)
			CROSS JOIN LATERAL (SELECT * FROM payment WHERE member_id = u.m AND request_key = u.k LIMIT 1) p`, members, keys)
	} else {
		list, _ := json.Marshal(pairs) // strings always marshal
		rows, err = tx.Query(ctx, `SELECT `+columns+` FROM payment
			WHERE (member_id, request_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each($1))`, string(list))
	}
	found, err := collect(rows, err)
	standing := make(map[keyOf]record, len(found))
	for _, r := range found {
		standing[keyOf{r.MemberID, r.key}] = r
	}
	return standing, err
}

func collect(rows *sql.Rows, err error) ([]record, error) {
	return db.Collect(rows, err, func(r *sql.Rows) (record, error) { return scan(r) })
}

// list gives payments before an id, newest first. after is "" for the newest.
func list(ctx context.Context, tx *db.Tx, memberID, accountID, before string, limit int) ([]record, error) {
	const last = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	if before == "" {
		before = last
	}
	const text = `SELECT ` + columns + ` FROM payment WHERE member_id = $1 AND id < $2 `
	if accountID == "" {
		return collect(tx.Query(ctx, text+`ORDER BY id DESC LIMIT $3`, memberID, before, limit))
	}
	return collect(tx.Query(ctx, text+`AND account_id = $3 ORDER BY id DESC LIMIT $4`, memberID, before, accountID, limit))
}

// pending sums the open payments of an account, whoever made them.
func pending(ctx context.Context, tx *db.Tx, accountID string) (minor int64, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM payment
		WHERE account_id = $1 AND next_at > 0 AND status IN ('scheduled', 'held', 'submitted')`, accountID).Scan(&minor)
	return minor, err
}

// waitingFor counts a member's payments that still need a method.
func waitingFor(ctx context.Context, tx *db.Tx, memberID, methodID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM payment WHERE member_id = $1 AND method_id = $2 AND status IN ('scheduled', 'held')`, memberID, methodID).Scan(&n)
	return n, err
}

// takeTurns makes transactions that count the same member's payments without a
// proof wait for each other. Rows are locked in the order of their ids, and what
// is read afterwards is as of after the wait (READ COMMITTED).
func takeTurns(ctx context.Context, tx *db.Tx, members []string) error {
	slices.Sort(members)
	for _, id := range slices.Compact(members) {
		_, err := tx.Exec(ctx, `INSERT INTO payment_exemption (member_id, asked_at) VALUES ($1, $2)
			ON CONFLICT (member_id) DO UPDATE SET asked_at = excluded.asked_at`, id, db.Micros(tx.Now))
		if err != nil {
			return err
		}
	}
	return nil
}

// unproved counts and sums members' payments without a proof, of each since their
// last one with a proof. What was cancelled or declined moved nothing.
func unproved(ctx context.Context, tx *db.Tx, members []string) (map[string]spent, error) {
	ofMembers, ids := tx.In("p.member_id", "uuid", 1, members)
	rows, err := tx.Query(ctx, `SELECT member_id, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM payment p
		WHERE `+ofMembers+` AND NOT proved AND status NOT IN ('cancelled', 'declined')
		AND created_at > (SELECT COALESCE(MAX(created_at), 0) FROM payment q WHERE q.member_id = p.member_id AND q.proved)
		GROUP BY member_id`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]spent{}
	for rows.Next() {
		var id string
		var so spent
		if err := rows.Scan(&id, &so.count, &so.minor); err != nil {
			return nil, err
		}
		all[id] = so
	}
	return all, rows.Err()
}

// overdue gives payments that somebody should have looked at before an instant.
func overdue(ctx context.Context, tx *db.Tx, before time.Time, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM payment WHERE next_at > 0 AND next_at < $1 ORDER BY next_at LIMIT $2`, db.Micros(before), limit)
	return db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
}

func errNotFound() error {
	return fault.New(fault.NotFound, "payment.not-found", "We could not find this payment.")
}
