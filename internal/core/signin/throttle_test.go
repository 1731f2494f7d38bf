package signin

import (
	"fmt"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Whoever uses up the tries of two names, waits and tries again is answered alike
// for the member's name and for nobody's.
func TestTimeDoesNotTellAMembersName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		for _, failures := range []int64{perName().free - 1, perName().total} {
			for _, pause := range []time.Duration{25 * time.Hour, 400 * 24 * time.Hour} {
				var answers []string
				for _, name := range []string{"ada", fmt.Sprint("nobody-", failures, pause)} {
					c := browser("f")
					must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
						_, err := tx.Exec(ctx, `DELETE FROM throttle WHERE member_id IS NOT NULL`)
						return err
					}))
					who, err := h.claimant(ctx, name, *c)
					must(t, err)
					must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
						for range failures {
							must(t, who.limits[0].count(ctx, tx))
						}
						return nil
					}))
					h.wait(pause)
					must(t, h.prune(ctx))
					said := ""
					for range 2 {
						_, err := h.SignIn(ctx, name, wrong, *c)
						said += fault.As(err).Code + " "
					}
					answers = append(answers, said)
				}
				if answers[0] != answers[1] {
					t.Errorf("%d failures, %v: %v", failures, pause, answers)
				}
			}
		}
	})
}

func TestOnlyTheOldestOfTooManyNamesAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		for _, name := range []string{"nobody-1", "nobody-2", "ada", "nobody-3"} {
			_, err := h.SignIn(ctx, name, wrong, *browser("f"))
			h.want(err, fault.Unauthenticated, "signin.refused")
			h.wait(time.Hour)
		}
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return forgetStrangers(ctx, tx, 2) }))
		if names, all := h.number(`SELECT count(*) FROM throttle WHERE member_id IS NULL`), h.number(`SELECT count(*) FROM throttle`); names != 2 || all != 3 {
			t.Errorf("%d of nobody, %d in all", names, all)
		}
	})
}
