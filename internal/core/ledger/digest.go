package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"standfast/internal/db"
)

// maxBatchRows is how many places the last 16 bits of an id can number from 1.
const maxBatchRows = 1<<16 - 1

// newBatchID makes the id of a batch: a UUID of version 7 whose last 16 bits are
// zero. RFC 9562 section 6.2 lets part of the random bits count (method 1).
func newBatchID() string {
	id := db.NewID()
	return id[:len(id)-4] + "0000"
}

// transferID gives the id of the n-th transfer of a batch, from 1.
func transferID(batch string, n int) string {
	return fmt.Sprintf("%s%04x", batch[:len(batch)-4], n)
}

// batchOf gives the batch that a transfer's id says it was recorded in.
func batchOf(id string) string { return id[:len(id)-4] + "0000" }

// digestForm is the first field of every digest, to be raised when the form changes.
const digestForm = "standfast ledger 1"

// form builds the canonical binary form of a row: every field with its length
// before it, numbers as eight bytes, so that no two rows share a form.
type form []byte

func (f form) text(s string) form {
	return append(binary.AppendUvarint(f, uint64(len(s))), s...)
}
func (f form) number(n int64) form      { return binary.BigEndian.AppendUint64(f, uint64(n)) }
func (f form) instant(t time.Time) form { return f.number(db.Micros(t)) }
func (f form) flag(b bool) form {
	if b {
		return append(f, 1)
	}
	return append(f, 0)
}

func (f form) bound(n *int64) form {
	if n == nil {
		return f.flag(false)
	}
	return f.flag(true).number(*n)
}

// digest gives the SHA-256 of all that a transfer's row says.
func (t *Transfer) digest() []byte {
	f := make(form, 0, 512).text(digestForm).text(t.ID).text(t.Key).text(t.Debit).text(t.Credit).
		number(t.Amount.Minor).text(t.Amount.Currency).text(string(t.Phase)).text(t.Resolves).
		text(t.Kind).text(t.Description).text(t.Ref).flag(t.Fact).
		instant(t.EffectiveAt).instant(t.RecordedAt).instant(t.ExpiresAt)
	sum := sha256.Sum256(f)
	return sum[:]
}

// batchDigest gathers the digest of a batch from those of its transfers, in order.
type batchDigest struct {
	count int64
	rows  []byte
}

func (b *batchDigest) add(digest []byte) {
	b.count++
	b.rows = append(b.rows, digest...)
}

func (b *batchDigest) sum(id string, recordedAt int64) []byte {
	f := make(form, 0, 128+len(b.rows)).text(digestForm).text(id).number(b.count).number(recordedAt)
	sum := sha256.Sum256(append(f, b.rows...))
	return sum[:]
}
