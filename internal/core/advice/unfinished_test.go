package advice

import (
	"context"
	"sync"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// stored puts an advice there as intake leaves it, and gives its id.
func stored(t *testing.T, d *db.DB, seq int64, state State) string {
	t.Helper()
	i := Item{Seq: seq, ID: db.NewID(), Kind: KindPayment, At: time.Unix(1, 0), MemberID: db.NewID(),
		Body: []byte(`{"account_id":"` + db.NewID() + `","amount":{"value":"1.00","currency":"USD"}}`)}
	err := d.WithTx(t.Context(), func(tx *db.Tx) error {
		if _, err := claim(t.Context(), tx, "s", i, "7K2M94QXR3TD"); err != nil {
			return err
		}
		return settle(t.Context(), tx, "s", Outcome{Seq: seq, ID: i.ID, State: state, Code: "x"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// pages reads a whole list in pages.
func pages(t *testing.T, d *db.DB, f Filter) (ids []string) {
	t.Helper()
	for more := true; more; {
		var list []Entry
		err := d.View(t.Context(), func(tx *db.Tx) (err error) {
			list, more, err = UnfinishedTx(t.Context(), tx, f)
			return err
		})
		if err != nil || more && len(list) != f.Limit {
			t.Fatal(err, len(list))
		}
		for _, e := range list {
			ids, f.After = append(ids, e.ID), e.ID
		}
	}
	return ids
}

// All that was not carried out is listed once, the newest first, also where many
// were taken at one instant.
func TestWhatIsUnfinishedIsListedOnce(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		seen, seq := map[string]bool{}, int64(0)
		for range 3 {
			for range 3 {
				seq += 2
				seen[stored(t, d, seq, Refused)], seen[stored(t, d, seq+1, Applied)] = true, false
			}
			clock.Advance(time.Second)
		}
		newest := stored(t, d, 100, Aside)
		list := pages(t, d, Filter{Limit: 2})
		if len(list) != 10 || list[0] != newest {
			t.Fatalf("%d listed, first %s", len(list), list[0])
		}
		for _, id := range list[1:] {
			if !seen[id] {
				t.Errorf("%s is listed twice, or was carried out", id)
			}
			seen[id] = false
		}
	})
}

// Of many who have dealt with one at once one is believed; the others are told.
func TestWhoDealsWithOneFirstIsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		id, waits, applied := stored(t, d, 1, Refused), stored(t, d, 2, Aside), stored(t, d, 3, Applied)
		deal := func(id, note string) error {
			return d.WithTx(context.Background(), func(tx *db.Tx) error {
				_, err := DealTx(context.Background(), tx, id, db.NewID(), note)
				return err
			})
		}
		var all sync.WaitGroup
		kept := make([]error, 4)
		for i := range kept {
			all.Go(func() { kept[i] = deal(id, "note") })
		}
		all.Wait()
		won := 0
		for _, err := range kept {
			if err == nil {
				won++
			} else if fault.As(err).Code != "advice.dealt" {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d have dealt with it: %v", won, kept)
		}
		if err := deal(waits, "note"); fault.As(err).Code != "advice.waits" {
			t.Error(err)
		}
		for _, none := range []string{applied, db.NewID(), "x"} {
			if err := deal(none, "note"); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", none, err)
			}
		}
		err := d.View(context.Background(), func(tx *db.Tx) error {
			refused, aside, err := OpenTx(context.Background(), tx)
			if refused != 0 || aside != 1 {
				t.Errorf("%d refused and %d set aside are open", refused, aside)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if open, dealt := pages(t, d, Filter{Limit: 5}), pages(t, d, Filter{Limit: 5, Dealt: true}); len(open) != 1 || open[0] != waits || len(dealt) != 1 || dealt[0] != id {
			t.Errorf("open %v, dealt %v", open, dealt)
		}
	})
}
