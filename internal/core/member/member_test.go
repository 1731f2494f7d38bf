package member_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

var ctx = context.Background()

func spec(username string) member.Spec {
	return member.Spec{
		Ref: "ref-" + username, Username: username, DisplayName: "Ada Lovelace", Email: username + "@example.com",
		Phone: "+1 (202) 555-0100", Locale: "de-de", Region: "us", BirthDate: "1985-12-10",
	}
}

func create(t *testing.T, d *db.DB, s *member.Store, n member.Spec) member.Member {
	t.Helper()
	var m member.Member
	if err := d.WithTx(ctx, func(tx *db.Tx) (err error) { m, err = s.Create(ctx, tx, n); return err }); err != nil {
		t.Fatal(err)
	}
	return m
}

func hold(t *testing.T, d *db.DB, s *member.Store, memberID, accountID, role string) {
	t.Helper()
	if err := d.WithTx(ctx, func(tx *db.Tx) error { return s.AddHolder(ctx, tx, memberID, accountID, role) }); err != nil {
		t.Fatal(err)
	}
}

// Each of many specs has its own result: what is refused leaves the others.
func TestManyMembersAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		create(t, d, s, spec("there"))
		sameRef, broken, bytes := spec("other"), spec("broken"), spec("bytes")
		sameRef.Ref, broken.Email, bytes.Ref = "ref-ada", "not an address", "a\x00"
		specs := []member.Spec{spec("ada"), spec("THERE"), broken, spec("Ada"), sameRef, bytes, spec("bert")}
		var list []member.Created
		err := d.WithTx(ctx, func(tx *db.Tx) (err error) { list, err = s.CreateAll(ctx, tx, specs); return err })
		if err != nil {
			t.Fatal(err)
		}
		for i, code := range []string{"", "member.username-taken", "fields", "member.username-taken", "member.ref-taken", "fields", ""} {
			got, want := list[i].Member, specs[i]
			if code == "fields" {
				if !fault.Is(list[i].Err, fault.Invalid) {
					t.Error(i, list[i].Err)
				}
				continue
			}
			if code != "" {
				if list[i].Err == nil || fault.As(list[i].Err).Code != code || got != (member.Member{}) {
					t.Error(i, list[i])
				}
				continue
			}
			if stored, err := s.ByRef(ctx, want.Ref); err != nil || stored != got || list[i].Err != nil {
				t.Errorf("%d: %+v %+v %v", i, stored, list[i], err)
			}
		}
		ids, err := s.IDsByRefs(ctx, []string{"ref-ada", "ref-bert", "ref-nobody", "a\x00", ""})
		if err != nil || len(ids) != 2 || ids["ref-ada"] != list[0].Member.ID || ids["ref-bert"] != list[6].Member.ID {
			t.Error(ids, err)
		}
	})
}

// Shares that are new, there already, and wrong, in one go.
func TestManyHoldersAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada, bert := create(t, d, s, spec("ada")), create(t, d, s, spec("bert"))
		card, savings := db.NewID(), db.NewID()
		hold(t, d, s, ada.ID, card, member.Authorized)
		var refused []error
		err := d.WithTx(ctx, func(tx *db.Tx) (err error) {
			refused, err = s.AddHolders(ctx, tx, []member.Share{{ada.ID, card, member.Owner}, {bert.ID, card, member.Joint},
				{ada.ID, savings, "boss"}, {ada.ID, "x", member.Owner}, {bert.ID, savings, member.Owner}})
			return err
		})
		if err != nil || refused[0] != nil || refused[1] != nil || !fault.Is(refused[2], fault.Invalid) || !fault.Is(refused[3], fault.NotFound) || refused[4] != nil {
			t.Fatal(refused, err)
		}
		for account, want := range map[string][]member.Holder{card: {{ada.ID, member.Owner}, {bert.ID, member.Joint}}, savings: {{bert.ID, member.Owner}}} {
			if got, err := s.Holders(ctx, account); err != nil || !slices.Equal(got, want) {
				t.Error(got, err)
			}
		}
	})
}

func TestAMemberIsFoundAsItWasStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		m := create(t, d, s, spec("Ada"))
		if m.Phone != "+12025550100" || m.Locale != "de-DE" || m.Version != 1 || m.CreatedAt.IsZero() || m.Synthetic {
			t.Fatalf("%+v", m)
		}
		for name, find := range map[string]func() (member.Member, error){
			"id":       func() (member.Member, error) { return s.ByID(ctx, m.ID) },
			"username": func() (member.Member, error) { return s.ByUsername(ctx, "aDA") },
			"width":    func() (member.Member, error) { return s.ByUsername(ctx, "ＡＤＡ") }, // full-width letters
			"ref":      func() (member.Member, error) { return s.ByRef(ctx, "ref-Ada") },
			"tx": func() (got member.Member, err error) {
				err = d.WithTx(ctx, func(tx *db.Tx) error { got, err = s.ByIDTx(ctx, tx, m.ID); return err })
				return got, err
			},
		} {
			if got, err := find(); err != nil || got != m {
				t.Errorf("by %s: %+v %v", name, got, err)
			}
		}
	})
}

func TestWhoIsNotThereAndWhoCannotBeAreOneAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		create(t, d, s, spec("ada"))
		var texts []string
		for _, find := range []func() (member.Member, error){
			func() (member.Member, error) { return s.ByID(ctx, db.NewID()) },
			func() (member.Member, error) { return s.ByID(ctx, "' OR 1=1 --") },
			func() (member.Member, error) { return s.ByUsername(ctx, "bob") },
			func() (member.Member, error) { return s.ByUsername(ctx, "a b\x00") },
			func() (member.Member, error) { return s.ByUsername(ctx, strings.Repeat("x", 1<<20)) },
			func() (member.Member, error) { return s.ByRef(ctx, "ref-bob") },
			func() (member.Member, error) { return s.ByRef(ctx, "\xff") },
		} {
			_, err := find()
			if !fault.Is(err, fault.NotFound) {
				t.Fatal(err)
			}
			texts = append(texts, err.Error())
		}
		for _, text := range texts {
			if text != texts[0] {
				t.Fatal(texts)
			}
		}
	})
}

func TestNamesAreTakenWhateverTheirCase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		create(t, d, s, spec("ada"))
		same, sameRef := spec("ADA"), spec("bob")
		same.Ref, sameRef.Ref = "another", "ref-ada"
		for want, n := range map[string]member.Spec{"member.username-taken": same, "member.ref-taken": sameRef} {
			err := d.WithTx(ctx, func(tx *db.Tx) error {
				_, err := s.Create(ctx, tx, n)
				if _, err := s.Create(ctx, tx, spec("carol-"+want[7:10])); err != nil {
					t.Error("the transaction was of no use afterwards:", err)
				}
				return err
			})
			if e := fault.As(err); e.Kind != fault.Conflict || e.Code != want {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}

func TestEveryBrokenFieldIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		for field, bad := range map[string][]func(*member.Spec){
			"username": {
				func(n *member.Spec) { n.Username = "ab" }, func(n *member.Spec) { n.Username = strings.Repeat("a", 65) },
				func(n *member.Spec) { n.Username = "a b c" }, func(n *member.Spec) { n.Username = "" }, func(n *member.Spec) { n.Username = "abc\x00" },
			},
			"display_name": {
				func(n *member.Spec) { n.DisplayName = " " }, func(n *member.Spec) { n.DisplayName = strings.Repeat("ü", 101) },
				func(n *member.Spec) { n.DisplayName = "a\nb" }, func(n *member.Spec) { n.DisplayName = "a\u202eb" },
			},
			"email": {
				func(n *member.Spec) { n.Email = "ada" }, func(n *member.Spec) { n.Email = "Ada <ada@example.com>" },
				func(n *member.Spec) { n.Email = "a@b.example\r\nBcc: c@d.example" }, func(n *member.Spec) { n.Email = strings.Repeat("a", 250) + "@b.example" },
			},
			"phone":      {func(n *member.Spec) { n.Phone = "0202 555 0100" }, func(n *member.Spec) { n.Phone = "+1234567890123456" }, func(n *member.Spec) { n.Phone = "+1 call me" }},
			"locale":     {func(n *member.Spec) { n.Locale = "klingon-forever" }, func(n *member.Spec) { n.Locale = strings.Repeat("x", 1000) }},
			"region":     {func(n *member.Spec) { n.Region = "U.S." }},
			"birth_date": {func(n *member.Spec) { n.BirthDate = "1985-02-30" }, func(n *member.Spec) { n.BirthDate = "2999-01-01" }, func(n *member.Spec) { n.BirthDate = "1850-01-01" }},
			"ref":        {func(n *member.Spec) { n.Ref = strings.Repeat("r", 65) }, func(n *member.Spec) { n.Ref = "a\x00" }},
		} {
			for i, spoil := range bad {
				n := spec("ada")
				spoil(&n)
				err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.Create(ctx, tx, n); return err })
				e := fault.As(err)
				if e == nil || e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Location != "body."+field {
					t.Errorf("%s %d: %v", field, i, err)
				}
			}
		}
		err := d.WithTx(ctx, func(tx *db.Tx) error { _, err := s.Create(ctx, tx, member.Spec{Email: "x", Phone: "x"}); return err })
		if e := fault.As(err); e == nil || len(e.Fields) != 4 {
			t.Errorf("not all at once: %v", err)
		}
	})
}

