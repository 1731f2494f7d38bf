package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"standfast/internal/fault"
	"standfast/internal/money"
)

// Payment is one that was taken here. It is a promise: credited as of its receipt.
type Payment struct {
	ID                 string
	Seq                int64
	MemberID           string
	SessionID          string
	Key                string // the member's Idempotency-Key; not stored, only its hash
	KeyHash            string
	Contents           string // what was asked for, so that the key cannot mean something else
	AccountID          string
	MethodID           string
	MethodDisplay      string
	Amount             money.Amount
	ConfirmationNumber string
	CreditedOn         string
	MadeOn             string // business date of receipt, which the limits of a day count by
	ReceivedAt         time.Time
	State              State // of its advice
	Code               string
	Message            string
}

// Limits bound what is taken here in one business day: of one member, and in all.
// A stand-in does not know what a member has paid elsewhere since the feed stopped.
type Limits struct {
	MemberMinor, MemberCount int64
	TotalMinor, TotalCount   int64
}

// Unproved is what a member may pay without a proof since their last payment with
// one (RTS (EU) 2018/389 Art 16(b) and (c)), and what they have by what core told.
type Unproved struct {
	TotalMinor, Count      int64 // 0: no bound
	SpentMinor, SpentCount int64
	Since                  time.Time       // of the last payment with a proof
	Told                   map[string]bool // key hashes of what core told of
}

// allow counts what was taken here besides: each of those is one without a proof.
func (u Unproved) allow(ctx context.Context, tx *sql.Tx, p Payment) error {
	if u.TotalMinor == 0 && u.Count == 0 {
		return nil
	}
	list, err := findPayment(ctx, tx, `p.member_id = $1 AND p.received_at > $2 AND a.state <> $3`, p.MemberID, Micros(u.Since), Refused)
	if err != nil {
		return err
	}
	for _, here := range list {
		if !u.Told[here.KeyHash] {
			u.SpentCount, u.SpentMinor = u.SpentCount+1, u.SpentMinor+here.Amount.Minor
		}
	}
	if u.TotalMinor > 0 && u.SpentMinor+p.Amount.Minor > u.TotalMinor || u.Count > 0 && u.SpentCount >= u.Count {
		return fault.New(fault.Forbidden, "standin.exempt", "This payment needs a further proof, which we cannot ask for just now. Nothing was paid. Please try again later, or call us.")
	}
	return nil
}

// Pay stores a payment together with its advice; when it returns without an error
// both have reached the disk. An intention that was taken here before is given
// again. Errors: Conflict for a key that stands for something else; Forbidden
// above the limits, or where a proof would be needed.
func (o *Own) Pay(ctx context.Context, p Payment, l Limits, u Unproved) (stands Payment, err error) {
	err = o.file.tx(ctx, func(tx *sql.Tx) error {
		before, err := findPayment(ctx, tx, `p.member_id = $1 AND p.key_hash = $2`, p.MemberID, p.KeyHash)
		if err != nil {
			return err
		}
		if len(before) == 1 {
			stands = before[0]
			return stands.same(p)
		}
		if err := errors.Join(l.allow(ctx, tx, p), u.allow(ctx, tx, p)); err != nil {
			return err
		}
		stands, err = insertPayment(ctx, tx, p)
		return err
	})
	return stands, unavailable(err)
}

func (p Payment) same(q Payment) error {
	if p.Contents == q.Contents {
		return nil
	}
	return KeyReused()
}

// KeyReused is the refusal of a key that stands for another payment.
func KeyReused() error {
	return fault.New(fault.Conflict, "payment.key-reused", "This Idempotency-Key stands for another payment.")
}

