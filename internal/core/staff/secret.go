package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"standfast/internal/db"
)

// A ticket is what a link or a cookie carries: an id to find it by, and a secret
// of 130 bits of which only the digest is stored. The id is no secret, so looking
// it up may take what time it takes; the secrets' digests are compared in
// constant time.
type ticket struct {
	id     string
	secret string
}

const maxTicket = 128 // characters

func newTicket() ticket { return ticket{id: db.NewID(), secret: rand.Text()} }

func (t ticket) String() string { return t.id + "." + t.secret }

func (t ticket) digest() []byte {
	d := sha256.Sum256([]byte(t.secret))
	return d[:]
}

func (t ticket) matches(digest []byte) bool {
	return subtle.ConstantTimeCompare(t.digest(), digest) == 1
}

func readTicket(s string) (ticket, bool) {
	id, secret, ok := strings.Cut(s, ".")
	return ticket{id: id, secret: secret}, ok && len(s) <= maxTicket && db.ValidID(id)
}
