package entry

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"standfast/internal/standin/feed"
	"standfast/internal/token"
)

// The proof of a device's key: docs/decisions/0009 says what is signed. A nonce
// is ours alone; one of core's proves nothing here, and the page gives a new one.
const (
	nonceAge        = 5 * time.Minute
	nonceBody       = 24 // bytes: time in microseconds, 16 random
	nonceMAC        = 16
	maxProof        = 256 // characters; a real one has 141
	signatureLength = 64  // r and s, as IEEE P1363 has them
)

// Nonce makes what a device signs in one attempt to sign in.
func (d *Desk) Nonce(flow string) string {
	n := make([]byte, nonceBody, nonceBody+nonceMAC)
	binary.BigEndian.PutUint64(n, uint64(d.Now().UnixMicro()))
	_, _ = rand.Read(n[8:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(append(n, d.mac("nonce", n, flow)...))
}

func (d *Desk) mac(purpose string, body []byte, flow string) []byte {
	h := hmac.New(sha256.New, d.Own.Secret())
	h.Write([]byte(purpose + "\n"))
	h.Write(body)
	h.Write([]byte(flow))
	return h.Sum(nil)[:nonceMAC]
}

func (d *Desk) goodNonce(n []byte, flow string) bool {
	if len(n) != nonceBody+nonceMAC || !hmac.Equal(n[nonceBody:], d.mac("nonce", n[:nonceBody], flow)) {
		return false
	}
	return d.Now().Sub(time.UnixMicro(int64(binary.BigEndian.Uint64(n)))).Abs() <= nonceAge
}

// proves tells whether a proof is one of a public key, in this flow, of now; and
// the nonce that it uses up.
func (d *Desk) proves(proof, flow string, spki []byte) (nonce string, ok bool) {
	nonce, sig, _ := strings.Cut(proof, ".")
	raw, err1 := base64.RawURLEncoding.Strict().DecodeString(nonce)
	signature, err2 := base64.RawURLEncoding.Strict().DecodeString(sig)
	if len(proof) > maxProof || err1 != nil || err2 != nil || len(signature) != signatureLength || !d.goodNonce(raw, flow) {
		return "", false
	}
	parsed, err := x509.ParsePKIXPublicKey(spki)
	key, isEC := parsed.(*ecdsa.PublicKey)
	if err != nil || !isEC || key.Curve != elliptic.P256() {
		return "", false
	}
	sum := sha256.Sum256([]byte("standfast-device-proof-1\n" + d.Cell + "\n" + nonce))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return nonce, ecdsa.Verify(key, sum[:], r, s)
}

// codeEvery is how long after the last code a trusted browser is asked for one
// all the same (RTS (EU) 2018/389 Art 10(2)(b); gb: the FCA's 90 days).
func (d *Desk) codeEvery() time.Duration {
	switch d.Rules {
	case "gb":
		return 90 * 24 * time.Hour
	case "eu":
		return 180 * 24 * time.Hour
	}
	return 0
}

// trusted is a browser that a member trusts and that has proved to be it.
type trusted struct {
	deviceID string
	keyed    bool
	nonce    string
}

// trust tells whether the browser that comes is one that a member trusts.
func (d *Desk) trust(ctx context.Context, memberID string, c Client) (t trusted, ok bool, err error) {
	claims, err := d.ring.Read(c.DeviceToken)
	if err != nil || claims.Kind != token.KindDevice || !d.Now().Before(claims.Expires) {
		return t, false, nil // what cannot be read is no trusted browser
	}
	list, err := d.Known.ByKey(ctx, feed.Device, claims.ID)
	if err != nil {
		return t, false, err
	}
	for _, r := range list {
		var b feed.DeviceBody
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return t, false, err
		}
		if b.MemberID == memberID && d.stands(b, claims) {
			t.deviceID = claims.ID
			return d.keyed(t, b, c)
		}
	}
	return t, false, nil
}

func (d *Desk) stands(b feed.DeviceBody, c token.Claims) bool {
	now := d.Now()
	due := d.codeEvery() > 0 && (b.GrantedAt == nil || now.Sub(*b.GrantedAt) >= d.codeEvery())
	return now.Before(b.TrustedUntil) && !c.IssuedAt.Before(b.TrustedFrom) && !due
}

// keyed asks for the proof of the key where one is bound, or the law wants one
// (EBA-Op-2019-06, 26).
func (d *Desk) keyed(t trusted, b feed.DeviceBody, c Client) (trusted, bool, error) {
	if len(bytes.TrimSpace(b.PublicKey)) == 0 {
		return t, d.Rules == "us", nil
	}
	t.nonce, t.keyed = d.proves(c.DeviceProof, c.FlowID, b.PublicKey)
	return t, t.keyed, nil
}
