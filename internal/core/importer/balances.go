package importer

import (
	"context"
	"database/sql"
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"standfast/internal/core/account"
	"standfast/internal/db"
	"standfast/internal/money"
)

// standing is what the ledger says of one account.
type standing struct {
	count, posted int64
	decimals      int8 // with how many decimals it was imported; -1 when it was not
}

// Balances writes account_ref, currency, transactions, balance for every account
// that our ledger keeps, in the natural order of references: the shorter first,
// so that a-9 stands before a-10. A balance has the decimals with which the
// account's history was imported, and more where it needs them.
func Balances(ctx context.Context, d Deps, w io.Writer) error {
	standings, err := readStandings(ctx, d)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true // as RFC 4180 §2 has it, and as most programs write CSV
	if err := out.Write([]string{"account_ref", "currency", "transactions", "balance"}); err != nil {
		return err
	}
	err = d.Accounts.Each(ctx, func(a account.Account) error {
		s, ok := standings[uuid.MustParse(a.ID)]
		if !ok {
			return nil
		}
		return out.Write([]string{a.Ref, a.Currency, strconv.FormatInt(s.count, 10), s.value(a.Currency)})
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// readStandings holds 40 bytes an account.
func readStandings(ctx context.Context, d Deps) (map[uuid.UUID]standing, error) {
	standings := map[uuid.UUID]standing{}
	err := d.Ledger.EachBalance(ctx, account.Book, func(id, _ string, count, posted int64) error {
		standings[uuid.MustParse(id)] = standing{count, posted, -1}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return standings, d.DB.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT object_id, decimals FROM import_row WHERE kind = 'account'`)
		if err != nil {
			return err
		}
		return addDecimals(rows, standings)
	})
}

func addDecimals(rows *sql.Rows, standings map[uuid.UUID]standing) error {
	defer rows.Close()
	for rows.Next() {
		var id string
		var decimals int8
		if err := rows.Scan(&id, &decimals); err != nil {
			return err
		}
		key := uuid.MustParse(id)
		if s, ok := standings[key]; ok {
			s.decimals = decimals
			standings[key] = s
		}
	}
	return rows.Err()
}

// value writes the balance, without those of its last decimals that the import
// never wrote and that are zero.
func (s standing) value(currency string) string {
	text := money.New(s.posted, currency).Value()
	whole, frac, ok := strings.Cut(text, ".")
	if !ok || s.decimals < 0 {
		return text
	}
	for len(frac) > int(s.decimals) && strings.HasSuffix(frac, "0") {
		frac = frac[:len(frac)-1]
	}
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
