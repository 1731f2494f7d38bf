package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"standfast/internal/db"
)

// accountPage is how many accounts are reckoned at once.
const accountPage = 1000

// verifyBalances compares every account with the sum of its postings, in
// stretches of ids, so that the engine adds up and little is in memory. Legs
// that lead to no account, or to one of another currency, are named.
func verifyBalances(ctx context.Context, tx *db.Tx, r *Report) error {
	for after := firstID; ; {
		accounts, err := readStretch(ctx, tx, after)
		if err != nil {
			return err
		}
		until := lastID
		if len(accounts) == accountPage {
			until = accounts[len(accounts)-1].id
		}
		s := stretch{after: after, until: until, accounts: accounts, report: r}
		if err := s.verify(ctx, tx); err != nil {
			return err
		}
		r.Accounts += int64(len(accounts))
		if until == lastID {
			return nil
		}
		after = until
	}
}

func readStretch(ctx context.Context, tx *db.Tx, after string) ([]*account, error) {
	rows, err := tx.Query(ctx, `SELECT `+accountColumns+` FROM ledger_account a WHERE a.id > $1 ORDER BY a.id LIMIT $2`, after, accountPage)
	return db.Collect(rows, err, func(r *sql.Rows) (*account, error) { return scanAccount(r) })
}

// storedTerms is what an account's row says of how it was opened.
type storedTerms struct {
	AccountSpec
	digest []byte
	broken error
}

// verifyTerms compares every account with the digest of what it was opened with.
func verifyTerms(ctx context.Context, tx *db.Tx, r *Report) error {
	p := &pager[storedTerms]{fetch: func(last *storedTerms) ([]storedTerms, error) {
		after := firstID
		if last != nil {
			after = last.ID
		}
		rows, err := tx.Query(ctx, `SELECT `+termColumns+`, terms FROM ledger_account WHERE id > $1 ORDER BY id LIMIT $2`, after, verifyPage)
		return db.Collect(rows, err, scanTerms)
	}}
	for {
		s, err := p.peek()
		if err != nil || s == nil {
			return err
		}
		switch {
		case s.broken != nil:
			r.problem("account %s was changed: %v", s.ID, s.broken)
		case !bytes.Equal(s.Digest(), s.digest):
			r.problem("account %s was changed: its currency, book, floor, ceiling or folding is not what it was opened with", s.ID)
		}
		p.take()
	}
}

// scanTerms reads a row, or at least its id, as scanStored does.
func scanTerms(r *sql.Rows) (s storedTerms, err error) {
	if s.broken = s.scan(r, &s.digest); s.broken == nil {
		return s, nil
	}
	values := make([]any, 7)
	for i := range values {
		values[i] = new(any)
	}
	err = r.Scan(values...)
	s.ID = fmt.Sprint(*values[0].(*any))
	return s, err
}

// stretch is the accounts after one id until another.
type stretch struct {
	after, until string
	accounts     []*account
	byID         map[string]*account
	report       *Report
}

// verify takes everything that moved the accounts off their balances: zero must be left.
func (s *stretch) verify(ctx context.Context, tx *db.Tx) error {
	s.byID = make(map[string]*account, len(s.accounts))
	for _, a := range s.accounts {
		s.byID[a.id] = a
	}
	if err := s.addDeltas(ctx, tx); err != nil {
		return err
	}
	if err := s.subtractPostings(ctx, tx); err != nil {
		return err
	}
	for _, a := range s.accounts {
		if d := a.is; d != (sums{}) {
			s.report.problem("the balance of account %s was changed: it differs from its postings by %d posted, %d pending in, %d pending out (minor units), %d in count",
				a.id, d.posted, d.in, d.out, d.count)
		}
	}
	return nil
}

func (s *stretch) addDeltas(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, `SELECT account_id, `+sumOf("posted")+`, `+sumOf("pending_in")+`, `+sumOf("pending_out")+`, `+sumOf("count")+`
		FROM ledger_delta WHERE account_id > $1 AND account_id <= $2 GROUP BY account_id`, s.after, s.until)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var d sums
		if err := rows.Scan(&id, &d.posted, &d.in, &d.out, &d.count); err != nil {
			return err
		}
		if a := s.byID[id]; a != nil && a.folded {
			a.is = a.is.plus(d)
		} else {
			s.report.problem("there are deltas for account %s, which is not folded", id)
		}
	}
	return rows.Err()
}

const sideSQL = ` phase, currency, CAST(SUM(amount) AS BIGINT), COUNT(*), MIN(CAST(id AS TEXT)) FROM ledger_transfer WHERE `

const stretchSQL = `SELECT 0, debit,` + sideSQL + `debit > $1 AND debit <= $2 GROUP BY debit, phase, currency
	UNION ALL SELECT 1, credit,` + sideSQL + `credit > $1 AND credit <= $2 GROUP BY credit, phase, currency`

func (s *stretch) subtractPostings(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, stretchSQL, s.after, s.until)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var side int
		var id, currency, example string
		var phase Phase
		var total, n int64
		if err := rows.Scan(&side, &id, &phase, &currency, &total, &n, &example); err != nil {
			return err
		}
		s.subtract(id, currency, example, effectOnSide(side, phase, total, n))
	}
	return rows.Err()
}

func (s *stretch) subtract(id, currency, example string, d sums) {
	a := s.byID[id]
	switch {
	case a == nil:
		s.report.problem("transfer %s names account %s, which does not exist", example, id)
	case a.currency != currency:
		s.report.problem("transfer %s is in %s, its account %s in %s", example, currency, id, a.currency)
	default:
		a.is = a.is.minus(d)
	}
}
