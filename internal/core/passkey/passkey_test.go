package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

func TestAPasskeySignsItsOwnerInWithoutAName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, other := db.NewID(), db.NewID()
		bound, synced := &softkey.Authenticator{Counts: true}, &softkey.Authenticator{Synced: true}
		k := h.register(h.Service, owner, bound)
		h.register(h.Service, other, synced)
		for range 3 {
			h.clock.Advance(time.Hour)
			a, err := h.login(h.Service, bound)
			must(t, err)
			if a.OwnerID != owner || a.PasskeyID != k.ID || a.Name != "Phone" || !slices.Equal(a.Methods, []string{"hwk", "user"}) {
				t.Fatalf("%+v", a)
			}
		}
		a, err := h.login(h.Service, synced)
		must(t, err)
		if a.OwnerID != other || !slices.Equal(a.Methods, []string{"swk", "user"}) {
			t.Fatalf("%+v", a)
		}
		list, err := h.List(ctx, owner)
		must(t, err)
		if len(list) != 1 || !list[0].LastUsedAt.Equal(h.clock.Now()) || list[0].Synced {
			t.Fatalf("%+v", list)
		}
	})
}

// The handle is what an authenticator shows to whoever holds it (WebAuthn §14.6.1).
func TestTheHandleTellsNothingAndStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner := db.NewID()
		handle := func() string {
			p, err := h.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
			must(t, err)
			var o struct {
				PublicKey struct {
					User               struct{ ID string }
					ExcludeCredentials []any
				}
			}
			must(t, json.Unmarshal(p.Options, &o))
			if strings.Contains(string(p.Options)+p.State, owner) {
				t.Fatal("the owner's id leaves the house")
			}
			return o.PublicKey.User.ID
		}
		if one, two := handle(), handle(); one == two {
			t.Fatal("handles of owners without passkeys follow from something")
		}
		h.register(h.Service, owner, &softkey.Authenticator{})
		first := handle()
		h.register(h.Service, owner, &softkey.Authenticator{})
		if handle() != first {
			t.Fatal("the handle changed")
		}
	})
}

func TestAnAuthenticatorHasOnePasskeyOfAnOwner(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a := db.NewID(), &softkey.Authenticator{}
		h.register(h.Service, owner, a)
		p, err := h.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
		must(t, err)
		if _, err := a.Create(p.Options, origin); err == nil {
			t.Fatal("what it has is not among what is excluded")
		}
	})
}

// badAssertions are all the ways in which an answer can be wrong. Each begins as a
// good one.
func badAssertions(other *softkey.Authenticator) map[string]func(a *softkey.Answer) {
	return map[string]func(a *softkey.Answer){
		"wrong origin":         func(a *softkey.Answer) { a.Origin = "https://bank.example.evil.test" },
		"origin in disguise":   func(a *softkey.Answer) { a.Origin = "https://user@bank.example/path" },
		"origin without TLS":   func(a *softkey.Answer) { a.Origin = "http://bank.example" },
		"framed":               func(a *softkey.Answer) { a.CrossOrigin = true },
		"wrong relying party":  func(a *softkey.Answer) { a.RPID = "evil.test" },
		"wrong challenge":      func(a *softkey.Answer) { a.Challenge = strings.Repeat("A", 43) },
		"wrong ceremony":       func(a *softkey.Answer) { a.Type = "webauthn.create" },
		"user not verified":    func(a *softkey.Answer) { a.Flags &^= softkey.UserVerified },
		"user not present":     func(a *softkey.Answer) { a.Flags &^= softkey.UserPresent },
		"backup flag changed":  func(a *softkey.Answer) { a.Flags |= softkey.BackupEligible },
		"another's key":        func(a *softkey.Answer) { a.Sign = other.Key().Sign },
		"another's credential": func(a *softkey.Answer) { a.ID = other.Key().ID },
		"another's handle":     func(a *softkey.Answer) { a.Handle = other.Key().Handle },
		"no handle":            func(a *softkey.Answer) { a.Handle = nil },
		"unknown credential":   func(a *softkey.Answer) { a.ID = bytes.Repeat([]byte{7}, 32) },
	}
}

func TestBadAssertionsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, other := &softkey.Authenticator{}, &softkey.Authenticator{}
		h.register(h.Service, db.NewID(), a)
		h.register(h.Service, db.NewID(), other)
		for name, tamper := range badAssertions(other) {
			t.Run(name, func(t *testing.T) {
				a.Tamper = tamper
				_, err := h.login(h.Service, a)
				want(t, err, fault.Unauthenticated, "passkey.refused")
			})
		}
		a.Tamper = nil
		if _, err := h.login(h.Service, a); err != nil {
			t.Fatal("a good one after all these:", err)
		}
	})
}

func TestBadRegistrationsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, tamper := range map[string]func(a *softkey.Answer){
			"wrong origin":       func(a *softkey.Answer) { a.Origin = "https://evil.test" },
			"origin in disguise": func(a *softkey.Answer) { a.Origin = "https://user@bank.example" },
			"framed":             func(a *softkey.Answer) { a.CrossOrigin = true },
			"wrong party":        func(a *softkey.Answer) { a.RPID = "evil.test" },
			"wrong challenge":    func(a *softkey.Answer) { a.Challenge = strings.Repeat("A", 43) },
			"wrong ceremony":     func(a *softkey.Answer) { a.Type = "webauthn.get" },
			"not verified":       func(a *softkey.Answer) { a.Flags &^= softkey.UserVerified },
			"backed up for none": func(a *softkey.Answer) { a.Flags |= softkey.BackedUp },
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.registered(h.Service, db.NewID(), &softkey.Authenticator{Tamper: tamper})
				want(t, err, fault.Unauthenticated, "passkey.refused")
			})
		}
	})
}

func TestACredentialBelongsToOneOwnerOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		victim := &softkey.Authenticator{}
		h.register(h.Service, db.NewID(), victim)
		thief := &softkey.Authenticator{Tamper: func(a *softkey.Answer) { a.ID = victim.Key().ID }}
		for _, s := range []*Service{h.Service, h.staff} {
			n, err := h.registered(s, db.NewID(), thief)
			must(t, err)
			_, err = h.add(s, n)
			want(t, err, fault.Conflict, "passkey.known")
		}
	})
}

func TestAnAnswerCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := &softkey.Authenticator{}
		owner := db.NewID()
		p, err := h.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
		must(t, err)
		answer, err := a.Create(p.Options, origin)
		must(t, err)
		n, err := h.VerifyRegistration(ctx, owner, "Phone", p.State, flow, answer)
		must(t, err)
		_, err = h.add(h.Service, n)
		must(t, err)
		_, err = h.add(h.Service, n)
		want(t, err, fault.Unauthenticated, "passkey.over")

		p, err = h.BeginLogin(flow)
		must(t, err)
		answer, err = a.Get(p.Options, origin)
		must(t, err)
		v, err := h.VerifyLogin(ctx, p.State, flow, answer)
		must(t, err)
		_, err = h.accept(h.Service, v)
		must(t, err)
		again, err := h.VerifyLogin(ctx, p.State, flow, answer)
		must(t, err)
		_, err = h.accept(h.Service, again)
		want(t, err, fault.Unauthenticated, "passkey.over")
	})
}

