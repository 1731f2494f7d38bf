package passkey

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

// answers gives a good answer to each ceremony, and what it was an answer to.
func answers(t testing.TB) (h *house, p Prompt, created, got []byte) {
	t.Helper()
	clock := dbtest.NewClock()
	h = newHouse(t, dbtest.SQLite(t, db.Options{Now: clock.Now}), clock)
	a := &softkey.Authenticator{Counts: true}
	h.register(h.Service, db.NewID(), a)
	reg, err := h.BeginRegistration(ctx, Owner{ID: db.NewID(), Name: "eve", DisplayName: "Eve"}, flow)
	must(t, err)
	created, err = (&softkey.Authenticator{}).Create(reg.Options, origin)
	must(t, err)
	p, err = h.BeginLogin(flow)
	must(t, err)
	got, err = a.Get(p.Options, origin)
	must(t, err)
	return h, p, created, got
}

func TestTruncatedAnswersAreRefused(t *testing.T) {
	h, p, created, got := answers(t)
	for n := range got {
		if _, err := h.VerifyLogin(ctx, p.State, flow, got[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(got))
		}
	}
	for n := range created {
		if _, err := parseCreation(created[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(created))
		}
	}
}

func TestAnswersHaveALimit(t *testing.T) {
	h, p, _, got := answers(t)
	_, err := h.VerifyLogin(ctx, p.State, flow, append(got, bytes.Repeat([]byte(" "), maxResponse)...))
	want(t, err, fault.Invalid, "passkey.unreadable")
	_, err = parseCreation(bytes.Repeat([]byte("{"), maxResponse+1))
	want(t, err, fault.Invalid, "passkey.unreadable")
}

// Whatever a browser sends, it is read or refused as something that a person did;
// and only what was signed is let in.
func FuzzAnswers(f *testing.F) {
	clock := dbtest.NewClock()
	s, err := New(nil, masterkey.Demo(), Config{Kind: Member, RPID: "bank.example", Origins: []string{origin}, DisplayName: "Bank", Now: clock.Now})
	must(f, err)
	a := &softkey.Authenticator{Counts: true}
	reg := s.newState(registering, flow)
	reg.Owner, reg.Handle = db.NewID(), []byte("a handle")
	created, err := a.Create(fmt.Appendf(nil, `{"publicKey":{"rp":{"id":"bank.example"},"user":{"id":"YSBoYW5kbGU"},"challenge":%q}}`,
		protocol.URLEncodedBase64(reg.Challenge)), origin)
	must(f, err)
	sealed, err := s.seal(reg)
	must(f, err)
	n, err := s.VerifyRegistration(ctx, reg.Owner, "Phone", sealed, flow, created)
	must(f, err)
	find := func(context.Context, []byte) (Key, error) { return n.row.Key, nil }
	p, err := s.BeginLogin(flow)
	must(f, err)
	got, err := a.Get(p.Options, origin)
	must(f, err)
	if _, err := s.VerifyWith(ctx, find, p.State, flow, got); err != nil {
		f.Fatal("the good answer: ", err)
	}
	f.Add(created)
	f.Add(got)
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := s.VerifyWith(ctx, find, p.State, flow, raw)
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("%v", err)
		}
		if err == nil && v.evidence.Signature == nil {
			t.Fatal("let in without a signature")
		}
		if _, err := s.VerifyRegistration(ctx, reg.Owner, "Phone", sealed, flow, raw); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("%v", err)
		}
	})
}
