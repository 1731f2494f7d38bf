package entry

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"standfast/internal/fault"
)

// hash is a password's argon2id hash (RFC 9106) in PHC form.
type hash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// What a hash may cost us to check at most.
const (
	maxMemoryKiB = 256 * 1024
	maxPasses    = 16
	maxLanes     = 16
	maxPHC       = 512
)

// parseHash reads "$argon2id$v=19$m=…,t=…,p=…$salt$key". Other schemes, which
// issuers bring along, are for core to check and to replace.
func parseHash(phc string) (h hash, ok bool) {
	parts := strings.Split(phc, "$")
	if len(phc) > maxPHC || len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, false
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	return h, err1 == nil && err2 == nil && h.sane()
}

func (h hash) sane() bool {
	return h.passes >= 1 && h.passes <= maxPasses && h.lanes >= 1 && h.lanes <= maxLanes &&
		h.memory >= 8*uint32(h.lanes) && h.memory <= maxMemoryKiB && len(h.salt) >= 8 && len(h.key) >= 16 && len(h.key) <= 64
}

// matches compares in constant time.
func (h hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key))), h.key) == 1
}

// hashWait is how long a sign-in waits for its turn to be hashed.
const hashWait = 3 * time.Second

// check compares a password when it is its turn: hashing takes a processor and 19
// MiB, so there are never more at a time than this machine can bear.
func (d *Desk) check(ctx context.Context, h hash, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
		return h.matches(password), nil
	case <-ctx.Done():
		return false, busy(ctx.Err())
	}
}

func busy(cause error) error {
	return fault.Wrap(fault.Unavailable, "signin.busy", "Very many people are signing in just now. Please try again in a moment.", cause)
}
