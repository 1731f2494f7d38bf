package feed

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func pinned() (ed25519.PrivateKey, Key) {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	return private, Key{ID: "feed-1", Public: private.Public().(ed25519.PublicKey)}
}

func signPage(private ed25519.PrivateKey, cell, after string, body []byte) string {
	sum := sha256.Sum256(body)
	return "feed-1:" + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte("standfast-feed-1\n"+cell+"\n"+after+"\n"+hex.EncodeToString(sum[:]))))
}

// Whatever core may sign by mistake: a page is refused as a whole, or each of its
// items can be kept.
func FuzzPage(f *testing.F) {
	private, key := pinned()
	for _, s := range []string{"", "{}", `{"version":1,"cell":"us","after":"a","next":"b","items":null}`,
		`{"version":1,"cell":"us","after":"a","next":"b","complete_to":"2026-03-02T12:00:00Z","at":"2026-03-02T12:00:00Z","items":[{"topic":"member","id":"m","version":1,"at":"2026-03-02T12:00:00Z","body":{"username":"ALEX"}}]}`,
		`{"version":1,"cell":"us","after":"a","next":"b","items":[{"topic":"holder","id":"m/a","version":1,"body":{"member_id":"m","account_id":"a"}},{"topic":"balance","id":"a","version":2,"body":{"posted":{"value":"1e9","currency":"USD"}}}]}`,
		`{"version":1,"cell":"us","after":"a","next":"a","items":[{"topic":"x","id":"y","version":1,"gone":true}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := key.readPage("us", "a", signPage(private, "us", "a", []byte(body)), []byte(body))
		if err != nil {
			return
		}
		list, err := records(p.Items)
		if err != nil {
			return
		}
		for _, r := range list {
			if r.Topic == "" || r.ID == "" || len(r.ID) > maxID || r.Version < 1 {
				t.Errorf("%q has a record that cannot be kept: %+v", body, r)
			}
		}
		if len(p.Items) > 0 && p.Next == "a" {
			t.Errorf("%q leads nowhere", body)
		}
	})
}

// Nothing but the page that was signed, for the cell and cursor that it was signed
// for, is taken.
func TestOnlyTheSignedPageIsTaken(t *testing.T) {
	private, key := pinned()
	const body = `{"version":1,"cell":"us","after":"a","next":"b","items":[]}`
	good := signPage(private, "us", "a", []byte(body))
	if _, err := key.readPage("us", "a", good, []byte(body)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ cell, after, signature, body string }{
		"another byte":          {"us", "a", good, strings.Replace(body, `"b"`, `"c"`, 1)},
		"another cell asks":     {"gb", "a", good, body},
		"another cursor":        {"us", "b", good, body},
		"no signature":          {"us", "a", "", body},
		"another key's name":    {"us", "a", strings.Replace(good, "feed-1", "feed-2", 1), body},
		"half a signature":      {"us", "a", good[:40], body},
		"a signature for gb":    {"us", "a", signPage(private, "gb", "a", []byte(body)), body},
		"signed for the future": {"us", "a", signPage(private, "us", "z", []byte(body)), body},
	} {
		if _, err := key.readPage(c.cell, c.after, c.signature, []byte(c.body)); err == nil {
			t.Errorf("%s: the page is taken", name)
		}
	}
}
