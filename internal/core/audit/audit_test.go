package audit_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var ctx = context.Background()

func entry(n int) audit.Entry {
	return audit.Entry{
		Actor: "member", ActorID: "m" + strconv.Itoa(n), Action: "signin.password", Object: "session", ObjectID: "s",
		Outcome: audit.OK, From: "192.0.2.1", Details: map[string]string{"method": "password", "device": "new"},
	}
}

func record(t *testing.T, d *db.DB, e audit.Entry) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { return audit.Record(ctx, tx, e) }); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, d *db.DB) {
	t.Helper()
	if _, err := d.Number(ctx, audit.Table, 1000); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, d *db.DB) audit.Report {
	t.Helper()
	r, err := audit.Verify(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func exec(t *testing.T, d *db.DB, q string, args ...any) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, q, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

// fill makes five numbered rows and two that are not.
func fill(t *testing.T, d *db.DB) {
	for n := range 5 {
		record(t, d, entry(n))
	}
	number(t, d)
	record(t, d, entry(5))
	record(t, d, entry(6))
}

func TestACleanLogVerifiesWithItsTail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if r := verify(t, d); r.Problem != "" || r.Rows != 0 || r.Head != "" {
			t.Fatalf("an empty log: %+v", r)
		}
		fill(t, d)
		r := verify(t, d)
		if r.Problem != "" || r.Rows != 5 || r.Unnumbered != 2 || len(r.Head) != 64 {
			t.Fatalf("%+v", r)
		}
		number(t, d)
		if after := verify(t, d); after.Problem != "" || after.Rows != 7 || after.Unnumbered != 0 || after.Head == r.Head {
			t.Fatalf("%+v", after)
		}
	})
}

func TestTamperingNamesTheFirstWrongRow(t *testing.T) {
	tampers := []struct{ name, sql, want string }{
		{"changed", `UPDATE audit SET outcome = 'refused' WHERE seq = 3`, "row 3 ("},
		{"changed origin", `UPDATE audit SET origin = '198.51.100.7' WHERE seq = 2`, "row 2 ("},
		{"changed time", `UPDATE audit SET at = at + 1 WHERE seq = 4`, "row 4 ("},
		{"changed details", `UPDATE audit SET details = '{}' WHERE seq = 5`, "row 5 ("},
		{"deleted in the middle", `DELETE FROM audit WHERE seq = 2`, "row 2 is missing"},
		{"deleted at the end", `DELETE FROM audit WHERE seq = 5`, "row 5 is missing"},
		{"deleted at the start", `DELETE FROM audit WHERE seq = 1`, "row 1 is missing"},
		{"all deleted", `DELETE FROM audit`, "row 1 is missing"},
		{"digest replaced", `UPDATE audit SET digest = (SELECT digest FROM audit WHERE seq = 1) WHERE seq = 3`, "row 3 ("},
		{"chain replaced", `UPDATE audit SET chain = digest WHERE seq = 4`, "row 4 ("},
		{"renumbered", `UPDATE audit SET seq = 9 WHERE seq = 5`, "row 9 ("},
		{"inserted with a number", `INSERT INTO audit (id, at, actor, actor_id, action, object, object_id, outcome, origin, details, digest, seq, chain)
			SELECT '019b0000-0000-7000-8000-000000000001', at, actor, actor_id, action, object, object_id, outcome, origin, details, digest, 6, chain FROM audit WHERE seq = 5`, "row 6 ("},
		{"inserted without a number", `INSERT INTO audit (id, at, actor, actor_id, action, object, object_id, outcome, origin, details, digest)
			SELECT '019b0000-0000-7000-8000-000000000001', at, actor, actor_id, action, object, object_id, outcome, origin, details, digest FROM audit WHERE seq = 5`, "unnumbered row 019b0000"},
		{"tail changed", `UPDATE audit SET actor_id = 'x' WHERE seq IS NULL`, "unnumbered row"},
		{"sequence forgotten", `DELETE FROM sequence`, "row 1 ("},
		{"sequence set back", `UPDATE sequence SET last_seq = 4`, "row 5 ("},
		{"sequence's chain changed", `UPDATE sequence SET last_chain = (SELECT chain FROM audit WHERE seq = 1)`, "row 5 does not give"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range tampers {
			t.Run(c.name, func(t *testing.T) {
				exec(t, d, `DELETE FROM audit`)
				exec(t, d, `DELETE FROM sequence`)
				fill(t, d)
				exec(t, d, c.sql)
				if r := verify(t, d); !strings.Contains(r.Problem, c.want) {
					t.Fatalf("%q does not name %q", r.Problem, c.want)
				}
			})
		}
	})
}

func TestARolledBackActionLeavesNoTrace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		_ = d.WithTx(ctx, func(tx *db.Tx) error {
			if err := audit.Record(ctx, tx, entry(1)); err != nil {
				t.Error(err)
			}
			return context.Canceled
		})
		if r := verify(t, d); r.Unnumbered != 0 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestAnEntryThatLacksWhatMustBeThereIsADefect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, spoil := range []func(*audit.Entry){
			func(e *audit.Entry) { e.Actor = "" }, func(e *audit.Entry) { e.Action = "" },
			func(e *audit.Entry) { e.Object = "" }, func(e *audit.Entry) { e.Outcome = "fine" },
		} {
			e := entry(1)
			spoil(&e)
			err := d.WithTx(ctx, func(tx *db.Tx) error { return audit.Record(ctx, tx, e) })
			if !fault.Is(err, fault.Internal) {
				t.Fatal(err)
			}
		}
	})
}

// Whatever text comes in is stored within its limit, and verifies.
func TestLongAndHostileTextIsShortenedAndMasked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := entry(1)
		e.ActorID = strings.Repeat("ü", 300)
		e.From = "a\x00b\xff"
		e.Details = map[string]string{"note": "card 4111 1111 1111 1111 and order 4111111111111112", "long": strings.Repeat("x", 5000)}
		for n := range 40 {
			e.Details["z"+strconv.Itoa(n)] = "v"
		}
		record(t, d, e)
		number(t, d)
		if r := verify(t, d); r.Problem != "" || r.Rows != 1 {
			t.Fatalf("%+v", r)
		}
		var actor, from, details string
		err := d.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT actor_id, origin, details FROM audit`).Scan(&actor, &from, &details)
		})
		if err != nil || len(actor) > 128 || !strings.HasSuffix(actor, "ü…") || from != "a�b�" {
			t.Fatal(err, actor, from)
		}
		if strings.Contains(details, "4111 1111 1111") || !strings.Contains(details, "····1111") || !strings.Contains(details, "4111111111111112") {
			t.Fatal(details)
		}
		if strings.Contains(details, "z9") || len(details) > 17*600 {
			t.Fatal("details were not bounded")
		}
	})
}
