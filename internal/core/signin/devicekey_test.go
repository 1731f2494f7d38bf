package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// deviceWith is what a browser's script keeps: a key that it cannot read out.
type deviceWith struct {
	key    *ecdsa.PrivateKey
	public string
}

func newDevice(t testing.TB) deviceWith {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(t, err)
	return deviceWith{key, encode(spki)}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes the proof of a nonce, as static/files/device.js does.
func (d deviceWith) sign(t testing.TB, nonce string) string {
	t.Helper()
	digest := sha256.Sum256([]byte("standfast-device-proof-1\nus\n" + nonce))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, digest[:])
	must(t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return nonce + "." + encode(signature)
}

// with gives the client as its script completes the next request.
func (h *house) with(d deviceWith, c *Client) *Client {
	h.t.Helper()
	c.DeviceKey, c.DeviceProof = d.public, d.sign(h.t, h.DeviceNonce(*c).Value)
	return c
}

// bound signs a member in by code on a browser that binds its key.
func (h *house) bound(name string, d deviceWith, c *Client) {
	h.t.Helper()
	h.wait(time.Second)
	out, err := h.SignIn(ctx, name, right, *h.with(d, c))
	must(h.t, err)
	if out.Challenge == nil {
		h.t.Fatal(name, "is not asked for a code on a new device")
	}
	out, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), true, *h.with(d, c))
	must(h.t, err)
	c.keep(out)
}

// asked wants a code to be asked for, for a reason.
func (h *house) asked(name string, c Client, why Reason) *Challenge {
	h.t.Helper()
	out, err := h.SignIn(ctx, name, right, c)
	must(h.t, err)
	if out.Challenge == nil {
		h.t.Fatalf("%s was let in; a code was to be asked for because of %q", name, why)
	}
	if out.Challenge.Reason != why {
		h.t.Fatalf("the reason is %q, want %q", out.Challenge.Reason, why)
	}
	again, err := h.Challenge(ctx, out.Challenge.ID, c)
	if err != nil || again.Reason != why {
		h.t.Fatalf("after a reload the reason is %q: %v", again.Reason, err)
	}
	return out.Challenge
}

func (h *house) audited(action, outcome string) int64 {
	h.t.Helper()
	return h.number(`SELECT count(*) FROM audit WHERE action = $1 AND outcome = $2`, action, outcome)
}

func TestADeviceWithAKeyIsKnownByItsProofAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		for range 3 {
			h.wait(time.Hour)
			s := h.signedIn("ada", h.with(d, b))
			if !slices.Equal(s.Methods, []string{"pwd", "device", "pop"}) || !s.ProvedAt.IsZero() {
				t.Fatal(s.Methods, s.ProvedAt)
			}
		}
		// The cookie in another browser, which has no key, and in one with a key of its own.
		thief := *b
		thief.FlowID, thief.DeviceProof, thief.DeviceKey = "thief", "", ""
		h.asked("ada", thief, ReasonKeyGone)
		thief.FlowID = "thief with a key"
		h.asked("ada", *h.with(newDevice(t), &thief), ReasonKey)
		if n := h.audited("signin.device-proof", audit.Refused); n != 2 {
			t.Fatalf("%d attempts with a copied cookie are recorded, want 2", n)
		}
		h.signedIn("ada", h.with(d, b)) // and the owner goes on
	})
}

// A thief who knows the password, and has the cookie without the key, is counted
// among strangers: the device's own budget is not for him to spend.
func TestACopiedCookieGuessesAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		thief := *b
		thief.DeviceProof, thief.DeviceKey = "", ""
		for range 6 {
			_, err := h.SignIn(ctx, "ada", wrong, thief)
			if !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.TooMany) {
				t.Fatal(err)
			}
		}
		_, err := h.SignIn(ctx, "ada", wrong, thief)
		h.want(err, fault.TooMany, "signin.too-many")
		h.signedIn("ada", h.with(d, b))
	})
}

func TestAProofCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("bob")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		h.bound("bob", d, b)
		b.SessionToken = ""
		sent := *h.with(d, b)
		first, err := h.SignIn(ctx, "ada", right, sent)
		if err != nil || first.Session == nil {
			t.Fatal("a proof was refused:", err)
		}
		// The same request after a lost answer: the same session.
		h.wait(time.Minute)
		again, err := h.SignIn(ctx, "ada", right, sent)
		if err != nil || again.Session == nil || again.Session.ID != first.Session.ID {
			t.Fatal("the same request gave something else:", again, err)
		}
		elsewhere := sent
		elsewhere.FlowID = "another attempt"
		h.asked("ada", elsewhere, ReasonProof)
		h.asked("bob", sent, ReasonProof)
		h.wait(time.Minute + time.Microsecond)
		h.asked("ada", sent, ReasonProof)
		h.signedIn("ada", h.with(d, b))

		// One that came with a wrong password is used up too.
		sent = *h.with(d, b)
		_, err = h.SignIn(ctx, "ada", wrong, sent)
		h.want(err, fault.Unauthenticated, "signin.refused")
		sent.SessionToken = ""
		h.forget("ada")
		h.asked("ada", sent, ReasonProof)
	})
}

// forget closes the challenges that a member has open, so that the next one has
// a reason of its own.
func (h *house) forget(name string) {
	h.t.Helper()
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error {
		return closeChallenges(ctx, tx, `member_id = (SELECT id FROM member WHERE username = $1)`, name)
	}))
}

// Many at once with one proof: one session.
func TestAProofMakesOneSessionHoweverOftenItIsSentAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		b.SessionToken = ""
		sent := *h.with(d, b)
		var wg sync.WaitGroup
		made := make([]string, 6)
		for i := range made {
			wg.Go(func() {
				out, err := h.SignIn(ctx, "ada", right, sent)
				if err != nil || out.Session == nil {
					t.Error("asked again:", err)
					return
				}
				made[i] = out.Session.ID
			})
		}
		wg.Wait()
		if slices.Sort(made); len(slices.Compact(made)) != 1 {
			t.Fatal("several sessions of one proof:", made)
		}
	})
}

func TestProofsKeepTheirTimeWithinFiveMinutesOfSkew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		for _, c := range []struct {
			ahead time.Duration // by which the clock of the process that made the nonce is ahead of ours
			good  bool
		}{
			{-5 * time.Minute, true}, {5 * time.Minute, true}, {-5*time.Minute - time.Microsecond, false}, {5*time.Minute + time.Microsecond, false},
			{-24 * time.Hour, false}, {24 * time.Hour, false},
		} {
			h.conf.Now = func() time.Time { return h.clock.Now().Add(c.ahead) }
			other := h.replica()
			b.DeviceProof = d.sign(t, other.DeviceNonce(*b).Value)
			out, err := h.SignIn(ctx, "ada", right, *b)
			must(t, err)
			if c.good != (out.Session != nil) {
				t.Errorf("%v ahead: signed in %v", c.ahead, out.Session != nil)
			}
			h.forget("ada")
			h.wait(time.Hour) // as the limits on messages want
		}
	})
}

