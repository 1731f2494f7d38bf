// Package softkey is a WebAuthn authenticator and its browser in software. Tests,
// benchmarks and game days sign in with it where no browser runs; with Tamper it
// answers as an attacker would.
package softkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// Flags of authenticator data (WebAuthn §6.1).
const (
	UserPresent    byte = 0x01
	UserVerified   byte = 0x04
	BackupEligible byte = 0x08
	BackedUp       byte = 0x10
	attested       byte = 0x40
)

// Authenticator holds keys, each for one relying party and user. It is for one
// goroutine.
type Authenticator struct {
	Synced  bool   // its keys are on several devices, so they do not count
	Counts  bool   // it counts signatures; a synced one never does
	Counter uint32 // last count
	Tamper  func(*Answer)
	keys    []key
}

type key struct {
	rpID       string
	id, handle []byte
	secret     *ecdsa.PrivateKey
}

// Answer is what is about to be signed and sent.
type Answer struct {
	Type, Challenge, Origin string // of the client data
	CrossOrigin             bool
	RPID                    string // whose hash is signed
	Flags                   byte
	Counter                 uint32
	ID, Handle              []byte
	Sign                    *ecdsa.PrivateKey // nil: the registration, which is not signed
}

var errNoKey = errors.New("softkey: no key for this")

// options is what is read of what a page hands to navigator.credentials.
type options struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		User      struct{ ID string }
		Allow     []struct{ ID string } `json:"allowCredentials"`
		Exclude   []struct{ ID string } `json:"excludeCredentials"`
	} `json:"publicKey"`
}

// Create answers navigator.credentials.create at an origin.
func (a *Authenticator) Create(opts []byte, origin string) ([]byte, error) {
	var o options
	if err := json.Unmarshal(opts, &o); err != nil {
		return nil, err
	}
	for _, e := range o.PublicKey.Exclude {
		if a.find(o.PublicKey.RP.ID, decode(e.ID)) != nil {
			return nil, errors.New("softkey: has a key of this user already")
		}
	}
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	k := key{rpID: o.PublicKey.RP.ID, id: make([]byte, 32), handle: decode(o.PublicKey.User.ID), secret: secret}
	_, _ = rand.Read(k.id) // never fails (crypto/rand)
	a.keys = append(a.keys, k)
	ans := a.answer("webauthn.create", o.PublicKey.Challenge, origin, k)
	ans.Flags |= attested
	if a.Tamper != nil {
		a.Tamper(&ans)
	}
	data := slices.Concat(ans.data(), make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(ans.ID))), ans.ID, coseKey(&secret.PublicKey))
	return ans.message(map[string]any{"attestationObject": encode(attestation(data)), "transports": []string{"internal"}})
}

// Get answers navigator.credentials.get at an origin, with its newest key that fits.
func (a *Authenticator) Get(opts []byte, origin string) ([]byte, error) {
	var o options
	if err := json.Unmarshal(opts, &o); err != nil {
		return nil, err
	}
	k := a.choose(o)
	if k == nil {
		return nil, errNoKey
	}
	if a.Counts && !a.Synced {
		a.Counter++
	}
	ans := a.answer("webauthn.get", o.PublicKey.Challenge, origin, *k)
	ans.Sign = k.secret
	if a.Tamper != nil {
		a.Tamper(&ans)
	}
	client := sha256.Sum256(ans.clientData())
	digest := sha256.Sum256(append(ans.data(), client[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, ans.Sign, digest[:])
	if err != nil {
		return nil, err
	}
	return ans.message(map[string]any{"authenticatorData": encode(ans.data()), "signature": encode(signature), "userHandle": encode(ans.Handle)})
}

func (a *Authenticator) choose(o options) *key {
	if len(o.PublicKey.Allow) == 0 {
		for i := range slices.Backward(a.keys) {
			if a.keys[i].rpID == o.PublicKey.RPID {
				return &a.keys[i]
			}
		}
	}
	for _, e := range o.PublicKey.Allow {
		if k := a.find(o.PublicKey.RPID, decode(e.ID)); k != nil {
			return k
		}
	}
	return nil
}

func (a *Authenticator) find(rpID string, id []byte) *key {
	for i, k := range a.keys {
		if k.rpID == rpID && bytes.Equal(k.id, id) {
			return &a.keys[i]
		}
	}
	return nil
}

func (a *Authenticator) answer(ceremony, challenge, origin string, k key) Answer {
	ans := Answer{Type: ceremony, Challenge: challenge, Origin: origin, RPID: k.rpID, Flags: UserPresent | UserVerified, Counter: a.Counter, ID: k.id, Handle: k.handle}
	if a.Synced {
		ans.Flags |= BackupEligible | BackedUp
	}
	return ans
}

func (ans Answer) clientData() []byte {
	raw, err := json.Marshal(map[string]any{"type": ans.Type, "challenge": ans.Challenge, "origin": ans.Origin, "crossOrigin": ans.CrossOrigin})
	if err != nil {
		panic("softkey: " + err.Error()) // only of types that cannot be written
	}
	return raw
}

// data is the authenticator data up to the attested credential.
func (ans Answer) data() []byte {
	rp := sha256.Sum256([]byte(ans.RPID))
	return binary.BigEndian.AppendUint32(append(rp[:], ans.Flags), ans.Counter)
}

// message is the answer as PublicKeyCredential.toJSON gives it.
func (ans Answer) message(response map[string]any) ([]byte, error) {
	response["clientDataJSON"] = encode(ans.clientData())
	return json.Marshal(map[string]any{
		"id": encode(ans.ID), "rawId": encode(ans.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
}

// coseKey writes a P-256 key as COSE_Key (RFC 9053 §7.1.1).
func coseKey(k *ecdsa.PublicKey) []byte {
	point, err := k.Bytes() // 0x04, x, y
	if err != nil {
		panic("softkey: " + err.Error()) // only of a key that is on no curve
	}
	x, y := point[1:33], point[33:]
	return slices.Concat([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, x, []byte{0x22, 0x58, 0x20}, y)
}

// attestation wraps authenticator data in an attestation object that attests
// nothing (WebAuthn §8.7), written in CBOR.
func attestation(data []byte) []byte {
	return slices.Concat([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), binary.BigEndian.AppendUint16(nil, uint16(len(data))), data)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// Key gives the newest key as an Answer holds it, for Tamper of another
// authenticator.
func (a *Authenticator) Key() Answer {
	k := a.keys[len(a.keys)-1]
	return Answer{ID: k.id, Handle: k.handle, RPID: k.rpID, Sign: k.secret}
}
