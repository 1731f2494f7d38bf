// Package token makes and reads the signed tokens of sessions and devices
// (PASETO v4.public), and answers whether one still holds, without a database.
package token

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"aidanwoods.dev/go-paseto"
)

// The kinds of token. One kind is never accepted as the other.
const (
	KindSession = "session"
	KindDevice  = "device"
)

// Claims is what a token says. Of a device only Kind, ID, IssuedAt and Expires
// are set: a device's identity has one size, whoever trusts it.
type Claims struct {
	Kind            string
	ID              string // of the session or the device
	MemberID        string
	DeviceID        string
	IssuedAt        time.Time
	AuthenticatedAt time.Time
	ProvedAt        time.Time // last code or passkey; zero for none
	Idle            time.Time // no longer good from then on, unless minted again
	Expires         time.Time // no longer good from then on, whatever happens
	Methods         []string
}

// wire is the JSON form of Claims. Registered names of PASETO are used where
// it has them; times are microseconds, because a device's are compared to those
// of its record.
type wire struct {
	Kind            string   `json:"knd"`
	ID              string   `json:"jti"`
	MemberID        string   `json:"sub,omitempty"`
	DeviceID        string   `json:"dev,omitempty"`
	IssuedAt        int64    `json:"ist"`
	AuthenticatedAt int64    `json:"ath,omitempty"`
	ProvedAt        int64    `json:"prv,omitempty"`
	Idle            int64    `json:"idl,omitempty"`
	Expires         int64    `json:"end"`
	Methods         []string `json:"amr,omitempty"`
}

// MaxLength bounds what Read looks at, in bytes. Real tokens have about 500.
const MaxLength = 2048

// ErrInvalid is any token that these keys did not sign: forged, cut, of another
// cell, or no token at all.
var ErrInvalid = errors.New("token: invalid")

// UnknownKeyError is a token under a key that the ring does not hold. It may be
// forged, or come from a process whose key has not been seen yet.
type UnknownKeyError struct{ KeyID string }

func (e *UnknownKeyError) Error() string { return "token: unknown key " + e.KeyID }

// PublicKey verifies the tokens that name its id.
type PublicKey struct {
	ID  string
	Key ed25519.PublicKey
	// Guest is set for the key of another process, whose tokens are sessions that
	// last no longer than this; any other token under it is invalid.
	Guest time.Duration
}

// Signer is the key under which new tokens are made.
type Signer struct {
	ID  string
	Key ed25519.PrivateKey
}

// Keyring holds the public keys by id and the key that signs. Its methods may
// be called at once with Replace.
type Keyring struct {
	domain []byte
	mu     sync.RWMutex
	keys   map[string]verifier
	signer *paseto.V4AsymmetricSecretKey
	footer []byte
	read   *cache[Claims]
}

// NewKeyring makes an empty ring. Tokens of another domain (the name of the
// cell) do not verify, even under the same key. Results of up to remember
// verified tokens are kept, because verifying costs more than a request should.
func NewKeyring(domain string, remember int) *Keyring {
	return &Keyring{domain: []byte("standfast/" + domain), read: newCache[Claims](remember)}
}

