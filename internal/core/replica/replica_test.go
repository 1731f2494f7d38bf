package replica_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/core/replica"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	breaks "standfast/internal/gameday/fault"
)

var ctx = context.Background()

// thing is what the tests keep.
type thing struct{ Owner, Key, Word string }

func topic() replica.Topic {
	return replica.Topic{Entity: "thing", Index: func(p json.RawMessage) (string, string, error) {
		var t thing
		err := json.Unmarshal(p, &t)
		return t.Owner, t.Key, err
	}}
}

func open(t testing.TB, d *db.DB, path string) *replica.Replica {
	t.Helper()
	r, err := replica.Open(ctx, path, d, slog.New(slog.DiscardHandler), topic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func change(t testing.TB, d *db.DB, c outbox.Change) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { return outbox.Append(ctx, tx, c) }); err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, d *db.DB) {
	t.Helper()
	if err := outbox.NewSequencer(d, slog.New(slog.DiscardHandler), outbox.Table).Pass(ctx); err != nil {
		t.Fatal(err)
	}
}

func pass(t testing.TB, r *replica.Replica) {
	t.Helper()
	if err := r.Pass(ctx); err != nil {
		t.Fatal(err)
	}
}

func word(t testing.TB, r *replica.Replica, owner, key string) string {
	t.Helper()
	list, err := r.Find(ctx, "thing", owner, key)
	if err != nil || len(list) > 1 {
		t.Fatal(list, err)
	}
	if len(list) == 0 {
		return ""
	}
	var v thing
	if err := json.Unmarshal(list[0].Payload, &v); err != nil {
		t.Fatal(err)
	}
	return list[0].Kind + " " + v.Word
}

// The replica has the latest version of what it keeps, whoever asks by its key,
// and nothing else; after a restart it goes on where it was, and one that was
// thrown away is the same again.
func TestTheReplicaIsWhatTheOutboxSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		path := filepath.Join(t.TempDir(), "replica.db")
		r := open(t, d, path)
		change(t, d, outbox.Change{Entity: "thing", EntityID: "1", Kind: "made", Version: 1, Payload: thing{"ada", "k", "one"}})
		change(t, d, outbox.Change{Entity: "thing", EntityID: "1", Kind: "changed", Version: 2, Payload: thing{"ada", "k", "two"}})
		change(t, d, outbox.Change{Entity: "other", EntityID: "1", Kind: "made", Version: 9, Payload: thing{"ada", "k", "other"}})
		change(t, d, outbox.Change{Entity: "thing", EntityID: "2", Kind: "made", Version: 1, Payload: "unreadable"})
		number(t, d)
		pass(t, r)
		if got := word(t, r, "ada", "k") + word(t, r, "", "k") + word(t, r, "eve", "k"); got != "changed twochanged two" {
			t.Fatal(got)
		}
		r.Close()
		r = open(t, d, path)
		change(t, d, outbox.Change{Entity: "thing", EntityID: "1", Kind: "late", Version: 1, Payload: thing{"ada", "k", "late"}})
		change(t, d, outbox.Change{Entity: "thing", EntityID: "3", Kind: "made", Version: 1, Payload: thing{"eve", "e", "three"}})
		number(t, d)
		pass(t, r)
		anew := open(t, d, filepath.Join(t.TempDir(), "anew.db"))
		pass(t, anew)
		for name, r := range map[string]*replica.Replica{"restarted": r, "built anew": anew} {
			if got := word(t, r, "ada", "k") + ", " + word(t, r, "", "e"); got != "changed two, made three" {
				t.Error(name, got)
			}
		}
	})
}

// It is not complete beyond a row that has no number yet, nor while the database
// does not answer.
func TestTheReplicaKnowsHowOldItIs(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		r := open(t, d, filepath.Join(t.TempDir(), "replica.db"))
		if !r.AsOf().IsZero() {
			t.Fatal("complete before it has read anything")
		}
		pass(t, r)
		if age := r.Age(clock.Now()); age != 0 {
			t.Fatal(age)
		}
		change(t, d, outbox.Change{Entity: "thing", EntityID: "1", Kind: "made", Version: 1, Payload: thing{"ada", "k", "one"}})
		clock.Advance(time.Minute)
		pass(t, r)
		if age := r.Age(clock.Now()); age <= time.Minute-time.Second {
			t.Fatal("complete although a row waits for its number:", age)
		}
		number(t, d)
		pass(t, r)
		if age := r.Age(clock.Now()); age != 0 {
			t.Fatal(age)
		}
		clock.Advance(time.Hour)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := r.Pass(gone); !fault.Is(err, fault.Unavailable) || r.Age(clock.Now()) != time.Hour {
			t.Fatal(err, r.Age(clock.Now()))
		}
	})
}

// A database that finds nothing does not make a replica complete.
func TestTheReplicaDoesNotFollowTheWrongDatabase(t *testing.T) {
	p, through, err := breaks.NewPostgres(dbtest.PostgreSQLURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	d, err := db.Open(ctx, through, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	r := open(t, d, filepath.Join(t.TempDir(), "replica.db"))
	if err := p.Empty(); err != nil {
		t.Fatal(err)
	}
	if err := r.Pass(ctx); !fault.Is(err, fault.Unavailable) || !r.AsOf().IsZero() {
		t.Fatal(err, r.AsOf())
	}
}

func TestAFileThatIsNoReplicaIsBuiltAgain(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	change(t, d, outbox.Change{Entity: "thing", EntityID: "1", Kind: "made", Version: 1, Payload: thing{"ada", "k", "one"}})
	number(t, d)
	path := filepath.Join(t.TempDir(), "replica.db")
	if err := os.WriteFile(path, []byte("this is no database, and longer than its head would be: "+string(make([]byte, 4096))), 0o600); err != nil {
		t.Fatal(err)
	}
	r := open(t, d, path)
	pass(t, r)
	if got := word(t, r, "ada", "k"); got != "made one" {
		t.Fatal(got)
	}
}