func TestOptionalFieldsMayBeEmpty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := create(t, d, member.New(d), member.Spec{Username: "<b>o'b@x</b>", DisplayName: "'; DROP TABLE member; --", Synthetic: true})
		if m.Ref != m.ID || m.Locale != "en-US" || m.Email != "" || !m.Synthetic {
			t.Fatalf("%+v", m)
		}
	})
}

func TestForeignMissingAndImpossibleAccountsAreOneAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada, bob := create(t, d, s, spec("ada")), create(t, d, s, spec("bob"))
		account := db.NewID()
		hold(t, d, s, ada.ID, account, member.Owner)
		if h, err := s.Holds(ctx, ada.ID, account); err != nil || h != (member.Holding{AccountID: account, Role: member.Owner}) {
			t.Fatal(h, err)
		}
		for _, q := range [][2]string{{bob.ID, account}, {ada.ID, db.NewID()}, {ada.ID, "x' OR ''='"}, {"", account}, {"nonsense", account}} {
			_, err := s.Holds(ctx, q[0], q[1])
			if e := fault.As(err); err == nil || e.Kind != fault.NotFound || e.Code != "account.not-found" || e.Message != "We could not find this account." {
				t.Errorf("%v: %v", q, err)
			}
		}
	})
}

func TestJointHoldersComeAndGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada, bob := create(t, d, s, spec("ada")), create(t, d, s, spec("bob"))
		first, second := db.NewID(), db.NewID()
		hold(t, d, s, ada.ID, first, member.Owner)
		hold(t, d, s, ada.ID, second, member.Owner)
		hold(t, d, s, bob.ID, first, member.Authorized)
		hold(t, d, s, bob.ID, first, member.Joint) // replaces
		if got, err := s.Holdings(ctx, ada.ID); err != nil || len(got) != 2 || got[0].AccountID != first || got[1].AccountID != second {
			t.Fatal(got, err)
		}
		if got, err := s.Holders(ctx, first); err != nil || len(got) != 2 || got[0].MemberID != ada.ID || got[1] != (member.Holder{MemberID: bob.ID, Role: member.Joint}) {
			t.Fatal(got, err)
		}
		if _, err := s.Holds(ctx, bob.ID, first); err != nil {
			t.Fatal(err)
		}
		remove := func() error {
			return d.WithTx(ctx, func(tx *db.Tx) error { return s.RemoveHolder(ctx, tx, bob.ID, first) })
		}
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Holds(ctx, bob.ID, first); !fault.Is(err, fault.NotFound) {
			t.Fatal("still a holder right after the removal:", err)
		}
		if err := remove(); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		hold(t, d, s, bob.ID, first, member.Joint)
		if _, err := s.Holds(ctx, bob.ID, first); err != nil {
			t.Fatal(err)
		}
		if err := d.WithTx(ctx, func(tx *db.Tx) error { return s.AddHolder(ctx, tx, bob.ID, first, "king") }); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

// What another process changes is seen two seconds later at the latest, and
// until then no query is made.
func TestHoldsIsCachedForTwoSeconds(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		here, elsewhere := member.New(d), member.New(d)
		ada := create(t, d, here, spec("ada"))
		account := db.NewID()
		hold(t, d, here, ada.ID, account, member.Owner)
		if _, err := here.Holds(ctx, ada.ID, account); err != nil {
			t.Fatal(err)
		}
		if err := d.WithTx(ctx, func(tx *db.Tx) error { return elsewhere.RemoveHolder(ctx, tx, ada.ID, account) }); err != nil {
			t.Fatal(err)
		}
		clock.Advance(1900 * time.Millisecond)
		if _, err := here.Holds(ctx, ada.ID, account); err != nil {
			t.Fatal("not cached:", err)
		}
		clock.Advance(200 * time.Millisecond)
		if _, err := here.Holds(ctx, ada.ID, account); !fault.Is(err, fault.NotFound) {
			t.Fatal("cached for too long:", err)
		}
	})
}

func TestContactsChangeWithVersionAndRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada := create(t, d, s, spec("ada"))
		by := member.By{Actor: "member", ActorID: ada.ID, From: "192.0.2.1"}
		set := func(id string, c member.Contacts) (m member.Member, err error) {
			err = d.WithTx(ctx, func(tx *db.Tx) error { m, err = s.SetContacts(ctx, tx, id, c, by); return err })
			return m, err
		}
		m, err := set(ada.ID, member.Contacts{Email: " new@example.com ", Phone: "+49 30 1234567"})
		if err != nil || m.Email != "new@example.com" || m.Phone != "+49301234567" || m.Version != 2 {
			t.Fatalf("%+v %v", m, err)
		}
		if _, err := set(ada.ID, member.Contacts{Email: "x", Phone: "y"}); len(fault.As(err).Fields) != 2 {
			t.Fatal(err)
		}
		if _, err := set(db.NewID(), member.Contacts{}); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		var changes, records int
		err = d.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM outbox WHERE entity = 'member' AND entity_id = $1), (SELECT count(*) FROM audit WHERE action = 'member.contacts')`, ada.ID).Scan(&changes, &records)
		})
		if err != nil || changes != 2 || records != 1 {
			t.Fatal(changes, records, err)
		}
	})
}

func TestLocaleIsCanonical(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada := create(t, d, s, spec("ada"))
		set := func(locale string) (m member.Member, err error) {
			err = d.WithTx(ctx, func(tx *db.Tx) error { m, err = s.SetLocale(ctx, tx, ada.ID, locale); return err })
			return m, err
		}
		if m, err := set("en-gb"); err != nil || m.Locale != "en-GB" {
			t.Fatal(m, err)
		}
		if _, err := set("???"); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

// Readers and writers of one member at once: whoever reads after a change that
// this process committed must see it.
func TestTheCacheNeverOutlivesAnOwnChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := member.New(d)
		ada := create(t, d, s, spec("ada"))
		account := db.NewID()
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						_, _ = s.Holds(ctx, ada.ID, account)
					}
				}
			})
		}
		for range 30 {
			hold(t, d, s, ada.ID, account, member.Owner)
			if _, err := s.Holds(ctx, ada.ID, account); err != nil {
				t.Error("added, not seen:", err)
			}
			if err := d.WithTx(ctx, func(tx *db.Tx) error { return s.RemoveHolder(ctx, tx, ada.ID, account) }); err != nil {
				t.Error(err)
			}
			if _, err := s.Holds(ctx, ada.ID, account); !fault.Is(err, fault.NotFound) {
				t.Error("removed, still there:", err)
			}
		}
		close(done)
		readers.Wait()
	})
}

// Any text is either refused or found again under itself.
func TestAnyUsernameIsRefusedOrFoundAgain(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	s := member.New(d)
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-ZäöüßİıÉé0-9._@'<-]{3,64}`)).Draw(r, "name")
		var m member.Member
		err := d.WithTx(ctx, func(tx *db.Tx) (err error) {
			m, err = s.Create(ctx, tx, member.Spec{Username: name, DisplayName: "x"})
			return err
		})
		if err != nil {
			if k := fault.As(err).Kind; k != fault.Invalid && k != fault.Conflict {
				r.Fatal(err)
			}
			return
		}
		if got, err := s.ByUsername(ctx, name); err != nil || got.ID != m.ID {
			r.Fatalf("%q: %v", name, err)
		}
	})
}

func BenchmarkHolds(b *testing.B) {
	d := dbtest.SQLite(b, db.Options{})
	s := member.New(d)
	account := db.NewID()
	var m member.Member
	err := d.WithTx(ctx, func(tx *db.Tx) (err error) {
		if m, err = s.Create(ctx, tx, spec("ada")); err != nil {
			return err
		}
		return s.AddHolder(ctx, tx, m.ID, account, member.Owner)
	})
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Holds(ctx, m.ID, account); err != nil {
				b.Fatal(err)
			}
		}
	})
}
