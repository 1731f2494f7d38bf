package account_test

import (
	"context"
	"strings"
	"testing"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
)

func TestVerifyNamesAnAccountThatContradictsTheLedger(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member()
		c := h.open(m, member.Owner, card("c1"), -8_000)
		h.open(m, member.Owner, savings("s1"), 10_000)
		h.open(m, member.Owner, far(card("far"), "far"), 0)
		if list, err := account.Verify(t.Context(), h.db, h.ledger); err != nil || len(list) > 0 {
			t.Fatal(list, err)
		}
		for _, change := range []string{
			`UPDATE account SET credit_limit = 99999999 WHERE id = $1`,
			`UPDATE ledger_account SET floor = -99999998 WHERE id = $1`,
			`UPDATE ledger_account SET book = 'other' WHERE id = $1`,
			`DELETE FROM ledger_account WHERE id = $1`,
		} {
			err := h.db.WithTx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), change, c.ID)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			list, err := account.Verify(context.Background(), h.db, h.ledger)
			if err != nil || len(list) != 1 || !strings.Contains(list[0], c.ID) {
				t.Errorf("%s: %v %v", change, list, err)
			}
		}
	})
}
