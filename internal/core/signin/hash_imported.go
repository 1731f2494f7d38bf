package signin

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Hashes of other schemes come with an issuer's import. They are honoured until
// their members' next sign-ins, which replace them.

// What a hash from outside may cost us to check at most, a second or two.
const (
	maxBcryptCost = 15
	maxRounds     = 2_000_000
)

// bcryptHash is a hash by bcrypt in its usual form of 60 characters. It sees a
// password's first 72 bytes, as wherever it was made.
type bcryptHash string

const (
	bcryptSize  = 60
	bcryptBytes = 72
)

func (h bcryptHash) matches(password string) bool {
	if len(password) > bcryptBytes {
		password = password[:bcryptBytes]
	}
	return bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) == nil
}

func (h bcryptHash) current(HashParams) bool { return false }

func (h bcryptHash) String() string { return string(h) }

func parseBcrypt(s string) (verifier, error) {
	prefix, _, _ := strings.Cut(s[1:], "$")
	known := prefix == "2a" || prefix == "2b" || prefix == "2y"
	cost, err := bcrypt.Cost([]byte(s))
	if !known || err != nil || len(s) != bcryptSize || cost < bcrypt.MinCost || cost > maxBcryptCost || !bcryptText(s[7:]) {
		return nil, errPHC
	}
	return bcryptHash(s), nil
}

// bcryptText tells whether salt and key are in bcrypt's own alphabet.
func bcryptText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '/' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// pbkdf2Hash is a hash by PBKDF2 (RFC 8018 §5.2).
type pbkdf2Hash struct {
	digest string // "sha256", "sha512" or "sha1"
	rounds int
	salt   []byte
	key    []byte
}

// digests are the hash functions that PBKDF2 is taken with.
func digests(name string) func() hash.Hash {
	switch name {
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	}
	return nil
}

func (h pbkdf2Hash) matches(password string) bool {
	key, err := pbkdf2.Key(digests(h.digest), password, h.salt, h.rounds, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

func (h pbkdf2Hash) current(HashParams) bool { return false }

func (h pbkdf2Hash) String() string {
	return "$pbkdf2-" + h.digest + "$i=" + strconv.Itoa(h.rounds) + ",l=" + strconv.Itoa(len(h.key)) + "$" + b64.EncodeToString(h.salt) + "$" + b64.EncodeToString(h.key)
}

func parsePBKDF2(parts []string) (verifier, error) {
	if len(parts) != 4 {
		return nil, errPHC
	}
	scheme, digest, dashed := strings.Cut(parts[0], "-")
	if !dashed {
		digest = "sha1" // the name without a digest stands for the one of RFC 8018
	}
	rounds, size, ok := pbkdf2Costs(parts[1])
	if scheme != "pbkdf2" || digests(digest) == nil || !ok {
		return nil, errPHC
	}
	plus := strings.NewReplacer(".", "+") // one library writes a dot for the plus sign
	salt, key, err := saltAndKey(plus.Replace(parts[2]), plus.Replace(parts[3]))
	if err != nil || size > 0 && size != len(key) {
		return nil, errPHC
	}
	return pbkdf2Hash{digest, rounds, salt, key}, nil
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
