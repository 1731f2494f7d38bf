package token_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/token"
)

func TestThreeAnswers(t *testing.T) {
	const age = 5 * time.Second
	revoke := func(v ...token.Revocation) func(*token.Revocations) {
		return func(r *token.Revocations) { r.Complete(noon); r.Add(v...) }
	}
	keep := noon.Add(48 * time.Hour)
	for _, c := range []struct {
		name string
		set  func(*token.Revocations)
		now  time.Time
		want token.Answer
	}{
		{"nothing is known", func(*token.Revocations) {}, noon, token.Unknown},
		{"current list", revoke(), noon, token.Valid},
		{"list at the bound", revoke(), noon.Add(age), token.Valid},
		{"list too old", revoke(), noon.Add(age + 1), token.Unknown},
		{"idle, list current", revoke(), noon.Add(time.Hour), token.Revoked},
		{"expired, list too old", revoke(), noon.Add(24 * time.Hour), token.Revoked},
		{"session ended", revoke(token.Revocation{Subject: "s1", Keep: keep}), noon, token.Revoked},
		{"session ended, list too old", revoke(token.Revocation{Subject: "s1", Keep: keep}), noon.Add(time.Minute), token.Revoked},
		{"device ended", revoke(token.Revocation{Subject: "d1", Keep: keep}), noon, token.Revoked},
		{"another session ended", revoke(token.Revocation{Subject: "s2", Keep: keep}), noon, token.Valid},
		{"member cut off later", revoke(token.Revocation{Subject: "m1", Before: noon.Add(1), Keep: keep}), noon, token.Revoked},
		{"member cut off before", revoke(token.Revocation{Subject: "m1", Before: noon, Keep: keep}), noon, token.Valid},
		{"earlier cut-off does not undo a later", revoke(token.Revocation{Subject: "m1", Before: noon.Add(1), Keep: keep},
			token.Revocation{Subject: "m1", Before: noon.Add(-1), Keep: keep}), noon, token.Revoked},
	} {
		var r token.Revocations
		c.set(&r)
		if got := r.Check(claims(), c.now, age); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A known no never turns into a yes, whatever happens to the list.
func TestARevokedSessionStaysRevoked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r token.Revocations
		c := claims()
		c.Idle = time.Time{}
		now := noon
		r.Add(token.Revocation{Subject: c.ID, Keep: c.Expires})
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "pause")))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				r.Complete(now)
			case 1:
				r.Add(token.Revocation{Subject: "other", Keep: now})
			}
			if a := r.Check(c, now, time.Hour); a != token.Revoked {
				t.Fatalf("%v at %v", a, now)
			}
		}
	})
}

func TestWhatNoTokenNeedsIsForgotten(t *testing.T) {
	var r token.Revocations
	r.Add(token.Revocation{Subject: "s1", Keep: noon}, token.Revocation{Subject: "m1", Before: noon, Keep: noon})
	r.Complete(noon.Add(time.Second))
	if n := r.Len(); n != 0 {
		t.Fatalf("%d entries kept", n)
	}
	if !r.AsOf().Equal(noon.Add(time.Second)) {
		t.Fatal(r.AsOf())
	}
	r.Complete(noon)
	if !r.AsOf().Equal(noon.Add(time.Second)) {
		t.Fatal("an older reading made the list older")
	}
}
