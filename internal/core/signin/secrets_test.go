package signin

import (
	"fmt"
	"strings"
	"testing"

	"standfast/internal/db"
)

// Whoever reads the database finds no code, no token, no proof and no password.
func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, b := h.stepped("ada")
		asked, err := h.SignIn(ctx, "ada", right, *browser("new"))
		must(t, err)
		a := payment("700.00", "City Card")
		c, err := h.StepUp(ctx, s, a, *b)
		must(t, err)
		proof, err := h.Prove(ctx, s, c.ID, h.codeOf(c.ID))
		must(t, err)
		must(t, h.redeem(s, proof, a))
		_, secret, _ := strings.Cut(proof, ".")
		secrets := map[string]string{
			"a sign-in code": h.codeOf(asked.Challenge.ID), "a step-up code": h.codeOf(c.ID), "a proof": secret,
			"a session token": b.SessionToken, "a device token": b.DeviceToken, "a password": right, "a flow": `"new"`,
		}
		for _, table := range []string{"challenge", "session", "device_trust", "credential", "throttle", "revocation", "signing_key", "audit", "outbox", "notification"} {
			text := h.dump(table)
			for what, v := range secrets {
				if strings.Contains(text, v) {
					t.Errorf("table %s shows %s", table, what)
				}
			}
		}
	})
}

// dump gives a table's contents as text; numbers are left out, since six digits
// of a code stand in many an instant by chance.
func (h *house) dump(table string) string {
	var out strings.Builder
	must(h.t, h.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT * FROM `+table)
		if err != nil {
			return err
		}
		defer rows.Close()
		names, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return err
			}
			for _, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					fmt.Fprintf(&out, "%s\n", v)
				case string:
					if !db.ValidID(v) {
						fmt.Fprintf(&out, "%s\n", v)
					}
				}
			}
		}
		return rows.Err()
	}))
	return out.String()
}

// Every attempt leaves a trace that says who, what, from where and how it ended
// (PCI DSS 10.2.1.4 and 10.2.1.5), also a failed one.
func TestEveryAttemptIsInTheAuditLog(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		_, _ = h.SignIn(ctx, "ada", wrong, *b)
		_, _ = h.SignIn(ctx, "nobody", wrong, *b)
		asked, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		_, _ = h.SubmitCode(ctx, asked.Challenge.ID, h.badCode(asked.Challenge.ID), true, *b)
		h.enter("ada", b, true)
		s := h.signedIn("ada", b)
		must(t, h.newPassword(s, right, "two owls read by starlight", b))
		must(t, h.SignOut(ctx, s))
		for what, want := range map[string]int64{
			"signin.password/refused": 2, "signin.password/ok": 2, "signin.code/refused": 1, "signin.code/ok": 1, "signin.trust-device/ok": 1,
			"signin.session/ok": 1, "signin.password-set/ok": 2, "signin.sign-out/ok": 1, "signin.key-made/ok": 1,
		} {
			action, outcome, _ := strings.Cut(what, "/")
			if n := h.number(`SELECT count(*) FROM audit WHERE action = $1 AND outcome = $2`, action, outcome); n != want {
				t.Errorf("%s: %d entries, want %d", what, n, want)
			}
		}
	})
}
