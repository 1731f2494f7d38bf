package advice

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"

	"standfast/internal/db"
)

// inOrder refuses an advice that is not the next of its store.
func inOrder(ctx context.Context, tx *db.Tx, standIn string, seq int64) error {
	var last int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(seq), 0) FROM advice WHERE standin = $1`, standIn).Scan(&last)
	if err == nil && seq != last+1 {
		return errGap(last + 1)
	}
	return err
}

// storeBefore gives the other store that has told an advice last, and that advice's
// number; "" where there is none.
func storeBefore(ctx context.Context, tx *db.Tx, standIn string) (other string, last int64, err error) {
	err = tx.QueryRow(ctx, `SELECT standin, seq FROM advice WHERE standin <> $1 ORDER BY taken_at DESC, seq DESC LIMIT 1`, standIn).Scan(&other, &last)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return other, last, err
}

// last gives the number of the last advice of a store; 0 for none.
func (s *Service) last(ctx context.Context, standIn string) (seq int64, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COALESCE(MAX(seq), 0) FROM advice WHERE standin = $1`, standIn).Scan(&seq)
	})
	return seq, err
}

// claim writes the advice's row, and tells whether this transaction is the first
// to. On PostgreSQL it waits for one that is writing it just now.
func claim(ctx context.Context, tx *db.Tx, standIn string, i Item, confirmation string) (first bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO advice (standin, seq, id, kind, member_id, at, contents, body, confirmation, state, code, message, result, taken_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', '', '{}', $10) ON CONFLICT DO NOTHING`,
		standIn, i.Seq, i.ID, i.Kind, i.MemberID, db.Micros(i.At), i.contents(), string(i.Body), confirmation, db.Micros(tx.Now))
	return n == 1, err
}

// settle writes what came of it.
func settle(ctx context.Context, tx *db.Tx, standIn string, o Outcome) error {
	result, err := json.Marshal(o.Result)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE advice SET state = $3, code = $4, message = $5, result = $6 WHERE standin = $1 AND seq = $2`,
		standIn, o.Seq, string(o.State), o.Code, o.Message, string(result))
	return err
}

// outcomeOf gives what came of an advice; db.ErrNoRows for one that is not there.
func outcomeOf(ctx context.Context, tx *db.Tx, standIn string, i Item) (o Outcome, err error) {
	var contents []byte
	var result string
	o.Seq = i.Seq
	err = tx.QueryRow(ctx, `SELECT id, contents, state, code, message, result FROM advice WHERE standin = $1 AND seq = $2`, standIn, i.Seq).
		Scan(&o.ID, &contents, &o.State, &o.Code, &o.Message, &result)
	if err == db.ErrNoRows {
		var elsewhere bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM advice WHERE id = $1)`, i.ID).Scan(&elsewhere); err != nil {
			return o, err
		}
		if elsewhere {
			return o, errForged()
		}
	}
	if err != nil {
		return o, err
	}
	if subtle.ConstantTimeCompare(contents, i.contents()) != 1 {
		return o, errForged()
	}
	return o, json.Unmarshal([]byte(result), &o.Result)
}
