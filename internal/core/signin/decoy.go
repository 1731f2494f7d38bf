package signin

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"standfast/internal/db"
)

// decoy does a password check's work and never finds it right.
type decoy struct{ verifier }

func (d decoy) matches(password string) bool {
	d.verifier.matches(password)
	return false
}

// decoy gives what a name without a password is checked against: the hash of
// some member, always the same one while nobody joins. An issuer that brought
// members' hashes along has hashes of very different costs; if every unknown
// name took as long as a new hash, the time would tell them from imported ones.
// It is nil while there are no members.
func (s *Service) decoy(ctx context.Context, tx *db.Tx, username string) (verifier, error) {
	var first, last string
	err := tx.QueryRow(ctx, `SELECT a.member_id, b.member_id FROM
		(SELECT member_id FROM credential ORDER BY member_id LIMIT 1) a, (SELECT member_id FROM credential ORDER BY member_id DESC LIMIT 1) b`).Scan(&first, &last)
	if err == db.ErrNoRows {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pick := s.key.Fingerprint("signin.decoy", []byte(strings.ToLower(norm.NFKC.String(username))))
	var hash string
	err = tx.QueryRow(ctx, `SELECT phc FROM credential WHERE member_id >= $1 ORDER BY member_id LIMIT 1`,
		between(first, last, binary.BigEndian.Uint32(pick))).Scan(&hash)
	if err != nil {
		return nil, err
	}
	h, err := parsePHC(hash)
	return decoy{h}, err
}

// nobodysApp is the authenticator that codes are compared with where a member has
// none, so that the time tells nobody who has one.
func (s *Service) nobodysApp() (authenticator, error) {
	secret := make([]byte, totpSecretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	sealed, err := s.key.Seal(secret, totpContext(nobody))
	return authenticator{id: nobody, sealed: sealed}, err
}

// between gives the id that lies share/2^32 of the way from first to last. Ids
// begin with the time of their making, so the way is measured in their first 8 bytes.
func between(first, last string, share uint32) string {
	low, high := uuid.MustParse(first), uuid.MustParse(last)
	from, to := binary.BigEndian.Uint64(low[:8]), binary.BigEndian.Uint64(high[:8])
	step := (to - from) >> 32
	rest := (to - from) & (1<<32 - 1)
	at := from + step*uint64(share) + rest*uint64(share)>>32
	id := low
	if at > from {
		id = uuid.UUID{}
		binary.BigEndian.PutUint64(id[:8], at)
	}
	return id.String()
}