// Replace sets the keys. Tokens under a key that is gone are no longer read. A
// ring with the zero Signer reads and cannot sign.
func (r *Keyring) Replace(keys []PublicKey, signer Signer) error {
	public := make(map[string]verifier, len(keys))
	for _, k := range keys {
		p, err := paseto.NewV4AsymmetricPublicKeyFromEd25519(k.Key)
		if err != nil {
			return fmt.Errorf("token: public key %s: %w", k.ID, err)
		}
		public[k.ID] = verifier{p, k.Guest}
	}
	var secret *paseto.V4AsymmetricSecretKey
	if signer.Key != nil {
		k, err := paseto.NewV4AsymmetricSecretKeyFromEd25519(signer.Key)
		if err != nil {
			return fmt.Errorf("token: signing key %s: %w", signer.ID, err)
		}
		secret = &k
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.keys {
		if k, stays := public[id]; !stays || k.guest != r.keys[id].guest {
			r.read.clear()
			break
		}
	}
	r.keys, r.signer, r.footer = public, secret, footer(signer.ID)
	return nil
}

// Sign makes a token.
func (r *Keyring) Sign(c Claims) (string, error) {
	r.mu.RLock()
	key, foot := r.signer, r.footer
	r.mu.RUnlock()
	if key == nil {
		return "", errors.New("token: no signing key")
	}
	body, err := json.Marshal(c.wire())
	if err != nil {
		return "", err
	}
	t, err := paseto.NewTokenFromClaimsJSON(body, foot)
	if err != nil {
		return "", err
	}
	return t.V4Sign(*key, r.domain), nil
}

// Read verifies who made a token and gives what it says, times unchecked (see
// Revocations.Check). Errors are ErrInvalid or an *UnknownKeyError. The
// Methods of the claims are shared and must not be changed.
func (r *Keyring) Read(tok string) (Claims, error) {
	if c, ok := r.read.get(tok); ok {
		return c, nil
	}
	if len(tok) > MaxLength {
		return Claims{}, ErrInvalid
	}
	id, err := keyID(tok)
	if err != nil {
		return Claims{}, err
	}
	// Held while verifying, so that a result under a key that Replace removes
	// is not remembered after it.
	r.mu.RLock()
	defer r.mu.RUnlock()
	key, ok := r.keys[id]
	if !ok {
		return Claims{}, &UnknownKeyError{KeyID: id}
	}
	c, err := verify(key.key, tok, r.domain)
	if err == nil && !key.admits(c) {
		err = ErrInvalid
	}
	if err != nil {
		return Claims{}, err
	}
	r.read.put(tok, c)
	return c, nil
}

// verifier is a public key, and what is held against tokens under it.
type verifier struct {
	key   paseto.V4AsymmetricPublicKey
	guest time.Duration
}

// admits tells whether the key's process may make such a token.
func (v verifier) admits(c Claims) bool {
	return v.guest == 0 || c.Kind == KindSession && !c.Expires.After(c.AuthenticatedAt.Add(v.guest))
}

// Public gives the keys under which tokens are read, by their ids.
func (r *Keyring) Public() []PublicKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]PublicKey, 0, len(r.keys))
	for _, id := range slices.Sorted(maps.Keys(r.keys)) {
		k := r.keys[id]
		list = append(list, PublicKey{ID: id, Key: k.key.ExportBytes(), Guest: k.guest})
	}
	return list
}

// Remembered gives how many verified tokens are in memory, for metrics.
func (r *Keyring) Remembered() int { return r.read.len() }

func verify(key paseto.V4AsymmetricPublicKey, tok string, domain []byte) (Claims, error) {
	t, err := paseto.NewParserWithoutExpiryCheck().ParseV4Public(key, tok, domain)
	if err != nil {
		return Claims{}, ErrInvalid
	}
	var w wire
	if err := json.Unmarshal(t.ClaimsJSON(), &w); err != nil {
		return Claims{}, ErrInvalid
	}
	return w.claims(), nil
}

type foot struct {
	KeyID string `json:"kid"`
}

// footer names the key as PASETO's registered claim "kid" does.
func footer(id string) []byte {
	b, _ := json.Marshal(foot{id}) // a struct of one string always has a JSON form
	return b
}

// keyID reads the key's name, which nobody has verified yet.
func keyID(tok string) (string, error) {
	raw, err := paseto.NewParserWithoutExpiryCheck().UnsafeParseFooter(paseto.V4Public, tok)
	if err != nil {
		return "", ErrInvalid
	}
	var f foot
	if err := json.Unmarshal(raw, &f); err != nil || f.KeyID == "" {
		return "", ErrInvalid
	}
	return f.KeyID, nil
}

func (c Claims) wire() wire {
	return wire{
		Kind: c.Kind, ID: c.ID, MemberID: c.MemberID, DeviceID: c.DeviceID,
		IssuedAt: micros(c.IssuedAt), AuthenticatedAt: micros(c.AuthenticatedAt), ProvedAt: micros(c.ProvedAt),
		Idle: micros(c.Idle), Expires: micros(c.Expires), Methods: c.Methods,
	}
}

func (w wire) claims() Claims {
	return Claims{
		Kind: w.Kind, ID: w.ID, MemberID: w.MemberID, DeviceID: w.DeviceID,
		IssuedAt: instant(w.IssuedAt), AuthenticatedAt: instant(w.AuthenticatedAt), ProvedAt: instant(w.ProvedAt),
		Idle: instant(w.Idle), Expires: instant(w.Expires), Methods: w.Methods,
	}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