func (l Limits) allow(ctx context.Context, tx *sql.Tx, p Payment) error {
	var count, minor, allCount, allMinor int64
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(sum(p.member_id = $2), 0), COALESCE(sum(CASE WHEN p.member_id = $2 THEN p.minor ELSE 0 END), 0), count(*), COALESCE(sum(p.minor), 0)
		FROM payment p JOIN advice a ON a.seq = p.seq WHERE p.made_on = $1 AND p.currency = $3 AND a.state <> $4`, p.MadeOn, p.MemberID, p.Amount.Currency, Refused).
		Scan(&count, &minor, &allCount, &allMinor)
	if err != nil {
		return err
	}
	if count+1 > l.MemberCount || p.Amount.Minor > l.MemberMinor-minor || allCount+1 > l.TotalCount || p.Amount.Minor > l.TotalMinor-allMinor {
		return fault.New(fault.Forbidden, "standin.limit", "That is more than we can take just now. Nothing was paid. Please try a smaller amount, try again later, or call us.")
	}
	return nil
}

func insertPayment(ctx context.Context, tx *sql.Tx, p Payment) (Payment, error) {
	seq, err := advise(ctx, tx, p.ID, KindPayment, p.ReceivedAt, p.MemberID, map[string]any{
		"account_id": p.AccountID, "payment_method_id": p.MethodID, "amount": p.Amount, "idempotency_key": p.Key,
		"confirmation_number": p.ConfirmationNumber, "received_at": p.ReceivedAt, "session_id": p.SessionID})
	if err != nil {
		return p, err
	}
	p.Seq, p.State = seq, Waiting
	_, err = tx.ExecContext(ctx, `INSERT INTO payment (id, seq, member_id, key_hash, contents, account_id, method_id, method_display, minor, currency, confirmation_number, credited_on, made_on, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, p.ID, p.Seq, p.MemberID, p.KeyHash, p.Contents, p.AccountID, p.MethodID, p.MethodDisplay,
		p.Amount.Minor, p.Amount.Currency, p.ConfirmationNumber, p.CreditedOn, p.MadeOn, Micros(p.ReceivedAt))
	return p, err
}

const paymentColumns = `SELECT p.id, p.seq, p.member_id, p.key_hash, p.contents, p.account_id, p.method_id, p.method_display, p.minor, p.currency, p.confirmation_number, p.credited_on, p.made_on,
	p.received_at, a.state, a.code, a.message FROM payment p JOIN advice a ON a.seq = p.seq WHERE `

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func findPayment(ctx context.Context, q queryer, where string, args ...any) ([]Payment, error) {
	rows, err := q.QueryContext(ctx, paymentColumns+where+` ORDER BY p.seq DESC LIMIT 100`, args...)
	return collect(rows, err, func(rows *sql.Rows) (p Payment, err error) {
		var received int64
		err = rows.Scan(&p.ID, &p.Seq, &p.MemberID, &p.KeyHash, &p.Contents, &p.AccountID, &p.MethodID, &p.MethodDisplay, &p.Amount.Minor, &p.Amount.Currency,
			&p.ConfirmationNumber, &p.CreditedOn, &p.MadeOn, &received, &p.State, &p.Code, &p.Message)
		p.ReceivedAt = Instant(received)
		return p, err
	})
}

// Payments gives what a member has paid here, the newest first.
func (o *Own) Payments(ctx context.Context, memberID string) ([]Payment, error) {
	return findPayment(ctx, o.file.read, `p.member_id = $1`, memberID)
}

// PaymentByKey gives the payment that an intention has led to here.
func (o *Own) PaymentByKey(ctx context.Context, memberID, keyHash string) (Payment, bool, error) {
	list, err := findPayment(ctx, o.file.read, `p.member_id = $1 AND p.key_hash = $2`, memberID, keyHash)
	if err != nil || len(list) == 0 {
		return Payment{}, false, err
	}
	return list[0], true, nil
}

// Freeze asks core to freeze a card. Asked again while core has not answered, it
// is the same request.
func (o *Own) Freeze(ctx context.Context, accountID, memberID string, at time.Time) error {
	return unavailable(o.file.tx(ctx, func(tx *sql.Tx) error {
		var state State
		err := tx.QueryRowContext(ctx, `SELECT a.state FROM freeze f JOIN advice a ON a.seq = f.seq WHERE f.account_id = $1`, accountID).Scan(&state)
		if err == nil && (state == Waiting || state == Aside) {
			return nil
		}
		if err != nil && err != sql.ErrNoRows {
			return err
		}
		seq, err := advise(ctx, tx, NewID(), KindFreeze, at, memberID, map[string]any{"account_id": accountID})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO freeze (account_id, seq, member_id, asked_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account_id) DO UPDATE SET seq = excluded.seq, member_id = excluded.member_id, asked_at = excluded.asked_at`, accountID, seq, memberID, Micros(at))
		return err
	}))
}

// FreezeAsked tells since when core is asked to freeze a card; zero when it is
// not, or has answered.
func (o *Own) FreezeAsked(ctx context.Context, accountID string) (at time.Time, err error) {
	var us int64
	err = o.file.read.QueryRowContext(ctx, `SELECT f.asked_at FROM freeze f JOIN advice a ON a.seq = f.seq WHERE f.account_id = $1 AND a.state IN ($2, $3)`, accountID, Waiting, Aside).Scan(&us)
	if err == sql.ErrNoRows {
		return at, nil
	}
	return Instant(us), unavailable(err)
}
