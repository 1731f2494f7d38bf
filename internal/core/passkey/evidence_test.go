package passkey

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

var bound = Bound{Hash: sha256.Sum256([]byte("650.00 USD to the card")), Nonce: []byte("sixteen bytes ..")}

// prove answers for one action.
func (h *house) prove(owner string, b Bound, a *softkey.Authenticator) (Assertion, error) {
	h.t.Helper()
	var options []byte
	must(h.t, h.db.View(ctx, func(tx *db.Tx) (err error) {
		options, err = h.BeginBound(ctx, tx, owner, b)
		return err
	}))
	answer, err := a.Get(options, origin)
	must(h.t, err)
	v, err := h.VerifyBound(ctx, owner, b, answer)
	if err != nil {
		return Assertion{}, err
	}
	return h.accept(h.Service, v)
}

func TestAnAnswerIsBoundToItsAction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a := db.NewID(), &softkey.Authenticator{}
		h.register(h.Service, owner, a)
		got, err := h.prove(owner, bound, a)
		must(t, err)
		if got.OwnerID != owner {
			t.Fatalf("%+v", got)
		}
		_, err = h.prove(owner, bound, a)
		want(t, err, fault.Unauthenticated, "passkey.over") // of one asking, one answer counts

		var options []byte
		must(t, h.db.View(ctx, func(tx *db.Tx) error {
			options, err = h.BeginBound(ctx, tx, owner, Bound{Hash: bound.Hash, Nonce: []byte("another sixteen.")})
			return err
		}))
		answer, err := a.Get(options, origin)
		must(t, err)
		for name, b := range map[string]Bound{
			"another action": {Hash: sha256.Sum256([]byte("6500.00 USD to the card")), Nonce: []byte("another sixteen.")},
			"another asking": bound,
			"none":           {},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.VerifyBound(ctx, owner, b, answer)
				want(t, err, fault.Unauthenticated, "passkey.refused")
			})
		}
		_, err = h.VerifyBound(ctx, db.NewID(), Bound{Hash: bound.Hash, Nonce: []byte("another sixteen.")}, answer)
		want(t, err, fault.Unauthenticated, "passkey.refused")
	})
}

func TestWhoHasNoPasskeyIsNotAskedForOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		must(t, h.db.View(ctx, func(tx *db.Tx) error {
			o, err := h.BeginBound(ctx, tx, db.NewID(), bound)
			if o != nil {
				t.Errorf("%s", o)
			}
			return err
		}))
	})
}

// An auditor has nothing but the evidence.
func TestEvidenceVerifiesByItselfAndShowsEveryChange(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, a := db.NewID(), &softkey.Authenticator{Counts: true}
		k := h.register(h.Service, owner, a)
		got, err := h.prove(owner, bound, a)
		must(t, err)
		must(t, h.remove(owner, k.ID, true))
		must(t, VerifyEvidence(got.Evidence))
		flip := func(b []byte) []byte {
			c := bytes.Clone(b)
			c[len(c)-1] ^= 1
			return c
		}
		for name, change := range map[string]func(e *Evidence){
			"action":             func(e *Evidence) { e.Hash = flip(e.Hash) },
			"no action":          func(e *Evidence) { e.Hash = nil },
			"nonce":              func(e *Evidence) { e.Nonce = flip(e.Nonce) },
			"key":                func(e *Evidence) { e.PublicKey = flip(e.PublicKey) },
			"origin":             func(e *Evidence) { e.Origin = "https://evil.test" },
			"relying party":      func(e *Evidence) { e.RPID = "evil.test" },
			"client data":        func(e *Evidence) { e.ClientData = bytes.Replace(e.ClientData, []byte("false"), []byte("true"), 1) },
			"authenticator data": func(e *Evidence) { e.AuthenticatorData = flip(e.AuthenticatorData) },
			"signature":          func(e *Evidence) { e.Signature = flip(e.Signature) },
			"nothing":            func(e *Evidence) { *e = Evidence{} },
		} {
			e := got.Evidence
			change(&e)
			if VerifyEvidence(e) == nil {
				t.Errorf("evidence with a changed %s verifies", name)
			}
		}
	})
}
