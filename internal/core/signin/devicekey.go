package signin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
	"time"
)

// A browser that can holds a key pair whose private half no script can read out
// (W3C Web Cryptography, extractable: false). Its public half is bound to the
// trust of a member in the device, and from then on the device's cookie counts
// only together with a signature under it: whoever copies the cookie has
// nothing. What is signed contains a nonce of ours, so that each proof counts
// once, in one flow, and for five minutes.

const (
	// nonceAge is how old a nonce may be, and how far ahead of this process's
	// clock the one may be that made it.
	nonceAge = 5 * time.Minute
	// keepNonces is how long a used one is remembered: as long as any process
	// whose clock is within nonceAge of ours could still take it.
	keepNonces = 4 * nonceAge

	nonceTime, nonceRandom, nonceMAC = 8, 16, 16 // bytes: microseconds, random, who made it
	nonceLength                      = nonceTime + nonceRandom + nonceMAC
	signatureLength                  = 64  // bytes: r and s, as IEEE P1363 and Web Cryptography have them
	maxDeviceKey                     = 256 // characters; a real one has 122
	maxDeviceProof                   = 256 // characters; a real one has 141
)

// proofContext begins what a device signs, so that its key can be made to sign
// nothing else by mistake.
const proofContext = "standfast-device-proof-1"

// Nonce is what a device signs to show that it holds its key.
type Nonce struct {
	Value     string
	ExpiresAt time.Time
}

// DeviceNonce makes a nonce for one attempt to sign in. It is bound to the
// client's flow and needs no storage.
func (s *Service) DeviceNonce(c Client) Nonce {
	now := s.now()
	n := make([]byte, nonceTime+nonceRandom, nonceLength)
	binary.BigEndian.PutUint64(n, uint64(now.UnixMicro()))
	_, _ = rand.Read(n[nonceTime:]) // never fails (crypto/rand)
	n = append(n, s.nonceMAC(n, c)...)
	return Nonce{Value: base64.RawURLEncoding.EncodeToString(n), ExpiresAt: now.Add(nonceAge)}
}

func (s *Service) nonceMAC(n []byte, c Client) []byte {
	return s.key.Fingerprint("signin.device-nonce", append(bytes.Clone(n), c.FlowID...))[:nonceMAC]
}

// goodNonce tells whether a nonce is ours, of this flow, and of now.
func (s *Service) goodNonce(n []byte, c Client) bool {
	if len(n) != nonceLength {
		return false
	}
	body, mac := n[:nonceLength-nonceMAC], n[nonceLength-nonceMAC:]
	if subtle.ConstantTimeCompare(mac, s.nonceMAC(body, c)) != 1 {
		return false
	}
	made := time.UnixMicro(int64(binary.BigEndian.Uint64(n)))
	return s.now().Sub(made).Abs() <= nonceAge
}

// possession is a proof as a client sent it. Whose key it proves is not looked
// at yet; see by.
type possession struct {
	sent      bool     // something was
	nonce     []byte   // nil unless it is ours, of this flow, and of now
	digest    [32]byte // SHA-256 of what was signed
	signature []byte
	key       []byte // SubjectPublicKeyInfo of the key that the client wants bound, or nil
}

// possession reads what the client shows. What cannot be read proves nothing,
// and is no error: the answer to it is a fresh code.
func (s *Service) possession(c Client) (p possession) {
	p.sent = c.DeviceProof != ""
	if len(c.DeviceProof) > maxDeviceProof || len(c.DeviceKey) > maxDeviceKey {
		return p
	}
	first, second, _ := strings.Cut(c.DeviceProof, ".")
	nonce, err := base64.RawURLEncoding.Strict().DecodeString(first)
	signature, err2 := base64.RawURLEncoding.Strict().DecodeString(second)
	if errors.Join(err, err2) != nil || !s.goodNonce(nonce, c) {
		return p
	}
	p.nonce, p.signature = nonce, signature
	p.digest = sha256.Sum256([]byte(proofContext + "\n" + s.conf.Cell + "\n" + first))
	if key, err := base64.RawURLEncoding.Strict().DecodeString(c.DeviceKey); err == nil && len(key) > 0 {
		p.key = key
	}
	return p
}

// by tells whether the proof is one of the key.
func (p possession) by(spki []byte) bool {
	if p.nonce == nil || len(p.signature) != signatureLength {
		return false
	}
	key, err := deviceKey(spki)
	if err != nil {
		return false
	}
	r, s := new(big.Int).SetBytes(p.signature[:32]), new(big.Int).SetBytes(p.signature[32:])
	return ecdsa.Verify(key, p.digest[:], r, s)
}

// offers tells whether the client shows a key together with the proof that it holds it.
func (p possession) offers() bool { return p.key != nil && p.by(p.key) }

var errDeviceKey = errors.New("signin: a device's key is on the curve P-256")

// deviceKey reads a public key. Only one form of it is accepted, so that a key
// has one thumbprint.
func deviceKey(spki []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errDeviceKey
	}
	canonical, err := x509.MarshalPKIXPublicKey(key)
	if err != nil || !bytes.Equal(canonical, spki) {
		return nil, errDeviceKey
	}
	return key, nil
}

// thumbprint names a public key in records: SHA-256 of its SubjectPublicKeyInfo.
func thumbprint(spki []byte) string {
	if len(spki) == 0 {
		return ""
	}
	sum := sha256.Sum256(spki)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