func TestAStateIsOfItsFlowCeremonyOwnerKindAndCell(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a := db.NewID(), &softkey.Authenticator{}
		h.register(h.Service, owner, a)
		p, err := h.BeginLogin(flow)
		must(t, err)
		answer, err := a.Get(p.Options, origin)
		must(t, err)
		reg, err := h.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
		must(t, err)
		created, err := (&softkey.Authenticator{}).Create(reg.Options, origin)
		must(t, err)
		cell := h.service(Config{RPID: "eu.example", Origins: []string{"https://eu.example"}})
		check := func(name string, s *Service, state, flow string) {
			t.Run(name, func(t *testing.T) {
				_, err := s.VerifyLogin(ctx, state, flow, answer)
				want(t, err, fault.Unauthenticated, "passkey.over")
			})
		}
		check("another flow", h.Service, p.State, "flow-2")
		check("another ceremony", h.Service, reg.State, flow)
		check("another kind", h.staff, p.State, flow)
		check("another cell", cell, p.State, flow)
		check("truncated", h.Service, p.State[:len(p.State)-4], flow)
		check("changed", h.Service, changed(p.State), flow)
		check("none", h.Service, "", flow)
		check("not base64", h.Service, "*", flow)
		check("too long", h.Service, strings.Repeat("A", 1<<20), flow)
		_, err = h.VerifyRegistration(ctx, db.NewID(), "Phone", reg.State, flow, created)
		want(t, err, fault.Unauthenticated, "passkey.over")
		_, err = h.VerifyRegistration(ctx, owner, "Phone", p.State, flow, created)
		want(t, err, fault.Unauthenticated, "passkey.over")
	})
}

// changed is a text with another character in its middle.
func changed(s string) string {
	b := []byte(s)
	if b[len(b)/2]++; b[len(b)/2] == 'z'+1 {
		b[len(b)/2] = 'a'
	}
	return string(b)
}

// Both kinds are under one relying party here, as in the demo.
func TestKindsOfOwnersDoNotMix(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id, a := db.NewID(), &softkey.Authenticator{}
		k := h.register(h.staff, id, a)
		_, err := h.login(h.Service, a)
		want(t, err, fault.Unauthenticated, "passkey.refused")
		b := Bound{Nonce: make([]byte, 16)}
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			if o, err := h.BeginBound(ctx, tx, id, b); err != nil || o != nil {
				t.Errorf("a member of the same id has the staff's passkey: %s, %v", o, err)
			}
			_, err := h.Remove(ctx, tx, id, k.ID, true, "")
			want(t, err, fault.NotFound, "passkey.not-found")
			_, err = h.Rename(ctx, tx, id, k.ID, "Mine", "")
			want(t, err, fault.NotFound, "passkey.not-found")
			return nil
		}))
		if list, err := h.List(ctx, id); err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
		if _, err := h.login(h.staff, a); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClocksMayDifferByFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := &softkey.Authenticator{}
		h.register(h.Service, db.NewID(), a)
		start := h.clock.Now()
		for passed, good := range map[time.Duration]bool{
			-5 * time.Minute: true, -5*time.Minute - time.Second: false,
			5 * time.Minute: true, 10 * time.Minute: true, 10*time.Minute + time.Second: false,
		} {
			h.clock.Set(start)
			p, err := h.BeginLogin(flow)
			must(t, err)
			answer, err := a.Get(p.Options, origin)
			must(t, err)
			h.clock.Advance(passed)
			_, err = h.VerifyLogin(ctx, p.State, flow, answer)
			if good {
				must(t, err)
			} else {
				want(t, err, fault.Unauthenticated, "passkey.over")
			}
		}
	})
}

// An answered challenge is remembered for longer than any clock takes its state.
func TestTidyForgetsOnlyWhatIsTooOldAnyway(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := &softkey.Authenticator{}
		h.register(h.Service, db.NewID(), a)
		p, err := h.BeginLogin(flow)
		must(t, err)
		answer, err := a.Get(p.Options, origin)
		must(t, err)
		v, err := h.VerifyLogin(ctx, p.State, flow, answer)
		must(t, err)
		_, err = h.accept(h.Service, v)
		must(t, err)
		for h.number(`SELECT count(*) FROM passkey_spent WHERE challenge = $1`, v.challenge) == 1 {
			h.clock.Advance(time.Minute)
			must(t, h.Tidy(ctx))
		}
		h.clock.Advance(-skew)
		_, err = h.VerifyLogin(ctx, p.State, flow, answer)
		want(t, err, fault.Unauthenticated, "passkey.over")
	})
}

