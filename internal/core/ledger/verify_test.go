package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
)

// Each of these is done by hand in the database; Verify must name the row.
func TestVerifyNamesWhatAHandDid(t *testing.T) {
	const third = `(SELECT id FROM ledger_transfer ORDER BY id LIMIT 1 OFFSET 2)`
	batch := func(n string) string { return `(SELECT id FROM ledger_batch WHERE seq = ` + n + `)` }
	cases := map[string]struct {
		hand []string
		want string // T3 stands for the id of the third transfer, B2 of the second batch
	}{
		"amount":       {[]string{`UPDATE ledger_transfer SET amount = amount + 1 WHERE id = ` + third}, "transfer T3 was changed"},
		"debit":        {[]string{`UPDATE ledger_transfer SET debit = (SELECT credit FROM ledger_transfer ORDER BY id LIMIT 1) WHERE id = ` + third}, "transfer T3 was changed"},
		"credit":       {[]string{`UPDATE ledger_transfer SET credit = (SELECT debit FROM ledger_transfer ORDER BY id LIMIT 1) WHERE id = ` + third}, "transfer T3 was changed"},
		"key":          {[]string{`UPDATE ledger_transfer SET key = 'mine' WHERE id = ` + third}, "transfer T3 was changed"},
		"currency":     {[]string{`UPDATE ledger_transfer SET currency = 'EUR' WHERE id = ` + third}, "transfer T3 was changed"},
		"phase":        {[]string{`UPDATE ledger_transfer SET phase = 'pending' WHERE id = ` + third}, "transfer T3 was changed"},
		"kind":         {[]string{`UPDATE ledger_transfer SET kind = 'fee' WHERE id = ` + third}, "transfer T3 was changed"},
		"description":  {[]string{`UPDATE ledger_transfer SET description = 'x' WHERE id = ` + third}, "transfer T3 was changed"},
		"ref":          {[]string{`UPDATE ledger_transfer SET ref = 'x' WHERE id = ` + third}, "transfer T3 was changed"},
		"fact":         {[]string{`UPDATE ledger_transfer SET fact = NOT fact WHERE id = ` + third}, "transfer T3 was changed"},
		"effective_at": {[]string{`UPDATE ledger_transfer SET effective_at = effective_at - 1 WHERE id = ` + third}, "transfer T3 was changed"},
		"recorded_at":  {[]string{`UPDATE ledger_transfer SET recorded_at = 0 WHERE id = ` + third}, "transfer T3 was changed"},
		"expires_at":   {[]string{`UPDATE ledger_transfer SET expires_at = 1 WHERE id = ` + third}, "transfer T3 was changed"},
		"resolves":     {[]string{`UPDATE ledger_transfer SET resolves = debit WHERE id = ` + third}, "transfer T3 was changed"},
		"row digest":   {[]string{`UPDATE ledger_transfer SET digest = (SELECT digest FROM ledger_transfer ORDER BY id LIMIT 1) WHERE id = ` + third}, "transfer T3 was changed"},
		"id":           {[]string{`UPDATE ledger_transfer SET id = debit WHERE id = ` + third}, "transfer T3 is missing"},
		"deleted":      {[]string{`DELETE FROM ledger_transfer WHERE id = ` + third}, "transfer T3 is missing"},
		"an added one": {[]string{`INSERT INTO ledger_transfer SELECT debit, 'new', debit, credit, amount, currency, phase, resolves, kind, description, ref, fact, effective_at, recorded_at, expires_at, digest
			FROM ledger_transfer WHERE id = ` + third}, "was added by hand: it belongs to no batch"},
		"batch count":          {[]string{`UPDATE ledger_batch SET count = 1 WHERE id = ` + batch("2")}, "transfer T3 was added by hand: its batch has only 1"},
		"batch time":           {[]string{`UPDATE ledger_batch SET recorded_at = 1 WHERE id = ` + batch("2")}, "batch B2 was changed"},
		"batch digest":         {[]string{`UPDATE ledger_batch SET digest = (SELECT digest FROM ledger_batch WHERE seq = 1) WHERE id = ` + batch("2")}, "batch B2 was changed"},
		"chain":                {[]string{`UPDATE ledger_batch SET chain = digest WHERE id = ` + batch("2")}, "batch B2, number 2, was changed"},
		"batch without number": {[]string{`UPDATE ledger_batch SET seq = NULL, chain = NULL WHERE id = ` + batch("2")}, "batch number 2 is missing"},
		"last batch deleted": {[]string{`DELETE FROM ledger_transfer WHERE id > (SELECT id FROM ledger_batch WHERE seq = 3)`,
			`DELETE FROM ledger_batch WHERE seq = 3`}, "batch number 3 is missing"},
		"batch and rows deleted": {[]string{`DELETE FROM ledger_transfer WHERE id IN (SELECT id FROM ledger_transfer ORDER BY id LIMIT 2 OFFSET 1)`, `DELETE FROM ledger_batch WHERE seq = 2`}, "batch number 2 is missing"},
		"posted":                 {[]string{`UPDATE ledger_account SET posted = posted + 1 WHERE book = 'cards'`}, "the balance of account CARD was changed"},
		"pending_in":             {[]string{`UPDATE ledger_account SET pending_in = pending_in + 1 WHERE book = 'cards'`}, "the balance of account CARD was changed"},
		"pending_out":            {[]string{`UPDATE ledger_account SET pending_out = pending_out - 1 WHERE book = 'cards'`}, "the balance of account CARD was changed"},
		"count":                  {[]string{`UPDATE ledger_account SET count = count + 1 WHERE book = 'cards'`}, "the balance of account CARD was changed"},
		"account deleted":        {[]string{`DELETE FROM ledger_account WHERE book = 'cards'`}, "names account CARD, which does not exist"},
		"account's currency":     {[]string{`UPDATE ledger_account SET currency = 'EUR' WHERE book = 'cards'`}, "its account CARD in EUR"},
		"floor":                  {[]string{`UPDATE ledger_account SET floor = -1000000 WHERE book = 'cards'`}, "account CARD was changed"},
		"no floor":               {[]string{`UPDATE ledger_account SET floor = NULL WHERE floor IS NOT NULL`}, "was changed: its currency, book, floor"},
		"ceiling":                {[]string{`UPDATE ledger_account SET ceiling = 5 WHERE book = 'cards'`}, "account CARD was changed"},
		"book":                   {[]string{`UPDATE ledger_account SET book = 'other' WHERE book = 'cards'`}, "account CARD was changed"},
		"folded":                 {[]string{`UPDATE ledger_account SET folded = NOT folded WHERE book = 'cards'`}, "account CARD was changed"},
		"folded no more":         {[]string{`UPDATE ledger_account SET folded = NOT folded WHERE id = 'WORLD'`}, "account WORLD was changed"},
		"terms":                  {[]string{`UPDATE ledger_account SET terms = (SELECT digest FROM ledger_batch WHERE seq = 1) WHERE book = 'cards'`}, "account CARD was changed"},
		"delta deleted":          {[]string{`DELETE FROM ledger_delta WHERE batch_id = ` + batch("2")}, "the balance of account WORLD was changed"},
		"delta changed":          {[]string{`UPDATE ledger_delta SET posted = posted + 1 WHERE batch_id = ` + batch("2")}, "the balance of account WORLD was changed"},
		"time limit deleted":     {[]string{`DELETE FROM ledger_expiry`}, "the time limit of hold"},
		"time limit changed":     {[]string{`UPDATE ledger_expiry SET expires_at = 1`}, "the time limit of hold"},
		"the largest amount":     {[]string{`UPDATE ledger_transfer SET amount = 9223372036854775807`}, "was changed"},
	}
	each(t, func(b *bank) {
		third, second := b.tamperable()
		restore := b.keepTables()
		names := strings.NewReplacer("T3", third, "B2", second, "CARD", b.card, "WORLD", b.world)
		for name, c := range cases {
			for i := range c.hand {
				c.hand[i] = names.Replace(c.hand[i])
			}
			b.hand(c.hand...)
			r, err := b.Verify(ctx)
			if want := names.Replace(c.want); err != nil || !strings.Contains(strings.Join(r.Problems, "\n"), want) {
				b.Errorf("%s: %q is not among %q, %v", name, want, r.Problems, err)
			}
			restore()
		}
		b.sound()
	})
}

