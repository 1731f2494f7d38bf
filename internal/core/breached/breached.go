// Package breached tells whether a password is in the lists of stolen ones that
// the operator provides, without asking anybody: the lists become one compact
// file (docs/formats/breached-passwords.md), which is read where it lies.
//
// The file is a row of xor filters (Graf and Lemire, "Xor Filters: Faster and
// Smaller Than Bloom and Cuckoo Filters", 2020). A password that was put in is
// always found. One that was not is found by mistake once in 65,536 times, at
// 19.7 bits a password; a Bloom filter needs 23 for that. What is lost is that
// nothing can be added later, and the lists are published as a whole anyway.
package breached

import (
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
)

// The file's header, all numbers big-endian: magic, version, bits of the key
// that choose the shard, three bytes of zero, number of passwords; then a
// row for each shard; then CRC-32C of all that.
const (
	magic      = "STFSTPWD"
	version    = 1
	fixedBytes = len(magic) + 1 + 1 + 6 + 8
	rowBytes   = 4 + 4 + 8 // slots, CRC-32C of the shard, seed
	sumBytes   = 4
	slotBytes  = 2
)

// Limits of a file that is believed: a table of 16 MiB, shards of 8 MiB.
const (
	maxShardBits = 20
	maxSlots     = 4 << 20
)

// castagnoli gives the polynomial of CRC-32C (RFC 3720 §12.1).
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// keyOf is the first half of a password's SHA-1, as the lists are published.
// Nothing rests on SHA-1's strength here: what is hashed is public.
func keyOf(password string) uint64 {
	sum := sha1.Sum([]byte(password))
	return binary.BigEndian.Uint64(sum[:8])
}
