package audit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"standfast/internal/db"
)

// Report is what Verify found.
type Report struct {
	Rows       int64  // numbered rows that were checked
	Unnumbered int64  // committed rows whose number is still to come
	Head       string // hex of the last chain value; written down elsewhere, it also proves that nobody rebuilt the whole chain
	Problem    string // names the first wrong row; "" when all is well
}

// Verify recomputes the whole log from one consistent state. It finds a row that
// was changed, deleted or inserted by hand, as long as whoever did it did not
// recompute everything behind it; against that, compare Head with an earlier one.
func Verify(ctx context.Context, d *db.DB) (Report, error) {
	var v verifier
	err := d.View(ctx, func(tx *db.Tx) error {
		v = verifier{}
		if err := v.head(ctx, tx); err != nil {
			return err
		}
		if err := v.scan(ctx, tx, `WHERE seq IS NOT NULL ORDER BY seq`, v.numbered); err != nil {
			return err
		}
		v.end()
		return v.scan(ctx, tx, `WHERE seq IS NULL ORDER BY id`, v.unnumbered)
	})
	if err != nil {
		return Report{}, err
	}
	v.Head = hex.EncodeToString(v.chain)
	return v.Report, nil
}

// verifier walks the log. It stops at the first problem.
type verifier struct {
	Report
	last      int64  // number that the sequence gave last
	lastChain []byte // and its chain value
	chain     []byte // of the row before
}

// stored is a row as the database has it.
type stored struct {
	row
	seq       sql.NullInt64
	wasDigest []byte
	wasChain  []byte
}

func (v *verifier) head(ctx context.Context, tx *db.Tx) error {
	err := tx.QueryRow(ctx, `SELECT last_seq, last_chain FROM sequence WHERE name = $1`, string(Table)).Scan(&v.last, &v.lastChain)
	if errors.Is(err, db.ErrNoRows) {
		return nil // nothing was ever numbered
	}
	return err
}

// scan streams rows, so that memory does not grow with the log.
func (v *verifier) scan(ctx context.Context, tx *db.Tx, where string, check func(stored)) error {
	if v.Problem != "" {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT seq, id, at, actor, actor_id, action, object, object_id, outcome, origin, details, digest, chain FROM audit `+where)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() && v.Problem == "" {
		var s stored
		if err := rows.Scan(&s.seq, &s.id, &s.at, &s.Actor, &s.ActorID, &s.Action, &s.Object, &s.ObjectID,
			&s.Outcome, &s.From, &s.details, &s.wasDigest, &s.wasChain); err != nil {
			return err
		}
		check(s)
	}
	return rows.Err()
}

func (v *verifier) numbered(s stored) {
	want := v.Rows + 1
	switch {
	case s.seq.Int64 > v.last:
		v.fail("row %d (%s) has a number that was never given: it was inserted by hand", s.seq.Int64, s.id)
	case s.seq.Int64 != want:
		v.fail("row %d is missing", want)
	case !bytes.Equal(s.digest(), s.wasDigest):
		v.fail("row %d (%s) was changed: its contents do not give its digest", want, s.id)
	default:
		chain := db.Link(v.chain, want, s.wasDigest)
		if !bytes.Equal(chain, s.wasChain) {
			v.fail("row %d (%s) does not follow from the rows before it", want, s.id)
			return
		}
		v.Rows, v.chain = want, chain
	}
}

// end compares the last row with what the sequence remembers.
func (v *verifier) end() {
	switch {
	case v.Problem != "":
	case v.Rows < v.last:
		v.fail("row %d is missing", v.Rows+1)
	case v.last > 0 && !bytes.Equal(v.chain, v.lastChain):
		v.fail("row %d does not give the chain value that was kept for it", v.Rows)
	}
}

func (v *verifier) unnumbered(s stored) {
	if !bytes.Equal(s.digest(), s.wasDigest) {
		v.fail("the unnumbered row %s was changed or inserted by hand: its contents do not give its digest", s.id)
		return
	}
	v.Unnumbered++
}

func (v *verifier) fail(format string, args ...any) {
	if v.Problem == "" {
		v.Problem = "audit: " + fmt.Sprintf(format, args...)
	}
}
