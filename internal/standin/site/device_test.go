package site

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

const credentials = `{"username":"ada","password":"correct horse battery"}`

// bind binds a key to the member's device, and gives who has it.
func (h *house) bind() *ecdsa.PrivateKey {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(h.t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(h.t, err)
	h.core.item(feed.Device, member+"/"+device, 30, feed.DeviceBody{MemberID: member, DeviceID: device, TrustedFrom: noon.Add(-time.Hour), TrustedUntil: noon.Add(1000 * time.Hour), PublicKey: spki})
	return key
}

// prove signs a nonce as device.js does (docs/decisions/0009).
func (h *house) prove(key *ecdsa.PrivateKey, cell, nonce string) string {
	h.t.Helper()
	sum := sha256.Sum256([]byte("standfast-device-proof-1\n" + cell + "\n" + nonce))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	must(h.t, err)
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return nonce + "." + base64.RawURLEncoding.EncodeToString(raw)
}

func (h *house) nonce(flow string) string {
	h.t.Helper()
	var n struct{ Nonce string }
	must(h.t, json.Unmarshal(h.do("GET", "/api/v1/sign-in/nonce", "", "Standfast-Flow", flow).Body.Bytes(), &n))
	return n.Nonce
}

// A device's cookie without its key opens nothing, and no password is tried with
// it: whoever has copied it learns nothing and uses nothing up.
func TestACopiedCookieIsWorthNothing(t *testing.T) {
	h := newHouse(t)
	key := h.bind()
	h.follow()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	old := h.nonce("f")
	h.now = h.now.Add(6 * time.Minute)
	n := h.nonce("f")
	for name, proof := range map[string]string{
		"no proof": "", "no proof at all": "x.y", "another key's": h.prove(other, "us", n), "another cell's": h.prove(key, "gb", n),
		"of another flow": h.prove(key, "us", h.nonce("g")), "too old": h.prove(key, "us", old), "of a nonce of somebody": h.prove(key, "us", base64.RawURLEncoding.EncodeToString(make([]byte, 40))),
		"too long": h.prove(key, "us", n) + strings.Repeat("A", 300),
	} {
		for _, body := range []string{credentials, `{"username":"ada","password":"wrong"}`} {
			w := h.do("POST", "/api/v1/sign-in", body, "Standfast-Flow", "f", "Standfast-Device", h.deviceToken(), "Standfast-Device-Proof", proof)
			if w.Code != 503 || !strings.Contains(w.Body.String(), entry.CodeNotHere) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	}
	if failed, _, err := h.own.Failures(context.Background(), member, noon); err != nil || failed != 0 {
		t.Errorf("%d failures are counted, %v", failed, err)
	}
	proof := h.prove(key, "us", n)
	in := func(flow string) (id string, status int) {
		w := h.do("POST", "/api/v1/sign-in", credentials, "Standfast-Flow", flow, "Standfast-Device", h.deviceToken(), "Standfast-Device-Proof", proof)
		last, err := h.own.Last(context.Background())
		must(t, err)
		return fmt.Sprint(last), w.Code
	}
	first, status := in("f")
	again, repeated := in("f") // an answer that was lost
	if status != 200 || repeated != 200 || first != again {
		t.Errorf("%d, %d: advices %s, %s", status, repeated, first, again)
	}
	if _, elsewhere := in("g"); elsewhere != 503 {
		t.Errorf("a proof is good in another flow: %d", elsewhere)
	}
}

// Guesses on a member's devices have one budget, wherever they are made: what core
// has counted counts here, and what was counted here is told to core once.
func TestGuessesHaveOneBudget(t *testing.T) {
	h := newHouse(t)
	h.core.item(feed.Failures, member, 30, feed.FailuresBody{Count: 15, Since: noon})
	h.follow()
	h.now = h.now.Add(time.Minute)
	try := func(password string) int {
		return h.do("POST", "/api/v1/sign-in", fmt.Sprintf(`{"username":"ada","password":%q}`, password), "Standfast-Flow", "f", "Standfast-Device", h.deviceToken()).Code
	}
	for i := range 5 {
		if got := try("wrong"); got != 401 {
			t.Fatalf("guess %d: %d", i, got)
		}
	}
	if got := try("correct horse battery"); got != 429 {
		t.Errorf("after 15 at core and 5 here the right one gives %d", got)
	}
	_, err := h.pusher.Push(context.Background())
	must(t, err)
	list, err := h.own.From(context.Background(), 1, 10)
	must(t, err)
	if len(list) != 1 || list[0].Kind != store.KindFailures || !strings.Contains(string(list[0].Body), `"count":5`) {
		t.Fatalf("%+v", list)
	}
	if got := try("correct horse battery"); got != 429 {
		t.Errorf("once core is told: %d", got)
	}
	h.now = h.now.Add(time.Minute) // core's count holds them now, and then forgets all: the member was right there
	forgiven := func(n, version int, count int64) string {
		body, _ := json.Marshal(feed.FailuresBody{Count: count, Since: noon})
		page := h.core.page("us", fmt.Sprint("c", n), fmt.Sprint("c", n+1), 1, fmt.Sprintf(`{"topic":"failures","id":%q,"version":%d,"at":%q,"body":%s}`, member, version, h.now.Format(time.RFC3339), body))
		return strings.ReplaceAll(page, noon.Add(time.Minute).Format(time.RFC3339Nano), h.now.Format(time.RFC3339Nano))
	}
	h.core.pages["c1"], h.core.pages["c2"] = forgiven(1, 90, 20), forgiven(2, 91, 0)
	h.follow()
	if got := try("correct horse battery"); got != 429 {
		t.Errorf("with core's count of both: %d", got)
	}
	h.follow()
	if got := try("correct horse battery"); got != 200 {
		t.Errorf("once forgiven: %d", got)
	}
}
