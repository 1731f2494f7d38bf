package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"standfast/internal/fault"
	"standfast/internal/token"
)

// StandInConfig is what a core knows of its cell's stand-in: the public halves of
// the keys that `standfast standin --keys` prints.
type StandInConfig struct {
	PublicKey string `toml:"public_key"` // Ed25519, of the sessions that it signs; base64url
	SealKey   string `toml:"seal_key"`   // X25519, to which password verifiers are sealed; base64url; empty: none are sent
}

const keyBytes = 32 // of Ed25519 and of X25519

func (c Config) checkStandIn(no func(key, why string)) {
	for name, v := range map[string]string{"standin.public_key": c.StandIn.PublicKey, "standin.seal_key": c.StandIn.SealKey} {
		if raw, err := base64.RawURLEncoding.DecodeString(v); v != "" && (err != nil || len(raw) != keyBytes) {
			no(name, "is a public key as `standfast standin --keys` prints it")
		}
	}
}

// guests gives the keys of other processes whose sessions core honours. A key's
// name follows from the key, so that both sides have the same one.
func (c StandInConfig) guests() ([]token.PublicKey, error) {
	if c.PublicKey == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.PublicKey)
	if err != nil || len(raw) != keyBytes {
		return nil, fault.New(fault.Invalid, "config.standin", "standin.public_key is no Ed25519 key.")
	}
	return []token.PublicKey{{ID: GuestKeyID(raw), Key: ed25519.PublicKey(raw)}}, nil
}

// GuestKeyID names the key of a stand-in in the tokens that it signs.
func GuestKeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return "standin-" + hex.EncodeToString(sum[:])[:16]
}
