package signin

import (
	"bytes"
	"testing"
	"time"
)

func TestAFormIsKeptForItsMemberAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		b, eve := browser("1"), browser("2")
		h.enter("ada", b, true)
		h.enter("eve", eve, true)
		typed := []byte(`{"holder":"Ada"}`)
		if id, err := h.Keep(ctx, b.SessionToken, typed); err != nil || id != "" {
			t.Fatal("a form was kept whose session still holds:", id, err)
		}
		old := *b
		h.wait(2 * time.Hour)
		must(t, h.Refresh(ctx))
		id, err := h.Keep(ctx, old.SessionToken, typed)
		if err != nil || id == "" {
			t.Fatal("a form was lost:", err)
		}
		for _, tok := range []string{"", "x", old.DeviceToken, old.SessionToken[:60]} {
			if id, err := h.Keep(ctx, tok, typed); err != nil || id != "" {
				t.Fatalf("%q keeps forms: %v", tok, err)
			}
		}
		if id, _ := h.Keep(ctx, old.SessionToken, bytes.Repeat(typed, 1000)); id != "" {
			t.Fatal("a form of 16 kB was kept")
		}
		ada := h.signedIn("ada", b)
		for range 2 {
			if got, err := h.Kept(ctx, ada, id); err != nil || !bytes.Equal(got, typed) {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if got, err := h.Kept(ctx, h.signedIn("eve", eve), id); err != nil || got != nil {
			t.Fatalf("another member was given %q: %v", got, err)
		}
		if n := h.number(`SELECT count(*) FROM kept_form WHERE sealed = $1`, typed); n != 0 {
			t.Fatal("a form lies open in the database")
		}
		h.wait(30 * time.Minute)
		if got, err := h.Kept(ctx, ada, id); err != nil || got != nil {
			t.Fatalf("after half an hour: %q, %v", got, err)
		}
		must(t, h.prune(ctx))
		if n := h.number(`SELECT count(*) FROM kept_form`); n != 0 {
			t.Fatal("old forms are never pruned")
		}
	})
}

// Whoever holds the token of a session that somebody ended leaves nothing behind.
func TestNothingIsKeptForASessionThatWasEnded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, true)
		must(t, h.ReportMisuse(ctx, h.check(b.SessionToken), *b))
		h.wait(2 * time.Hour)
		if id, err := h.Keep(ctx, b.SessionToken, []byte("{}")); err != nil || id != "" {
			t.Fatal("a form was kept:", id, err)
		}
	})
}
