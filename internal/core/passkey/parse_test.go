package passkey

import (
	"bytes"
	"testing"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
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
// and only the answer that was signed is let in.
func FuzzAnswers(f *testing.F) {
	h, p, created, got := answers(f)
	f.Add(created)
	f.Add(got)
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := h.VerifyLogin(ctx, p.State, flow, raw)
		if kind := fault.As(err); kind != nil && kind.Kind != fault.Invalid && kind.Kind != fault.Unauthenticated {
			t.Fatalf("%v", err)
		}
		if err == nil && v.evidence.Signature == nil {
			t.Fatal("let in without a signature")
		}
		if _, err := parseCreation(raw); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("%v", err)
		}
	})
}
