package account

import (
	"context"
	"database/sql"
	"encoding/json"
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

func minor(a *money.Amount) sql.NullInt64 {
	if a == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: a.Minor, Valid: true}
}

// insert writes a new account and tells whether its reference was free.
func insert(ctx context.Context, tx *db.Tx, a Account) (bool, error) {
	var rate sql.NullInt64
	if a.RateBP != nil {
		rate = sql.NullInt64{Int64: *a.RateBP, Valid: true}
	}
	n, err := tx.Exec(ctx, `INSERT INTO account (`+columns+`, created_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17) ON CONFLICT (ref) DO NOTHING`,
		a.ID, a.Ref, a.Kind, a.Currency, a.Name, a.Last4, a.Status, a.Source, minor(a.CreditLimit), minor(a.StatementBalance),
		minor(a.MinimumDue), a.DueOn, a.OpenedOn, a.ExpiresOn, rate, a.Version, db.Micros(tx.Now))
	return n == 1, err
}

// oneOf gives the condition that column is one of ids, and its argument: a list
// is one parameter on both engines, in each engine's own way.
func oneOf(e db.Engine, column string, ids []string) (condition string, arg any) {
	if e == db.PostgreSQL {
		return column + ` = ANY($1)`, ids
	}
	list, _ := json.Marshal(ids) // strings always marshal
	return column + ` IN (SELECT value FROM json_each($1))`, string(list)
}

// load reads the accounts with these ids; unknown ids are left out.
func load(ctx context.Context, d *db.DB, ids []string) (list []Account, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		where, arg := oneOf(tx.Engine(), "id", ids)
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
		where, arg := oneOf(tx.Engine(), "ref", refs)
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
