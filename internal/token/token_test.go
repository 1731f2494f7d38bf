package token_test

import (
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/token"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

type pair struct {
	public token.PublicKey
	signer token.Signer
}

func newPair(t testing.TB, id string) pair {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair{token.PublicKey{ID: id, Key: public}, token.Signer{ID: id, Key: private}}
}

func ring(t testing.TB, domain string, p ...pair) *token.Keyring {
	t.Helper()
	r := token.NewKeyring(domain, 100)
	use(t, r, p...)
	return r
}

// use gives the ring all pairs, the last of which signs.
func use(t testing.TB, r *token.Keyring, p ...pair) {
	t.Helper()
	var public []token.PublicKey
	for _, k := range p {
		public = append(public, k.public)
	}
	if err := r.Replace(public, p[len(p)-1].signer); err != nil {
		t.Fatal(err)
	}
}

func claims() token.Claims {
	return token.Claims{
		Kind: token.KindSession, ID: "s1", MemberID: "m1", DeviceID: "d1", IssuedAt: noon, AuthenticatedAt: noon, ProvedAt: noon.Add(time.Microsecond),
		Idle: noon.Add(time.Hour), Expires: noon.Add(24 * time.Hour), Methods: []string{"pwd", "otp"},
	}
}

func sign(t testing.TB, r *token.Keyring, c token.Claims) string {
	t.Helper()
	tok, err := r.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestATokenSaysWhatWasSigned(t *testing.T) {
	r := ring(t, "us", newPair(t, "k1"))
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			return time.UnixMicro(rapid.Int64Range(1, 1<<52).Draw(t, "µs")).UTC()
		})
		want := token.Claims{
			Kind: rapid.SampledFrom([]string{token.KindSession, token.KindDevice}).Draw(t, "kind"),
			ID:   rapid.StringN(0, 40, 160).Draw(t, "id"), MemberID: rapid.String().Draw(t, "member"),
			IssuedAt: instant.Draw(t, "issued"), Idle: instant.Draw(t, "idle"), Expires: instant.Draw(t, "expires"),
		}
		tok, err := r.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from memory
			got, err := r.Read(tok)
			if len(tok) > token.MaxLength {
				if err == nil {
					t.Fatal("a token over the limit was read")
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatal(got, err)
			}
		}
	})
}

// Each of these tokens is one that somebody could send.
func TestWhatWasNotSignedHereIsInvalid(t *testing.T) {
	k1 := newPair(t, "k1")
	r := ring(t, "us", k1)
	good := sign(t, r, claims())
	forged := sign(t, ring(t, "us", newPair(t, "k1")), claims())
	foreign := sign(t, ring(t, "gb", k1), claims())
	body := strings.LastIndex(good, ".")
	for name, tok := range map[string]string{
		"nothing": "", "dots": "...", "words": "hello there", "other version": "v2" + good[2:], "other purpose": strings.Replace(good, "public", "local", 1),
		"cut": good[:len(good)-1], "no footer": good[:body], "longer": good + "A", "changed": good[:40] + flip(good[40]) + good[41:],
		"another's key under our id": forged, "another cell": foreign, "very long": good + strings.Repeat("A", 10_000),
	} {
		if c, err := r.Read(tok); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestAnUnknownKeyIsToldApart(t *testing.T) {
	r := ring(t, "us", newPair(t, "k1"))
	_, err := r.Read(sign(t, ring(t, "us", newPair(t, "k2")), claims()))
	if e, ok := errors.AsType[*token.UnknownKeyError](err); !ok || e.KeyID != "k2" {
		t.Fatal(err)
	}
}

func TestOldKeysReadUntilTheyAreTakenAway(t *testing.T) {
	k1, k2 := newPair(t, "k1"), newPair(t, "k2")
	r := ring(t, "us", k1)
	old := sign(t, r, claims())
	if _, err := r.Read(old); err != nil { // now remembered
		t.Fatal(err)
	}
	use(t, r, k1, k2)
	if _, err := r.Read(old); err != nil {
		t.Fatal("a rotation signed out:", err)
	}
	use(t, r, k2)
	if _, err := r.Read(old); err == nil {
		t.Fatal("a remembered token outlived its key")
	}
}

func TestNobodySignsWithoutAKey(t *testing.T) {
	if tok, err := token.NewKeyring("us", 10).Sign(claims()); err == nil {
		t.Fatal(tok)
	}
}

func TestReadersAndRotationsAtOnce(t *testing.T) {
	k1, k2 := newPair(t, "k1"), newPair(t, "k2")
	r := ring(t, "us", k1)
	old := sign(t, r, claims())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				if i == 0 {
					use(t, r, k1, k2)
					use(t, r, k1)
				} else if _, err := r.Read(old); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// The memory of verified tokens must not grow with what clients send.
func TestTheMemoryIsBounded(t *testing.T) {
	r := ring(t, "us", newPair(t, "k1"))
	c := claims()
	for i := range 300 {
		c.IssuedAt = noon.Add(time.Duration(i) * time.Second)
		if _, err := r.Read(sign(t, r, c)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Remembered(); n > 100 {
		t.Fatalf("%d tokens remembered of at most 100", n)
	}
}

func FuzzRead(f *testing.F) {
	r := ring(f, "us", newPair(f, "k1"))
	good := sign(f, r, claims())
	f.Add(good)
	f.Add("v4.public.")
	f.Add("v4.public.AAAA.eyJraWQiOiJrMSJ9")
	f.Fuzz(func(t *testing.T, tok string) {
		if _, err := r.Read(tok); err == nil && tok != good {
			t.Fatalf("read %q", tok)
		}
	})
}

func BenchmarkReadRemembered(b *testing.B) {
	r := ring(b, "us", newPair(b, "k1"))
	tok := sign(b, r, claims())
	for b.Loop() {
		_, _ = r.Read(tok)
	}
}

func BenchmarkSign(b *testing.B) {
	r := ring(b, "us", newPair(b, "k1"))
	for b.Loop() {
		_, _ = r.Sign(claims())
	}
}

func BenchmarkReadNew(b *testing.B) {
	r := token.NewKeyring("us", 2)
	use(b, r, newPair(b, "k1"))
	var toks []string
	for i := range 64 {
		c := claims()
		c.IssuedAt = noon.Add(time.Duration(i) * time.Second)
		toks = append(toks, sign(b, r, c))
	}
	i := 0
	for b.Loop() {
		_, _ = r.Read(toks[i%64])
		i++
	}
}
