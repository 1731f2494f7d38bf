package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// verifier is a stored password hash, of any scheme that an issuer may bring along.
type verifier interface {
	// matches tells whether the hash is the password's, in constant time.
	matches(password string) bool
	// current tells whether a new hash would have the same scheme and costs.
	current(p HashParams) bool
	// String gives the form that is stored and that parsePHC reads.
	String() string
}

// HashParams are the costs of argon2id (RFC 9106) for new password hashes. A
// hash with other costs is replaced when its member next signs in.
type HashParams struct {
	MemoryKiB   uint32
	Passes      uint32
	Parallelism uint8
}

// defaultHash is OWASP's recommendation for argon2id with the least memory that
// it gives for two passes: 19 MiB. On one core of a small server it takes 15 to 30 ms.
func defaultHash() HashParams { return HashParams{MemoryKiB: 19 * 1024, Passes: 2, Parallelism: 1} }

const costs = "m=%d,t=%d,p=%d"

// String gives the costs as a PHC string names them.
func (p HashParams) String() string {
	return fmt.Sprintf(costs, p.MemoryKiB, p.Passes, p.Parallelism)
}

const (
	saltSize = 16 // bytes, RFC 9106 §3.1
	keySize  = 32 // bytes
	maxPHC   = 512
)

// What a hash from outside may cost us to check at most, and the salts and keys
// that are of use.
const (
	maxMemoryKiB   = 256 * 1024
	maxPasses      = 16
	maxParallelism = 16

	minSalt, maxSalt = 8, 64  // bytes
	minKey, maxKey   = 16, 64 // bytes
)

var errPHC = errors.New("signin: not a password hash that is supported (argon2, bcrypt or PBKDF2 in PHC form)")

// parsePHC reads a stored hash:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>   and argon2i
//	$2b$12$<salt and key>                         bcrypt, also $2a$ and $2y$
//	$pbkdf2-sha256$i=600000,l=32$<salt>$<key>     and -sha512 and -sha1; the rounds may stand bare
func parsePHC(s string) (verifier, error) {
	if len(s) > maxPHC || !strings.HasPrefix(s, "$") {
		return nil, errPHC
	}
	parts := strings.Split(s[1:], "$")
	switch scheme := parts[0]; {
	case strings.HasPrefix(scheme, "argon2"):
		return parseArgon2(parts)
	case strings.HasPrefix(scheme, "2"):
		return parseBcrypt(s)
	case strings.HasPrefix(scheme, "pbkdf2"):
		return parsePBKDF2(parts)
	}
	return nil, errPHC
}

// argon2Hash is a hash by argon2id, or argon2i from outside (RFC 9106).
type argon2Hash struct {
	scheme string // "argon2id" or "argon2i"
	params HashParams
	salt   []byte
	key    []byte
}

const ourScheme = "argon2id"

// hashPassword makes a new hash at the given costs.
func hashPassword(password string, p HashParams) argon2Hash {
	h := argon2Hash{scheme: ourScheme, params: p, salt: make([]byte, saltSize)}
	_, _ = rand.Read(h.salt) // never fails (crypto/rand)
	h.key = h.derive(password, keySize)
	return h
}

func (h argon2Hash) derive(password string, size int) []byte {
	kdf := argon2.IDKey
	if h.scheme != ourScheme {
		kdf = argon2.Key // argon2i
	}
	return kdf([]byte(password), h.salt, h.params.Passes, h.params.MemoryKiB, h.params.Parallelism, uint32(size))
}

func (h argon2Hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1
}

func (h argon2Hash) current(p HashParams) bool { return h.scheme == ourScheme && h.params == p }

func (h argon2Hash) String() string {
	return "$" + h.scheme + "$v=" + strconv.Itoa(argon2.Version) + "$" + h.params.String() + "$" + b64.EncodeToString(h.salt) + "$" + b64.EncodeToString(h.key)
}

var b64 = base64.RawStdEncoding.Strict()

func parseArgon2(parts []string) (verifier, error) {
	if len(parts) != 5 || parts[0] != ourScheme && parts[0] != "argon2i" || parts[1] != "v=19" {
		return nil, errPHC
	}
	h := argon2Hash{scheme: parts[0]}
	p := &h.params
	_, err := fmt.Sscanf(parts[2], costs, &p.MemoryKiB, &p.Passes, &p.Parallelism)
	if err != nil || parts[2] != p.String() { // Sscanf overlooks what follows
		return nil, errPHC
	}
	if h.salt, h.key, err = saltAndKey(parts[3], parts[4]); err != nil || !p.sane() {
		return nil, errPHC
	}
	return h, nil
}

// sane holds costs to RFC 9106 §3.1 and to our limits. At least 8 KiB a lane are
// needed, else argon2 would raise the memory by itself.
func (p HashParams) sane() bool {
	return p.Passes >= 1 && p.Passes <= maxPasses &&
		p.Parallelism >= 1 && p.Parallelism <= maxParallelism &&
		p.MemoryKiB >= 8*uint32(p.Parallelism) && p.MemoryKiB <= maxMemoryKiB
}

// saltAndKey reads both and holds them to their limits.
func saltAndKey(salt, key string) (s, k []byte, err error) {
	if s, err = b64.DecodeString(salt); err != nil {
		return nil, nil, errPHC
	}
	if k, err = b64.DecodeString(key); err != nil {
		return nil, nil, errPHC
	}
	if len(s) < minSalt || len(s) > maxSalt || len(k) < minKey || len(k) > maxKey {
		return nil, nil, errPHC
	}
	return s, k, nil
}
