// Package entry decides who comes: it reads the sessions and devices that core
// and this stand-in have signed, and lets in whoever proves to be a member on a
// browser that the member trusts. It never makes a browser a trusted one, never
// sends a code and never changes a credential.
package entry

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"standfast/internal/fault"
	"standfast/internal/token"
)

// Keys are the stand-in's private keys: one signs sessions, the other opens the
// password verifiers that core seals.
type Keys struct {
	signing ed25519.PrivateKey
	sealing *ecdh.PrivateKey
}

type keyFile struct {
	Signing string `json:"signing"` // seed of Ed25519, base64url
	Sealing string `json:"sealing"` // X25519, base64url
}

// LoadKeys reads the file with the keys, and makes it where there is none.
func LoadKeys(path string) (Keys, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKeys(path)
	}
	if err != nil {
		return Keys{}, badKeys(path, err)
	}
	var f keyFile
	if err := json.Unmarshal(b, &f); err != nil {
		return Keys{}, badKeys(path, err)
	}
	seed, err := base64.RawURLEncoding.DecodeString(f.Signing)
	if err != nil || len(seed) != ed25519.SeedSize {
		return Keys{}, badKeys(path, err)
	}
	secret, err := base64.RawURLEncoding.DecodeString(f.Sealing)
	if err != nil {
		return Keys{}, badKeys(path, err)
	}
	sealing, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		return Keys{}, badKeys(path, err)
	}
	return Keys{ed25519.NewKeyFromSeed(seed), sealing}, nil
}

func badKeys(path string, cause error) error {
	return fault.Wrap(fault.Invalid, "config.keys", "The file with the stand-in's keys cannot be used: "+path, cause)
}

func makeKeys(path string) (Keys, error) {
	_, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		return Keys{}, err
	}
	sealing, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, err
	}
	b, err := json.Marshal(keyFile{base64.RawURLEncoding.EncodeToString(signing.Seed()), base64.RawURLEncoding.EncodeToString(sealing.Bytes())})
	if err != nil {
		return Keys{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Keys{}, badKeys(path, err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Keys{}, badKeys(path, err)
	}
	return Keys{signing, sealing}, nil
}

// Public gives the lines that core's configuration needs under [standin].
func (k Keys) Public() string {
	return fmt.Sprintf("public_key = %q\nseal_key = %q\n", base64.RawURLEncoding.EncodeToString(k.public()),
		base64.RawURLEncoding.EncodeToString(k.sealing.PublicKey().Bytes()))
}

func (k Keys) public() ed25519.PublicKey { return k.signing.Public().(ed25519.PublicKey) }

// id names the signing key in tokens. Core makes the same name of the public half.
func (k Keys) id() string {
	sum := sha256.Sum256(k.public())
	return "standin-" + hex.EncodeToString(sum[:])[:16]
}

func (k Keys) signer() token.Signer { return token.Signer{ID: k.id(), Key: k.signing} }

func (k Keys) own() token.PublicKey { return token.PublicKey{ID: k.id(), Key: k.public()} }

// openVerifier opens a member's password hash (RFC 9180, base mode). The version
// is bound to it, so that an older one cannot be put into a newer one's place.
func (k Keys) openVerifier(cell, memberID string, version int64, sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", err
	}
	key, err := hpke.NewDHKEMPrivateKey(k.sealing)
	if err != nil {
		return "", err
	}
	info := fmt.Sprintf("standfast-verifier-1|%s|%s|%d", cell, memberID, version)
	phc, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(info), raw)
	return string(phc), err
}