// What is no proof of the bound key is answered with a code, never with an error
// and never with a session.
func TestWhatIsNoProofIsAskedForACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		other := newDevice(t)
		good := func() string { return d.sign(t, h.DeviceNonce(*b).Value) }
		foreign := func() string { c := *b; c.FlowID = "theirs"; return d.sign(t, h.DeviceNonce(c).Value) }
		forged := func() string { return d.sign(t, encode(make([]byte, nonceLength))) }
		elsewhere := func() string { // signed for another cell
			nonce := h.DeviceNonce(*b).Value
			digest := sha256.Sum256([]byte("standfast-device-proof-1\ngb\n" + nonce))
			r, s, err := ecdsa.Sign(rand.Reader, d.key, digest[:])
			must(t, err)
			return nonce + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
		}
		nonce := func() string { return h.DeviceNonce(*b).Value }
		is := func(proof string) func() string { return func() string { return proof } }
		for name, c := range map[string]struct {
			proof func() string
			want  Reason
		}{
			"nothing": {is(""), ReasonKeyGone}, "rubbish": {is("x"), ReasonProof}, "a dot": {is("."), ReasonProof}, "the session": {is(b.SessionToken), ReasonProof},
			"no signature": {func() string { return nonce() + "." }, ReasonKey}, "truncated": {func() string { return good()[:139] }, ReasonKey},
			"longer": {func() string { return good() + "AAAA" }, ReasonKey}, "very long": {func() string { return good() + strings.Repeat("A", 500) }, ReasonProof},
			"of another attempt": {foreign, ReasonProof}, "a nonce of his own": {forged, ReasonProof}, "for another cell": {elsewhere, ReasonKey},
			"another key": {func() string { return other.sign(t, nonce()) }, ReasonKey}, "no base64": {func() string { return nonce() + "." + strings.Repeat("!", 86) }, ReasonProof},
			"all zeros": {func() string { return nonce() + "." + encode(make([]byte, 64)) }, ReasonKey},
		} {
			t.Run(name, func(t *testing.T) {
				c2 := *b
				c2.DeviceProof = c.proof()
				h.asked("ada", c2, c.want)
				h.forget("ada")
				h.wait(time.Hour)
				must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
					_, err := tx.Exec(ctx, `DELETE FROM throttle`)
					return err
				}))
			})
		}
	})
}

// A browser that has lost its storage and kept its cookie is asked once, and
// from then on known by its new key; the old one is worth nothing.
func TestALostKeyCostsOneCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		fresh := newDevice(t)
		h.wait(time.Minute)
		ch := h.asked("ada", *h.with(fresh, b), ReasonKey)
		out, err := h.SubmitCode(ctx, ch.ID, h.codeOf(ch.ID), true, *h.with(fresh, b))
		must(t, err)
		b.keep(out)
		h.wait(time.Minute)
		h.signedIn("ada", h.with(fresh, b))
		h.wait(time.Minute)
		h.asked("ada", *h.with(d, b), ReasonKey)
		if n := h.number(`SELECT count(*) FROM device_trust`); n != 1 {
			t.Fatalf("%d devices of one browser", n)
		}
		if n := h.number(`SELECT count(*) FROM notification WHERE template = 'new-device'`); n != 2 {
			t.Fatalf("the member was told %d times of a key, want 2: of the first, and of the one in its place", n)
		}
	})
}

// Without scripts a device is known by its cookie until a key was bound to it.
func TestACookieAloneCountsOnlyWhereNoKeyWasEverBound(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		h.wait(time.Minute)
		h.signedIn("ada", b)
		// With scripts on, the next sign-in binds a key, without another code.
		d := newDevice(t)
		h.wait(time.Minute)
		h.signedIn("ada", h.with(d, b))
		b.DeviceKey, b.DeviceProof = "", ""
		h.wait(time.Minute)
		ch := h.asked("ada", *b, ReasonKeyGone)
		// A code without a key does not make the cookie worth something again.
		out, err := h.SubmitCode(ctx, ch.ID, h.codeOf(ch.ID), true, *b)
		must(t, err)
		b.keep(out)
		h.wait(time.Minute)
		h.asked("ada", *b, ReasonKeyGone)
		h.signedIn("ada", h.with(d, b))
	})
}

func TestOneKeyServesTheMembersOfABrowserAndNobodyBindsForAnother(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, n := range []string{"ada", "bob", "eve"} {
			h.member(n)
		}
		d, b := newDevice(t), browser("f")
		h.bound("ada", d, b)
		h.bound("bob", d, b)
		for _, n := range []string{"ada", "bob", "ada"} {
			h.wait(time.Minute)
			h.signedIn(n, h.with(d, b))
		}
		// Eve has copied the cookie and signs in as herself with a key of hers.
		eve, hers := *b, newDevice(t)
		eve.FlowID, eve.SessionToken = "eve", ""
		h.bound("eve", hers, &eve)
		h.wait(time.Minute)
		h.asked("ada", *h.with(hers, &eve), ReasonKey)
		h.signedIn("ada", h.with(d, b))
	})
}

