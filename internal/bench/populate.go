package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/db"
)

// The large database of the dashboard's benchmark is written straight into the
// tables, because the front doors would take an hour for a million accounts. Such
// a database is good for reading alone: its digests are empty, and it is dropped.

const (
	accountsEach  = 2 // a member's: a card and a savings account
	transfersEach = 2 // an account's
	rowsPerCommit = 20000
)

// rows is what goes into one table: n rows, made one at a time.
type rows struct {
	table   string
	columns []string
	n       int
	row     func(i int) []any
}

// populate writes members with two accounts each and gives the members' ids.
func populate(ctx context.Context, d *db.DB, members int) ([]string, error) {
	ids := make([]string, members)
	for i := range ids {
		ids[i] = keyOf('m', i)
	}
	world := ledger.SystemID("bench", currency)
	now := db.Micros(d.Now())
	for _, r := range []rows{memberRows(ids, now), holderRows(ids, now), accountRows(members, now), balanceRows(members, world), transferRows(members, world)} {
		if err := write(ctx, d, r); err != nil {
			return nil, fmt.Errorf("%s: %w", r.table, err)
		}
	}
	for _, s := range []string{"ANALYZE"} { // as the engine does by itself in a database that lives
		if _, err := d.Writer().ExecContext(ctx, s); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// keyOf gives the key of row i of a kind, of the form that db.NewID gives.
func keyOf(kind byte, i int) string {
	u := uuid.UUID{0x01, 0x9c, 6: 0x70, 7: kind, 8: 0x80}
	binary.BigEndian.PutUint32(u[2:], uint32(i))
	binary.BigEndian.PutUint32(u[12:], uint32(i)*2654435761)
	return u.String()
}

func memberRows(ids []string, now int64) rows {
	return rows{"member", []string{"id", "ref", "username", "username_key", "username_look", "display_name", "email", "phone", "locale", "region", "birth_date", "synthetic", "created_at", "version"},
		len(ids), func(i int) []any {
			name := fmt.Sprintf("holder%d", i)
			look := strings.NewReplacer("0", "o", "1", "l").Replace(name) // as member has it
			return []any{ids[i], name, name, name, look, "Holder of accounts", name + "@example.com", "", "en-US", "us", "", false, now, int64(1)}
		}}
}

func holderRows(ids []string, now int64) rows {
	return rows{"holder", []string{"member_id", "account_id", "role", "removed", "changed_at", "version"},
		len(ids) * accountsEach, func(i int) []any {
			return []any{ids[i/accountsEach], keyOf('a', i), member.Owner, false, now, int64(1)}
		}}
}

func accountRows(members int, now int64) rows {
	return rows{"account", []string{"id", "ref", "kind", "currency", "name", "last4", "status", "source", "credit_limit", "statement_balance",
		"minimum_due", "due_on", "opened_on", "expires_on", "rate_bp", "version", "created_at"},
		members * accountsEach, func(i int) []any {
			id, ref := keyOf('a', i), fmt.Sprintf("account%d", i)
			if i%accountsEach == 0 {
				return []any{id, ref, account.Card, currency, "Everyday Card", "4242", account.Active, account.LedgerSource, int64(500000), int64(20000), int64(2500), "2026-03-25", "2024-01-15", "2029-01-31", nil, int64(1), now}
			}
			return []any{id, ref, account.Savings, currency, "Savings", "1234", account.Active, account.LedgerSource, nil, nil, nil, "", "2024-01-15", "", int64(370), int64(1), now}
		}}
}

// balanceRows opens the accounts in the ledger with what transferRows leaves on
// them; the last one is the account of the world outside.
func balanceRows(members int, world string) rows {
	n := members * accountsEach
	return rows{"ledger_account", []string{"id", "currency", "book", "floor", "ceiling", "folded", "posted", "pending_in", "pending_out", "count", "terms"},
		n + 1, func(i int) []any {
			if i == n {
				return []any{world, currency, "system", nil, nil, true, int64(0), int64(0), int64(0), int64(0), []byte{}}
			}
			return []any{keyOf('a', i), currency, account.Book, nil, nil, false, int64(transfersEach * 1000), int64(0), int64(0), int64(transfersEach), []byte{}}
		}}
}

func transferRows(members int, world string) rows {
	start := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	return rows{"ledger_transfer", []string{"id", "key", "debit", "credit", "amount", "currency", "phase", "resolves", "kind", "description", "ref", "fact",
		"effective_at", "recorded_at", "expires_at", "digest"},
		members * accountsEach * transfersEach, func(i int) []any {
			at := start + int64(i)*1000
			return []any{keyOf('t', i), fmt.Sprintf("made-up:%d", i), world, keyOf('a', i/transfersEach), int64(1000), currency, "posted", nil,
				"deposit", "A deposit of no consequence", "", true, at, at, int64(0), []byte{}}
		}}
}

// write writes all rows, by COPY where there is one.
func write(ctx context.Context, d *db.DB, r rows) error {
	if d.Pool() != nil {
		next := 0
		_, err := d.Pool().CopyFrom(ctx, pgx.Identifier{r.table}, r.columns, pgx.CopyFromFunc(func() ([]any, error) {
			if next == r.n {
				return nil, nil
			}
			next++
			return r.row(next - 1), nil
		}))
		return err
	}
	for from := 0; from < r.n; from += rowsPerCommit {
		if err := insert(ctx, d, r, from, min(r.n, from+rowsPerCommit)); err != nil {
			return err
		}
	}
	return nil
}

func insert(ctx context.Context, d *db.DB, r rows, from, until int) error {
	places := make([]string, len(r.columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	statement := "INSERT INTO " + r.table + " (" + strings.Join(r.columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
	return d.WithTx(ctx, func(tx *db.Tx) error {
		s, err := tx.SQL().PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer s.Close()
		for i := from; i < until; i++ {
			if _, err := s.ExecContext(ctx, r.row(i)...); err != nil {
				return err
			}
		}
		return nil
	})
}
