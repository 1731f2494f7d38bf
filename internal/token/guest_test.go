package token

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

// Another process's key signs sessions of bounded length, and nothing else.
func TestAGuestsKeyMakesShortSessionsOnly(t *testing.T) {
	_, own, _ := ed25519.GenerateKey(nil)
	public, theirs, _ := ed25519.GenerateKey(nil)
	host, guest := NewKeyring("us", 16), NewKeyring("us", 16)
	err := errors.Join(guest.Replace(nil, Signer{ID: "guest", Key: theirs}),
		host.Replace([]PublicKey{{ID: "guest", Key: public, Guest: time.Hour}}, Signer{ID: "own", Key: own}))
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMicro(1_800_000_000_000_000).UTC()
	for _, c := range []struct {
		name string
		kind string
		end  time.Duration
		ok   bool
	}{{"a session", KindSession, time.Hour, true}, {"a longer session", KindSession, time.Hour + time.Microsecond, false}, {"a device", KindDevice, time.Minute, false}} {
		tok, err := guest.Sign(Claims{Kind: c.kind, ID: "s", MemberID: "m", AuthenticatedAt: at, Expires: at.Add(c.end)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from memory
			if _, err := host.Read(tok); (err == nil) != c.ok {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	if keys := host.Public(); len(keys) != 1 || keys[0].ID != "guest" || !keys[0].Key.Equal(public) {
		t.Errorf("%+v", keys)
	}
}
