package member_test

import (
	"strings"
	"sync"
	"testing"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

func TestALookAlikeIsTaken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		create(t, d, s, spec("scope"))
		other := create(t, d, s, spec("somebody"))
		const like = "ѕсоре" // Cyrillic
		n := spec(like)
		n.Email = ""
		err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.Create(ctx, tx, n); return err })
		if e := fault.As(err); e == nil || e.Code != "member.username-taken" {
			t.Fatal(err)
		}
		err = d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.SetUsername(ctx, tx, other.ID, like); return err })
		if e := fault.As(err); e == nil || e.Code != "member.username-taken" {
			t.Fatal(err)
		}
		create(t, d, s, spec("anna1")) // whose skeleton is not its key
		if err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.Create(ctx, tx, spec("annal")); return err }); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		if _, err := s.ByUsername(ctx, like); !fault.Is(err, fault.NotFound) {
			t.Fatal("a look-alike finds the member:", err)
		}
		var list []member.Created
		if err := d.WithTx(ctx, func(tx *db.Tx) (err error) {
			a, b := spec("vov"), spec("νον")
			b.Email = ""
			list, err = s.CreateAll(ctx, tx, []member.Spec{a, b})
			return err
		}); err != nil || list[0].Err != nil || !fault.Is(list[1].Err, fault.Conflict) {
			t.Fatal(err, list)
		}
	})
}

// The store itself holds the rule when two come at once.
func TestOfTwoLookAlikesAtOnceOneIsMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		var made [2]error
		var both sync.WaitGroup
		for i, name := range strings.Fields("vov νον") {
			both.Go(func() {
				n := spec(name)
				n.Email = ""
				made[i] = d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.Create(ctx, tx, n); return err })
			})
		}
		both.Wait()
		if (made[0] == nil) == (made[1] == nil) {
			t.Fatal(made)
		}
	})
}