// The rules of gb and eu: a cookie is no possession, a key is, and a code is due
// every so often whatever is remembered.
func TestWhereTheLawWantsAKey(t *testing.T) {
	eachWith(t, Config{DeviceNeedsKey: true, CodeEvery: 90 * 24 * time.Hour}, func(t *testing.T, h *house) {
		h.member("ada")
		plain := browser("plain")
		h.enter("ada", plain, true)
		for range 2 {
			h.wait(time.Minute)
			h.asked("ada", *plain, ReasonNoKey)
		}
		// A key that turns up later, without a code, proves nothing yet.
		d, late := newDevice(t), *plain
		late.FlowID = "late"
		h.asked("ada", *h.with(d, &late), ReasonNoKey)

		b := browser("f")
		h.bound("ada", d, b)
		h.wait(89 * 24 * time.Hour)
		h.signedIn("ada", h.with(d, b))
		h.wait(24 * time.Hour)
		ch := h.asked("ada", *h.with(d, b), ReasonDue)
		out, err := h.SubmitCode(ctx, ch.ID, h.codeOf(ch.ID), true, *h.with(d, b))
		must(t, err)
		b.keep(out)
		h.wait(time.Minute)
		h.signedIn("ada", h.with(d, b))
	})
}

func TestOnlyKeysOfTheRightKindAreBound(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		must(t, err)
		p384, err := x509.MarshalPKIXPublicKey(&other.PublicKey)
		must(t, err)
		slow, err := rsa.GenerateKey(rand.Reader, 2048)
		must(t, err)
		rsaKey, err := x509.MarshalPKIXPublicKey(&slow.PublicKey)
		must(t, err)
		d, stranger := newDevice(t), newDevice(t)
		for name, key := range map[string]string{
			"P-384": encode(p384), "RSA": encode(rsaKey), "rubbish": "AAAA", "truncated": d.public[:100], "longer": d.public + "AAAA", "not held": stranger.public,
		} {
			b := browser(name)
			out, err := h.SignIn(ctx, "ada", right, *b)
			must(t, err)
			h.with(d, b)
			b.DeviceKey = key
			out, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), true, *b)
			must(t, err)
			b.keep(out)
			h.wait(time.Hour)
		}
		if n := h.number(`SELECT count(*) FROM device_trust WHERE bound_at > 0`); n != 0 {
			t.Fatalf("%d keys of the wrong kind were bound", n)
		}
		if n := h.audited("signin.bind-device-key", audit.Refused); n != 6 {
			t.Fatalf("%d refusals recorded, want 6", n)
		}
	})
}

func FuzzPossession(f *testing.F) {
	clock := dbtest.NewClock()
	h := newHouse(f, dbtest.SQLite(f, db.Options{Now: clock.Now}), clock, Config{})
	d, b := newDevice(f), browser("f")
	f.Add(d.sign(f, h.DeviceNonce(*b).Value), d.public)
	f.Add(".", "")
	f.Add("AAAA.AAAA", "AAAA")
	f.Fuzz(func(t *testing.T, proof, key string) {
		c := *b
		c.DeviceProof, c.DeviceKey = proof, key
		p := h.possession(c)
		if p.offers() && key != d.public {
			t.Fatalf("%q proves %q", proof, key)
		}
	})
}

// What a proof costs at each sign-in from a remembered device.
func BenchmarkProof(b *testing.B) {
	h := newHouse(b, dbtest.SQLite(b, db.Options{}), nil, Config{})
	d, c := newDevice(b), browser("f")
	h.with(d, c)
	key, err := base64.RawURLEncoding.DecodeString(d.public)
	must(b, err)
	for b.Loop() {
		if p := h.possession(*c); !p.by(key) {
			b.Fatal("a proof was refused")
		}
	}
}
