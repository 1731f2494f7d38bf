package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// SystemID gives the id of an account of the issuer's own, such as the clearing
// account of a rail: every process reckons the same id from name and currency.
// It is a UUID of version 8 (RFC 9562 section 5.8) made of a SHA-256.
func SystemID(name, currency string) string {
	sum := sha256.Sum256(form(nil).text("standfast system account").text(name).text(currency))
	u := uuid.UUID(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// OpenAccount opens an account with nothing in it. Opening it again with the same
// specification does nothing, with another one is a Conflict.
func (l *Ledger) OpenAccount(ctx context.Context, tx *db.Tx, s AccountSpec) error {
	if err := s.check(); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO ledger_account (id, currency, book, floor, ceiling, folded, posted, pending_in, pending_out, count, terms)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, $7) ON CONFLICT (id) DO NOTHING`, s.ID, s.Currency, s.Book, s.Floor, s.Ceiling, s.Folded, s.Digest())
	if err != nil || n == 1 {
		return err
	}
	return s.checkOpen(ctx, tx)
}

// OpenAccounts opens accounts that are new, in a few statements for all of them.
func (l *Ledger) OpenAccounts(ctx context.Context, tx *db.Tx, specs []AccountSpec) error {
	rows := make([][]any, len(specs))
	for i, s := range specs {
		if err := s.check(); err != nil {
			return err
		}
		rows[i] = []any{s.ID, s.Currency, s.Book, s.Floor, s.Ceiling, s.Folded, 0, 0, 0, 0, s.Digest()}
	}
	return tx.InsertAll(ctx, accountTable, rows)
}

var accountTable = db.Into{Table: "ledger_account", Columns: `id uuid, currency text, book text, floor bigint, ceiling bigint, folded boolean,
	posted bigint, pending_in bigint, pending_out bigint, count bigint, terms bytea`}

func (s AccountSpec) check() error {
	if !db.ValidID(s.ID) {
		return fault.InvalidField("id", "ledger.id", "An account's id is a UUID.")
	}
	if _, err := money.Digits(s.Currency); err != nil {
		return fault.InvalidField("currency", "currency.unknown", "This currency is not known.")
	}
	if err := checkText("book", s.Book, 1, maxKind); err != nil {
		return err
	}
	if s.Folded && (s.Floor != nil || s.Ceiling != nil) {
		return fault.InvalidField("folded", "ledger.folded-limit", "A folded account can have no floor and no ceiling.")
	}
	return errors.Join(checkBound("floor", s.Floor), checkBound("ceiling", s.Ceiling))
}

func checkBound(field string, bound *int64) error {
	if bound != nil && (*bound > maxBalance || *bound < -maxBalance) {
		return fault.InvalidField(field, "amount.too-large", "The amount is too large.")
	}
	return nil
}

// checkOpen compares s with the account that is there. Floor and ceiling may have
// been moved since.
func (s AccountSpec) checkOpen(ctx context.Context, tx *db.Tx) error {
	var currency, book string
	var folded bool
	err := tx.QueryRow(ctx, `SELECT currency, book, folded FROM ledger_account WHERE id = $1`, s.ID).Scan(&currency, &book, &folded)
	if err != nil {
		return err
	}
	if currency != s.Currency || book != s.Book || folded != s.Folded {
		return fault.New(fault.Conflict, "ledger.account-exists", "This account exists already and is another one.")
	}
	return nil
}

// SetFloor moves an account's floor, as when a credit limit changes; nil for
// none. A balance already below it stays, and may only rise.
func (l *Ledger) SetFloor(ctx context.Context, tx *db.Tx, id string, floor *int64) error {
	if !db.ValidID(id) {
		return errNoAccount()
	}
	if err := checkBound("floor", floor); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE ledger_account SET floor = $2 WHERE id = $1 AND NOT folded`, id, floor)
	if err == nil && n == 0 {
		return errNoAccount()
	}
	if err != nil {
		return err
	}
	s := AccountSpec{ID: id}
	if err := s.scan(tx.QueryRow(ctx, `SELECT `+termColumns+` FROM ledger_account WHERE id = $1`, id)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE ledger_account SET terms = $2 WHERE id = $1`, id, s.Digest())
	return err
}

// termColumns are read by scan.
const termColumns = `id, currency, book, floor, ceiling, folded`

func (s *AccountSpec) scan(r row, more ...any) error {
	return r.Scan(append([]any{&s.ID, &s.Currency, &s.Book, &s.Floor, &s.Ceiling, &s.Folded}, more...)...)
}

// Digest is what an account's row is checked against: SHA-256 of all that was
// agreed when it was opened, and of the floor as it was last moved.
func (s AccountSpec) Digest() []byte {
	f := make(form, 0, 128).text(digestForm).text("account").text(s.ID).text(s.Currency).text(s.Book).bound(s.Floor).bound(s.Ceiling).flag(s.Folded)
	sum := sha256.Sum256(f)
	return sum[:]
}

// Terms gives how accounts were opened, by their ids; those that are not the
// ledger's are left out.
func (l *Ledger) Terms(ctx context.Context, tx *db.Tx, ids []string) (map[string]AccountSpec, error) {
	these, arg := tx.In("id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT `+termColumns+` FROM ledger_account WHERE `+these, arg)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (s AccountSpec, err error) { return s, s.scan(r) })
	terms := make(map[string]AccountSpec, len(list))
	for _, s := range list {
		terms[s.ID] = s
	}
	return terms, err
}

// EachBalance calls f for every account of a book, or of all books when book is
// empty, in order of id and of one consistent state: the number of movements and
// the posted balance in minor units. It holds one account at a time in memory.
func (l *Ledger) EachBalance(ctx context.Context, book string, f func(accountID, currency string, count, posted int64) error) error {
	return l.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT a.id, a.currency,
				a.count + CASE WHEN a.folded THEN (SELECT CAST(COALESCE(SUM(d.count), 0) AS BIGINT) FROM ledger_delta d WHERE d.account_id = a.id) ELSE 0 END,
				a.posted + CASE WHEN a.folded THEN (SELECT CAST(COALESCE(SUM(d.posted), 0) AS BIGINT) FROM ledger_delta d WHERE d.account_id = a.id) ELSE 0 END
			FROM ledger_account a WHERE $1 = '' OR a.book = $1 ORDER BY a.id`, book)
		if err != nil {
			return err
		}
		defer rows.Close()
		return eachBalance(rows, f)
	})
}

func eachBalance(rows *sql.Rows, f func(accountID, currency string, count, posted int64) error) error {
	for rows.Next() {
		var id, currency string
		var count, posted int64
		if err := rows.Scan(&id, &currency, &count, &posted); err != nil {
			return err
		}
		if err := f(id, currency, count, posted); err != nil {
			return err
		}
	}
	return rows.Err()
}
