package instrument

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

const selectMethod = `SELECT m.id, m.member_id, m.kind, m.country, m.last4, m.holder_name, m.status, m.stop_code, m.checked, m.added_proved,
	m.created_at, m.version, COALESCE(d.sent_at, 0), COALESCE(d.tries_left, -1), COALESCE(d.expires_at, 0)
	FROM payment_method m LEFT JOIN micro_deposit d ON d.method_id = m.id `

func display(last4 string) string { return "•••• " + last4 }

func scanMethod(row interface{ Scan(...any) error }) (Method, error) {
	var m Method
	var created, sent, tries, expires int64
	err := row.Scan(&m.ID, &m.MemberID, &m.Kind, &m.Country, &m.Last4, &m.HolderName, &m.Status, &m.StopCode, &m.Checked, &m.AddedProved,
		&created, &m.Version, &sent, &tries, &expires)
	m.CreatedAt, m.Display = db.FromMicros(created), display(m.Last4)
	if m.Status == New && tries >= 0 {
		m.Proof = &Deposit{Sent: sent != 0, TriesLeft: int(tries), ExpiresAt: db.FromMicros(expires)}
	}
	return m, err
}

func getMethod(ctx context.Context, tx *db.Tx, memberID, id string) (Method, error) {
	if !db.ValidID(id) || !db.ValidID(memberID) {
		return Method{}, errNotFound()
	}
	m, err := scanMethod(tx.QueryRow(ctx, selectMethod+`WHERE m.id = $1 AND m.member_id = $2`, id, memberID))
	if errors.Is(err, db.ErrNoRows) {
		return Method{}, errNotFound()
	}
	return m, err
}

// lockMethods reads the methods of choices, each by its choice, and keeps them as
// they are until the transaction ends. Those that do not exist, or are another
// member's, are left out. A transaction locks methods before balances.
func lockMethods(ctx context.Context, tx *db.Tx, choices []Choice) (map[Choice]Method, error) {
	var ids []string
	for _, c := range choices {
		if db.ValidID(c.MethodID) {
			ids = append(ids, c.MethodID)
		}
	}
	these, arg := tx.In("m.id", "uuid", 1, ids)
	query := selectMethod + `WHERE ` + these
	if tx.Engine() == db.PostgreSQL {
		query += ` FOR SHARE OF m` // payments from one method do not wait for each other, a change of it does
	}
	rows, err := tx.Query(ctx, query, arg)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Method, error) { return scanMethod(r) })
	methods := make(map[Choice]Method, len(list))
	for _, m := range list {
		methods[Choice{m.MemberID, m.ID}] = m
	}
	return methods, err
}

func listMethods(ctx context.Context, tx *db.Tx, memberID string) ([]Method, error) {
	if !db.ValidID(memberID) {
		return nil, nil
	}
	rows, err := tx.Query(ctx, selectMethod+`WHERE m.member_id = $1 AND m.status <> 'removed' ORDER BY m.created_at, m.id`, memberID)
	return db.Collect(rows, err, func(r *sql.Rows) (Method, error) { return scanMethod(r) })
}

// insertMethod stores a method and tells whether its number was not taken.
func insertMethod(ctx context.Context, tx *db.Tx, m Method, number, fingerprint []byte) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO payment_method (id, member_id, kind, country, last4, holder_name, number, fingerprint, status, stop_code, checked, added_proved, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (member_id, fingerprint) WHERE status <> 'removed' DO NOTHING`,
		m.ID, m.MemberID, m.Kind, m.Country, m.Last4, m.HolderName, number, fingerprint, string(m.Status), m.StopCode, m.Checked, m.AddedProved, db.Micros(m.CreatedAt), m.Version)
	return n == 1, err
}

func methodWithNumber(ctx context.Context, tx *db.Tx, memberID string, fingerprint []byte) (Method, error) {
	return scanMethod(tx.QueryRow(ctx, selectMethod+`WHERE m.member_id = $1 AND m.fingerprint = $2 AND m.status <> 'removed'`, memberID, fingerprint))
}

// wasStopped tells whether the member removed a method with this number after it was stopped.
func wasStopped(ctx context.Context, tx *db.Tx, memberID string, fingerprint []byte) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM payment_method WHERE member_id = $1 AND fingerprint = $2 AND status = 'removed' AND stop_code <> ''`, memberID, fingerprint).Scan(&n)
	return n > 0, err
}

// countMethods counts a member's methods that stand, and those added since, removed ones included.
func countMethods(ctx context.Context, tx *db.Tx, memberID string, since time.Time) (standing, added int, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN status <> 'removed' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN created_at > $2 THEN 1 ELSE 0 END), 0)
		FROM payment_method WHERE member_id = $1`, memberID, db.Micros(since)).Scan(&standing, &added)
	return standing, added, err
}

// updateMethod moves a method to its new version, or fails when another change came first.
func updateMethod(ctx context.Context, tx *db.Tx, m Method) error {
	n, err := tx.Exec(ctx, `UPDATE payment_method SET status = $3, stop_code = $4, version = $2 WHERE id = $1 AND version = $2 - 1`,
		m.ID, m.Version, string(m.Status), m.StopCode)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "method.changed", "This payment method has just changed. Please look at it again.")
	}
	return err
}

func sealedNumber(ctx context.Context, tx *db.Tx, id string) (sealed []byte, err error) {
	if !db.ValidID(id) {
		return nil, errNotFound()
	}
	err = tx.QueryRow(ctx, `SELECT number FROM payment_method WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		err = errNotFound()
	}
	return sealed, err
}

func insertDeposit(ctx context.Context, tx *db.Tx, methodID string, amounts []byte, tries int, sent, expires time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO micro_deposit (method_id, amounts, tries_left, sent_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		methodID, amounts, tries, db.Micros(sent), db.Micros(expires))
	return err
}

func sealedDeposit(ctx context.Context, tx *db.Tx, methodID string) (amounts []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT amounts FROM micro_deposit WHERE method_id = $1`, methodID).Scan(&amounts)
	return amounts, err
}

func markSent(ctx context.Context, tx *db.Tx, methodID string, expires time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE micro_deposit SET sent_at = $2, expires_at = $3 WHERE method_id = $1 AND sent_at = 0`, methodID, db.Micros(tx.Now), db.Micros(expires))
	return n == 1, err
}

// takeTry uses up one try before the answer is looked at, so that answers at the
// same moment count too. ErrNoRows means that none is left.
func takeTry(ctx context.Context, tx *db.Tx, methodID string) (left int, amounts []byte, err error) {
	err = tx.QueryRow(ctx, `UPDATE micro_deposit SET tries_left = tries_left - 1 WHERE method_id = $1 AND tries_left > 0 RETURNING tries_left, amounts`, methodID).Scan(&left, &amounts)
	return left, amounts, err
}
