package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

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

// What a hash from outside may cost us to check at most.
const (
	maxMemoryKiB   = 256 * 1024
	maxPasses      = 16
	maxParallelism = 16
)

var errPHC = errors.New("signin: not a password hash that is supported (argon2id in PHC form)")

// phc is a password hash as a PHC string names it.
type phc struct {
	params HashParams
	salt   []byte
	key    []byte
}

// hashPassword makes a new hash at the given costs.
func hashPassword(password string, p HashParams) phc {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	return phc{p, salt, argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, p.Parallelism, keySize)}
}

// matches tells whether the hash is the password's.
func (h phc) matches(password string) bool {
	key := argon2.IDKey([]byte(password), h.salt, h.params.Passes, h.params.MemoryKiB, h.params.Parallelism, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1
}

// String gives the PHC form.
func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$%s$%s$%s", argon2.Version, h.params, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// parsePHC reads a PHC string of argon2id, as
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > maxPHC || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, errPHC
	}
	var h phc
	p := &h.params
	_, err := fmt.Sscanf(parts[3], costs, &p.MemoryKiB, &p.Passes, &p.Parallelism)
	if err != nil || parts[3] != p.String() { // Sscanf overlooks what follows
		return phc{}, errPHC
	}
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil {
		return phc{}, errPHC
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil {
		return phc{}, errPHC
	}
	if !h.sane() {
		return phc{}, errPHC
	}
	return h, nil
}

// sane holds a hash to RFC 9106 §3.1 and to our limits. At least 8 KiB a lane
// are needed, else argon2 would raise the memory by itself.
func (h phc) sane() bool {
	p := h.params
	return p.Passes >= 1 && p.Passes <= maxPasses &&
		p.Parallelism >= 1 && p.Parallelism <= maxParallelism &&
		p.MemoryKiB >= 8*uint32(p.Parallelism) && p.MemoryKiB <= maxMemoryKiB &&
		len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.key) >= 16 && len(h.key) <= 64
}