// hand runs statements as somebody with access to the database would.
func (b *bank) hand(statements ...string) {
	b.Helper()
	b.inTx(func(tx *db.Tx) error {
		for _, q := range statements {
			if n, err := tx.Exec(ctx, q); err != nil || n == 0 {
				b.Fatal(q, n, err)
			}
		}
		return nil
	})
}

// keepTables copies all tables and gives what puts them back.
func (b *bank) keepTables() (restore func()) {
	tables := []string{"ledger_account", "ledger_delta", "ledger_transfer", "ledger_expiry", "ledger_batch", "sequence"}
	b.inTx(func(tx *db.Tx) (err error) {
		for _, t := range tables {
			_, e := tx.Exec(ctx, `CREATE TABLE kept_`+t+` AS SELECT * FROM `+t)
			err = errors.Join(err, e)
		}
		return err
	})
	return func() {
		b.Helper()
		for _, t := range tables {
			b.inTx(func(tx *db.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM `+t); return err })
			b.hand(`INSERT INTO ` + t + ` SELECT * FROM kept_` + t)
		}
	}
}

// tamperable records three sealed batches of 1, 2 and 2 transfers and one that
// is not sealed, and gives the ids of the third transfer and the second batch.
func (b *bank) tamperable() (third, second string) {
	b.fund(b.alice, 1000)
	results, err := b.PostAll(ctx, []ledger.Entry{b.entry(b.world, b.card, 10), b.entry(b.world, b.card, 20)})
	if err != nil {
		b.Fatal(err)
	}
	b.inTx(func(tx *db.Tx) error {
		e := b.entry(b.card, b.alice, 5)
		e.Pending, e.ExpiresAt = true, noon.Add(time.Hour)
		_, err := b.PostTx(ctx, tx, b.entry(b.alice, b.card, 500), e)
		return err
	})
	if n, err := b.d.Number(ctx, ledger.Batches, 100); err != nil || n != 3 {
		b.Fatal(n, err)
	}
	b.fund(b.bob, 1)
	id := results[1].Transfer.ID
	return id, id[:len(id)-4] + "0000"
}

// A hand that changes a row and its digest is given away by the batch, and one
// that changes that too by the chain.
func TestVerifySeesThroughNewDigests(t *testing.T) {
	each(t, func(b *bank) {
		third, second := b.tamperable()
		b.inTx(func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE ledger_transfer SET digest = $2 WHERE id = $1`, third, []byte("whatever fits the changed row"))
			return err
		})
		r, err := b.Verify(ctx)
		if err != nil || len(r.Problems) < 2 || !strings.Contains(r.Problems[1], second) {
			b.Fatal(r, err)
		}
	})
}

// SQLite lets a hand write anything anywhere.
func TestVerifyNamesAnAccountThatCannotBeRead(t *testing.T) {
	each(t, func(b *bank) {
		b.tamperable()
		if b.d.Engine() != db.SQLite {
			return
		}
		b.hand(`UPDATE ledger_account SET folded = 'perhaps' WHERE book = 'cards'`)
		r, err := b.Verify(ctx)
		if err != nil || len(r.Problems) == 0 || !strings.Contains(r.Problems[0], "account "+b.card+" was changed") {
			b.Fatal(r, err)
		}
	})
}

func TestVerifyCounts(t *testing.T) {
	each(t, func(b *bank) {
		b.tamperable()
		if r, err := b.Verify(ctx); err != nil || r.Transfers != 6 || r.Accounts != 5 || r.Sealed != 3 {
			b.Fatal(r, err)
		}
	})
}
