package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// newKey is the idempotency key of a new page.
func newKey() string { return rand.Text() }

// nextKey is the key for other contents than those that stand under key. It
// follows from both, so that the same change, sent twice or from a page that was
// gone back to, is the same payment.
func nextKey(key string, contents ...string) string {
	h := sha256.New()
	for _, part := range append([]string{key}, contents...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	const enough = 16 // bytes: 26 characters, as many as a new page's key has
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:enough])
}
