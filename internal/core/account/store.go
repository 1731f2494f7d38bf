package account

import (
	"context"
	"database/sql"
	"errors"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

const columns = `id, ref, kind, currency, name, last4, status, source, credit_limit, statement_balance,
	minimum_due, due_on, opened_on, expires_on, rate_bp, version`

func scan(row interface{ Scan(...any) error }) (a Account, err error) {
	var limit, statement, due, rate sql.NullInt64
	err = row.Scan(&a.ID, &a.Ref, &a.Kind, &a.Currency, &a.Name, &a.Last4, &a.Status, &a.Source, &limit, &statement,
		&due, &a.DueOn, &a.OpenedOn, &a.ExpiresOn, &rate, &a.Version)
	a.CreditLimit, a.StatementBalance, a.MinimumDue = amount(limit, a.Currency), amount(statement, a.Currency), amount(due, a.Currency)
	if rate.Valid {
		a.RateBP = &rate.Int64
	}
	return a, err
}

func amount(n sql.NullInt64, currency string) *money.Amount {
	if !n.Valid {
		return nil
	}
	m := money.New(n.Int64, currency)
	return &m
}

func minor(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}

// insert writes new accounts.
func insert(ctx context.Context, tx *db.Tx, accounts []Account) error {
	rows := make([][]any, len(accounts))
	for i, a := range accounts {
		rows[i] = []any{a.ID, a.Ref, a.Kind, a.Currency, a.Name, a.Last4, a.Status, a.Source, minor(a.CreditLimit), minor(a.StatementBalance),
			minor(a.MinimumDue), a.DueOn, a.OpenedOn, a.ExpiresOn, a.RateBP, a.Version, db.Micros(tx.Now)}
	}
	return tx.InsertAll(ctx, table, rows)
}

var table = db.Into{Table: "account", Columns: `id uuid, ref text, kind text, currency text, name text, last4 text, status text, source text,
	credit_limit bigint, statement_balance bigint, minimum_due bigint, due_on text, opened_on text, expires_on text, rate_bp bigint, version bigint,
	created_at bigint`}

// refsInUse tells which references of accounts to be opened are in use.
func refsInUse(ctx context.Context, tx *db.Tx, list []Opened) (map[string]bool, error) {
	var refs []string
	for _, o := range list {
		if o.Err == nil {
			refs = append(refs, o.Account.Ref)
		}
	}
	where, arg := tx.In("ref", "text", 1, refs)
	rows, err := tx.Query(ctx, `SELECT ref FROM account WHERE `+where, arg)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (ref string, err error) { return ref, r.Scan(&ref) })
	used := make(map[string]bool, len(found))
	for _, ref := range found {
		used[ref] = true
	}
	return used, err
}

// load reads the accounts with these ids; unknown ids are left out.
func load(ctx context.Context, d *db.DB, ids []string) (list []Account, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		where, arg := tx.In("id", "uuid", 1, ids)
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account WHERE `+where, arg)
		list, err = db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return scan(r) })
		return err
	})
	return list, err
}

// ByRef finds an account by the issuer's reference, or gives fault.NotFound.
func (s *Service) ByRef(ctx context.Context, ref string) (a Account, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		a, err = scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM account WHERE ref = $1`, ref))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Account{}, notFound()
	}
	return a, err
}

// ByRefs finds accounts by their references; unknown ones are left out.
func (s *Service) ByRefs(ctx context.Context, refs []string) (map[string]Account, error) {
	found := make(map[string]Account, len(refs))
	err := s.db.View(ctx, func(tx *db.Tx) error {
		where, arg := tx.In("ref", "text", 1, refs)
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account WHERE `+where, arg)
		list, err := db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return scan(r) })
		for _, a := range list {
			found[a.Ref] = a
		}
		return err
	})
	return found, err
}

// Each calls f for every account in the natural order of references: shorter
// ones first, so that a-9 stands before a-10. It holds one account at a time.
func (s *Service) Each(ctx context.Context, f func(Account) error) error {
	return s.db.View(ctx, func(tx *db.Tx) error {
		collate := ""
		if tx.Engine() == db.PostgreSQL {
			collate = ` COLLATE "C"` // bytes, as SQLite does
		}
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM account ORDER BY length(ref), ref`+collate)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scan(rows)
			if err == nil {
				err = f(a)
			}
			if err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// notFound is the one answer for accounts that do not exist and those of other members.
func notFound() error {
	return fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
}