func TestACounterThatGoesBackIsRefusedAndRecorded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := &softkey.Authenticator{Counts: true}
		k := h.register(h.Service, db.NewID(), a)
		a.Counter = 41
		_, err := h.login(h.Service, a)
		must(t, err)
		for _, back := range []uint32{42, 5, 0} {
			a.Tamper = func(ans *softkey.Answer) { ans.Counter = back }
			_, err = h.login(h.Service, a)
			want(t, err, fault.Unauthenticated, "passkey.refused")
		}
		if n := h.number(`SELECT regressions FROM passkey WHERE id = $1`, k.ID); n != 3 {
			t.Fatalf("%d regressions stored", n)
		}
		if n := h.number(`SELECT count(*) FROM audit WHERE action = 'passkey.counter-back' AND outcome = 'refused' AND object_id = $1`, k.ID); n != 3 {
			t.Fatalf("%d regressions recorded", n)
		}
		a.Tamper, a.Counter = nil, 50
		if _, err := h.login(h.Service, a); err != nil {
			t.Fatal("the counter went on, but:", err)
		}
	})
}

func TestARemovedPasskeyIsWorthNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a, b := db.NewID(), &softkey.Authenticator{}, &softkey.Authenticator{}
		first, second := h.register(h.Service, owner, a), h.register(h.Service, owner, b)
		p, err := h.BeginLogin(flow)
		must(t, err)
		answer, err := a.Get(p.Options, origin)
		must(t, err)
		v, err := h.VerifyLogin(ctx, p.State, flow, answer)
		must(t, err)
		must(t, h.remove(owner, first.ID, false))
		_, err = h.accept(h.Service, v) // verified before, counted after
		want(t, err, fault.Unauthenticated, "passkey.refused")
		_, err = h.login(h.Service, a)
		want(t, err, fault.Unauthenticated, "passkey.refused")
		want(t, h.remove(owner, first.ID, false), fault.NotFound, "passkey.not-found")
		want(t, h.remove(owner, second.ID, false), fault.Conflict, "passkey.last")
		want(t, h.remove(db.NewID(), second.ID, true), fault.NotFound, "passkey.not-found")
		want(t, h.remove(owner, "7", true), fault.NotFound, "passkey.not-found")
		must(t, h.remove(owner, second.ID, true))
	})
}

func (h *house) remove(owner, id string, otherWay bool) error {
	return h.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := h.Remove(ctx, tx, owner, id, otherWay, "192.0.2.7")
		return err
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner := db.NewID()
		k := h.register(h.Service, owner, &softkey.Authenticator{})
		for name, code := range map[string]string{
			"": "required", "  ": "required", strings.Repeat("ä", MaxName+1): "too-long", "a\x00b": "not-text", "a\nb": "not-text",
			"\xff": "not-text", "right-to-left \u202e": "not-text",
		} {
			want(t, h.rename(owner, k.ID, name), fault.Invalid, code)
		}
		must(t, h.rename(owner, k.ID, " "+strings.Repeat("ä", MaxName)+" "))
		want(t, h.rename(db.NewID(), k.ID, "Mine"), fault.NotFound, "passkey.not-found")
		list, err := h.List(ctx, owner)
		must(t, err)
		if list[0].Name != strings.Repeat("ä", MaxName) {
			t.Fatal(list)
		}
	})
}

func (h *house) rename(owner, id, name string) error {
	return h.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := h.Rename(ctx, tx, owner, id, name, "192.0.2.7")
		return err
	})
}

