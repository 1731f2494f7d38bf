package entry

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"standfast/internal/fault"
)

// matcher tells whether a password is the one that was hashed, in constant time.
type matcher func(password string) bool

// What a hash may cost us to check at most; core takes none that costs more.
const (
	maxPHC        = 512
	maxMemoryKiB  = 256 * 1024
	maxPasses     = 16
	maxLanes      = 16
	maxBcryptCost = 15
	maxRounds     = 2_000_000

	minSalt, maxSalt = 8, 64  // bytes
	minKey, maxKey   = 16, 64 // bytes
)

// parseHash reads what core keeps of a password: a hash by argon2id, or one that
// an issuer has brought along and that its member's next sign-in at core replaces.
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>   and argon2i (RFC 9106)
//	$2b$12$<salt and key>                         bcrypt, also $2a$ and $2y$
//	$pbkdf2-sha256$i=600000,l=32$<salt>$<key>     and -sha512 and -sha1; the rounds may stand bare
func parseHash(phc string) (m matcher, ok bool) {
	if len(phc) > maxPHC || !strings.HasPrefix(phc, "$") {
		return nil, false
	}
	parts := strings.Split(phc[1:], "$")
	switch scheme := parts[0]; {
	case strings.HasPrefix(scheme, "argon2"):
		return argon2Hash(parts)
	case strings.HasPrefix(scheme, "2"):
		return bcryptHash(phc, scheme)
	case strings.HasPrefix(scheme, "pbkdf2"):
		return pbkdf2Hash(parts)
	}
	return nil, false
}

const costs = "m=%d,t=%d,p=%d"

func argon2Hash(parts []string) (matcher, bool) {
	if len(parts) != 5 || parts[0] != "argon2id" && parts[0] != "argon2i" || parts[1] != "v=19" {
		return nil, false
	}
	var memory, passes uint32
	var lanes uint8
	_, err := fmt.Sscanf(parts[2], costs, &memory, &passes, &lanes)
	if err != nil || parts[2] != fmt.Sprintf(costs, memory, passes, lanes) { // Sscanf overlooks what follows
		return nil, false
	}
	if passes < 1 || passes > maxPasses || lanes < 1 || lanes > maxLanes || memory < 8*uint32(lanes) || memory > maxMemoryKiB {
		return nil, false
	}
	kdf := argon2.IDKey
	if parts[0] == "argon2i" {
		kdf = argon2.Key
	}
	salt, key, ok := saltAndKey(parts[3], parts[4])
	return func(password string) bool {
		return subtle.ConstantTimeCompare(kdf([]byte(password), salt, passes, memory, lanes, uint32(len(key))), key) == 1
	}, ok
}

const (
	bcryptSize  = 60
	bcryptBytes = 72 // of a password that bcrypt sees, wherever the hash was made
)

func bcryptHash(phc, scheme string) (matcher, bool) {
	known := scheme == "2a" || scheme == "2b" || scheme == "2y"
	cost, err := bcrypt.Cost([]byte(phc))
	if !known || err != nil || len(phc) != bcryptSize || cost > maxBcryptCost {
		return nil, false
	}
	alien := strings.ContainsFunc(phc[7:], func(r rune) bool {
		return r != '.' && r != '/' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	return func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(phc), []byte(password[:min(len(password), bcryptBytes)])) == nil
	}, !alien
}

func pbkdf2Hash(parts []string) (matcher, bool) {
	if len(parts) != 4 {
		return nil, false
	}
	digests := map[string]func() hash.Hash{"pbkdf2": sha1.New, "pbkdf2-sha1": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New}
	digest := digests[parts[0]]
	rounds, size, ok := pbkdf2Costs(parts[1])
	if digest == nil || !ok {
		return nil, false
	}
	plus := strings.NewReplacer(".", "+") // one library writes a dot for the plus sign
	salt, key, ok := saltAndKey(plus.Replace(parts[2]), plus.Replace(parts[3]))
	return func(password string) bool {
		made, err := pbkdf2.Key(digest, password, salt, rounds, len(key))
		return err == nil && subtle.ConstantTimeCompare(made, key) == 1
	}, ok && (size == 0 || size == len(key))
}

// pbkdf2Costs reads "i=600000,l=32", "i=600000" or "600000"; size is 0 where it is not named.
func pbkdf2Costs(s string) (rounds, size int, ok bool) {
	s, length, named := strings.Cut(s, ",")
	if named {
		digits, isSize := strings.CutPrefix(length, "l=")
		if size = number(digits); !isSize || size == 0 {
			return 0, 0, false
		}
	}
	rounds = number(strings.TrimPrefix(s, "i="))
	return rounds, size, rounds >= 1 && rounds <= maxRounds
}

// number reads a plain positive decimal number, else 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || strconv.Itoa(n) != s {
		return 0
	}
	return n
}

// saltAndKey reads both and holds them to their limits.
func saltAndKey(salt, key string) (s, k []byte, ok bool) {
	s, err1 := base64.RawStdEncoding.Strict().DecodeString(salt)
	k, err2 := base64.RawStdEncoding.Strict().DecodeString(key)
	return s, k, err1 == nil && err2 == nil && len(s) >= minSalt && len(s) <= maxSalt && len(k) >= minKey && len(k) <= maxKey
}

// normal gives the one form of a password that can be typed in several, in which
// core hashes it (RFC 8265 §4.2: other spaces become the space, then NFC).
func normal(password string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password))
}

// maxPassword bounds a password, in bytes, as core does.
const maxPassword = 256

// hashWait is how long a sign-in waits for its turn to be hashed.
const hashWait = 3 * time.Second

// inTurn does what needs a password's hash when it is its turn: hashing takes a
// processor and megabytes, so there are never more at a time than this machine can bear.
func (d *Desk) inTurn(ctx context.Context, do func() error) error {
	waiting, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
		return do()
	case <-waiting.Done():
		return busy(waiting.Err())
	}
}

func busy(cause error) error {
	return fault.Wrap(fault.Unavailable, "signin.busy", "Very many people are signing in just now. Please try again in a moment.", cause)
}
