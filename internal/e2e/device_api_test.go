package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"testing"
)

// A program that holds a key of its own, written against the OpenAPI document and
// docs/decisions/0009 alone: the key is bound with the first code, and from then
// on the device's token counts only with a proof.
func TestAProgramHoldsAKeyOfItsOwn(t *testing.T) {
	d := startDemo(t)
	c, who := newClient(d.API, "flow-1"), d.Members[0]
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	proof := func() map[string]string {
		_, a := c.do(t, "GET", "/sign-in/nonce", nil, nil)
		nonce := a["nonce"].(string)
		digest := sha256.Sum256([]byte("standfast-device-proof-1\nus\n" + nonce))
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		return map[string]string{"Standfast-Device-Proof": nonce + "." + base64.RawURLEncoding.EncodeToString(signature),
			"Standfast-Device-Key": base64.RawURLEncoding.EncodeToString(public)}
	}
	password := map[string]any{"username": who.Username, "password": who.Password}
	before := d.mails(t)
	_, a := c.do(t, "POST", "/sign-in", password, nil)
	challenge := a["challenge"].(map[string]any)
	if challenge["reason"] != nil {
		t.Errorf("a new device is asked because of %v", challenge["reason"])
	}
	_, a = c.do(t, "POST", "/sign-in/code", map[string]any{"challenge_id": challenge["id"], "code": d.newCode(t, before), "trust_device": true}, proof())
	c.device = a["device"].(map[string]any)["token"].(string)
	c.token = a["session"].(map[string]any)["token"].(string)
	_, a = c.do(t, "GET", "/devices", nil, nil)
	device := a["items"].([]any)[0].(map[string]any)
	if device["has_key"] != true {
		t.Fatalf("no key was bound: %v", device)
	}
	if status, a := c.do(t, "PATCH", "/devices/"+device["id"].(string), map[string]any{"name": "The till"}, nil); status != 204 {
		t.Fatalf("renaming: %d %v", status, a)
	}
	c.token = ""
	for range 2 {
		if _, a = c.do(t, "POST", "/sign-in", password, proof()); a["status"] != "signed_in" {
			t.Fatalf("with its key the device is asked: %v", a)
		}
	}
	c.token, c.flow = "", "flow-2"
	_, a = c.do(t, "POST", "/sign-in", password, nil)
	if a["status"] != "code_required" || a["challenge"].(map[string]any)["reason"] != "key-missing" {
		t.Fatalf("the token alone gives %v", a)
	}
	_, a = c.do(t, "POST", "/sign-in", password, proof())
	c.token = a["session"].(map[string]any)["token"].(string)
	if status, a := c.do(t, "POST", "/sessions/report-misuse", nil, nil); status != 204 {
		t.Fatalf("reporting misuse: %d %v", status, a)
	}
	if status, _ := c.do(t, "GET", "/session", nil, nil); status != 401 {
		t.Fatalf("after it the session answers %d", status)
	}
	c.token, c.flow = "", "flow-3"
	if _, a = c.do(t, "POST", "/sign-in", password, proof()); a["status"] != "code_required" {
		t.Fatalf("after it the device is still known: %v", a)
	}
}
