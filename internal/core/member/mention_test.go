package member

import (
	"slices"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// However people write who they are, the same members are meant, and they are
// counted as one.
func TestWhoIsMeant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := New(d)
		create := func(n Spec) {
			n.DisplayName = n.Username
			if err := d.WithTx(t.Context(), func(tx *db.Tx) error { _, err := s.Create(t.Context(), tx, n); return err }); err != nil {
				t.Fatal(err)
			}
		}
		create(Spec{Ref: "c-1", Username: "one", Email: "Both@Example.org", Phone: "+12025550142"})
		create(Spec{Ref: "c-2", Username: "two", Email: "both@example.ORG"})
		create(Spec{Ref: "c-3", Username: "ref-only"})
		create(Spec{Ref: "-", Username: "dash", Email: "ÄRGER@example.org"})
		for typed, want := range map[string]struct {
			names []string
			key   string
		}{
			" c-1 ": {[]string{"one"}, "c-1"}, "both@EXAMPLE.org": {[]string{"one", "two"}, "both@example.org"},
			"+1 (202) 555-0142": {[]string{"one"}, "+12025550142"}, "0012025550142": {[]string{"one"}, "+12025550142"}, "1 202 555 0142": {[]string{"one"}, "+12025550142"},
			"C-1": {nil, "C-1"}, "c-9": {nil, "c-9"}, "x": {nil, "x"}, "ÄRGER@example.org": {[]string{"dash"}, "ärger@example.org"},
		} {
			m, err := ReadMention(typed)
			if err != nil {
				t.Fatal(typed, err)
			}
			var got []string
			if err := d.View(t.Context(), func(tx *db.Tx) error {
				list, err := s.MentionedTx(t.Context(), tx, m, 9)
				got = nil
				for _, m := range list {
					got = append(got, m.Username)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if slices.Sort(got); !slices.Equal(got, want.names) || m.Key() != want.key {
				t.Errorf("%q means %v as %q, want %v", typed, got, m.Key(), want)
			}
		}
		for _, typed := range []string{"", "   ", "a\x00b", "a\u202eb"} {
			if _, err := ReadMention(typed); err == nil {
				t.Errorf("%q is taken", typed)
			}
		}
	})
}
