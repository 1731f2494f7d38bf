package store

import (
	"path/filepath"
	"testing"
	"time"
)

func opened(t *testing.T) *Own {
	t.Helper()
	own, err := OpenOwn(t.Context(), filepath.Join(t.TempDir(), "own.db"), noon)
	must(t, err)
	t.Cleanup(func() { own.Close() })
	return own
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *Own) rows(t *testing.T, table string) (n int) {
	t.Helper()
	must(t, o.file.read.QueryRow(`SELECT count(*) FROM `+table).Scan(&n))
	return n
}

// What core has answered for is forgotten after ninety days, what it has not never;
// and the next advice has the next number all the same.
func TestOnlyWhatIsOverIsForgotten(t *testing.T) {
	own := opened(t)
	for _, key := range []string{"answered", "waiting"} {
		_, err := own.Pay(t.Context(), payment(key), wide, Unproved{})
		must(t, err)
	}
	must(t, own.Freeze(t.Context(), "card", "m", noon))
	must(t, own.End(t.Context(), "s", "m", noon, noon.Add(time.Hour)))
	_, _, err := own.Open(t.Context(), Session{ID: "t", MemberID: "m", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), Nonce: "n"})
	must(t, err)
	list, err := own.From(t.Context(), 1, 10)
	must(t, err)
	var out []Outcome
	for _, a := range list {
		if a.Seq != 2 {
			out = append(out, Outcome{Seq: a.Seq, ID: a.ID, State: Applied})
		}
	}
	must(t, own.Answered(t.Context(), out, noon))

	must(t, own.Prune(t.Context(), noon.Add(89*24*time.Hour), noon))
	for table, want := range map[string]int{"payment": 2, "advice": 5, "freeze": 1, "session": 0, "ended": 0, "proof": 0} {
		if got := own.rows(t, table); got != want {
			t.Errorf("after 89 days %s has %d, want %d", table, got, want)
		}
	}
	must(t, own.Prune(t.Context(), noon.Add(91*24*time.Hour), noon))
	for table, want := range map[string]int{"payment": 1, "advice": 2, "freeze": 0} {
		if got := own.rows(t, table); got != want {
			t.Errorf("after 91 days %s has %d, want %d", table, got, want)
		}
	}
	must(t, own.Answered(t.Context(), []Outcome{{Seq: 2, ID: list[1].ID, State: Refused}}, noon))
	must(t, own.Prune(t.Context(), noon.Add(91*24*time.Hour), noon))
	p, err := own.Pay(t.Context(), payment("next"), wide, Unproved{})
	must(t, err)
	if p.Seq != 6 || own.rows(t, "advice") != 2 {
		t.Errorf("the next advice is %d of %d", p.Seq, own.rows(t, "advice"))
	}
}

// An account's latest movements are kept, and what core took away is forgotten in time.
func TestTheCopyKeepsTheLatest(t *testing.T) {
	k, err := OpenKnown(t.Context(), filepath.Join(t.TempDir(), "known.db"))
	must(t, err)
	defer k.Close()
	var list []Record
	for i := range 60 {
		at := noon.Add(time.Duration(i) * time.Minute)
		list = append(list, Record{Topic: "transaction", ID: at.String(), Version: 1, At: at, Owner: "a", Key: at.Format(time.RFC3339)})
	}
	list = append(list, Record{Topic: "device", ID: "d", Version: 1, At: noon, Gone: true},
		Record{Topic: "session-revoked", ID: "over", Version: 1, At: noon, Body: []byte(`{"until":"2026-03-02T13:00:00.000000Z"}`)},
		Record{Topic: "session-revoked", ID: "open", Version: 1, At: noon, Body: []byte(`{"until":"2026-06-02T13:00:00.000000Z"}`)})
	must(t, k.Take(t.Context(), list, Position{Cursor: "c"}))
	must(t, k.Trim(t.Context(), "transaction", "a", 50))
	kept, err := k.Of(t.Context(), "transaction", "a", "", 100)
	must(t, err)
	if len(kept) != 50 || kept[49].ID != list[10].ID {
		t.Errorf("%d movements, the oldest %s", len(kept), kept[len(kept)-1].ID)
	}
	must(t, k.Prune(t.Context(), noon.Add(31*24*time.Hour)))
	revoked, err := k.All(t.Context(), "session-revoked")
	must(t, err)
	var gone int
	must(t, k.file.read.QueryRow(`SELECT count(*) FROM record WHERE gone`).Scan(&gone))
	if len(revoked) != 1 || revoked[0].ID != "open" || gone != 0 {
		t.Errorf("%v, %d gone", revoked, gone)
	}
}

// A store that is not the one that stood beside the copy before was lost.
func TestALostStoreIsNoticed(t *testing.T) {
	dir := t.TempDir()
	k, err := OpenKnown(t.Context(), filepath.Join(dir, "known.db"))
	must(t, err)
	defer k.Close()
	for i, c := range []struct{ own, lost string }{{"a", ""}, {"a", ""}, {"b", "a"}, {"b", ""}} {
		if lost, err := k.Meet(t.Context(), c.own); err != nil || lost != c.lost {
			t.Errorf("%d: %q lost, %v", i, lost, err)
		}
	}
	fresh, err := k.Begin(t.Context()) // a snapshot does not hide it
	must(t, err)
	must(t, fresh.Swap(t.Context(), Position{Cursor: "c", Own: k.Position().Own}))
	if lost, err := k.Meet(t.Context(), "c"); err != nil || lost != "b" {
		t.Errorf("%q lost, %v", lost, err)
	}
	own := opened(t)
	must(t, own.Replaces(t.Context(), "b"))
	must(t, own.Close())
	again, err := OpenOwn(t.Context(), own.file.path, noon.Add(time.Hour))
	must(t, err)
	defer again.Close()
	if again.Lost() != "b" || again.ID() != own.ID() {
		t.Errorf("%q lost before %s", again.Lost(), again.ID())
	}
}