func TestAnOwnerHasNoMoreThanCanBeKept(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner := db.NewID()
		for range maxPerOwner - 1 {
			h.register(h.Service, owner, &softkey.Authenticator{})
		}
		one, err := h.registered(h.Service, owner, &softkey.Authenticator{})
		must(t, err)
		two, err := h.registered(h.Service, owner, &softkey.Authenticator{})
		must(t, err)
		_, err = h.add(h.Service, one)
		must(t, err)
		_, err = h.add(h.Service, two)
		want(t, err, fault.Conflict, "passkey.too-many")
		_, err = h.BeginRegistration(ctx, Owner{ID: owner, Name: "ada", DisplayName: "Ada"}, flow)
		want(t, err, fault.Conflict, "passkey.too-many")
	})
}

// What followers of the outbox get is enough to verify with, and says when a
// passkey ends.
func TestFollowersCanVerifyWithoutOurDatabase(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a := db.NewID(), &softkey.Authenticator{Counts: true}
		k := h.register(h.Service, owner, a)
		_, err := h.login(h.Service, a)
		must(t, err)
		must(t, h.remove(owner, k.ID, true))
		var kinds []string
		var last Key
		for _, r := range h.changes() {
			if r.Entity == "passkey" && r.EntityID == k.ID {
				kinds = append(kinds, r.Kind)
				must(t, json.Unmarshal(r.Payload, &last))
			}
		}
		if !slices.Equal(kinds, []string{"added", "used", "removed"}) || last.OwnerID != owner || last.SignCount != 1 || last.V != 1 {
			t.Fatalf("%v %+v", kinds, last)
		}
		p, err := h.BeginLogin(flow)
		must(t, err)
		answer, err := a.Get(p.Options, origin)
		must(t, err)
		v, err := h.VerifyWith(ctx, func(context.Context, []byte) (Key, error) { return last, nil }, p.State, flow, answer)
		must(t, err)
		if v.OwnerID() != owner {
			t.Fatal(v.OwnerID())
		}
		last.Kind = Staff // a follower that hands out whatever it has
		_, err = h.VerifyWith(ctx, func(context.Context, []byte) (Key, error) { return last, nil }, p.State, flow, answer)
		want(t, err, fault.Unauthenticated, "passkey.refused")
	})
}

func (h *house) changes() []outbox.Record {
	h.t.Helper()
	for {
		n, err := h.db.Number(ctx, outbox.Table, 100)
		must(h.t, err)
		if n == 0 {
			break
		}
	}
	list, err := outbox.Read(ctx, h.db, 0, 100)
	must(h.t, err)
	return list
}

func TestConfigurationsThatNoBrowserAccepts(t *testing.T) {
	for name, c := range map[string]Config{
		"no kind":             {RPID: "bank.example", Origins: []string{origin}},
		"no origin":           {Kind: Member, RPID: "bank.example"},
		"no relying party":    {Kind: Member, Origins: []string{origin}},
		"path":                {Kind: Member, RPID: "bank.example", Origins: []string{origin + "/"}},
		"without TLS":         {Kind: Member, RPID: "bank.example", Origins: []string{"http://bank.example"}},
		"elsewhere":           {Kind: Member, RPID: "bank.example", Origins: []string{"https://evil-bank.example"}},
		"an address":          {Kind: Member, RPID: "127.0.0.1", Origins: []string{"https://127.0.0.1"}},
		"not an origin":       {Kind: Member, RPID: "bank.example", Origins: []string{"bank.example"}},
		"capital letters":     {Kind: Member, RPID: "bank.example", Origins: []string{"HTTPS://bank.example"}},
		"loopback without it": {Kind: Member, RPID: "localhost", Origins: []string{"http://127.0.0.1:8080"}},
	} {
		if _, err := New(nil, masterkey.Demo(), c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := New(nil, masterkey.Demo(), Config{Kind: Member, RPID: "localhost", Origins: []string{"http://localhost:8080"}, DisplayName: "x", Now: time.Now}); err != nil {
		t.Error(err)
	}
}
