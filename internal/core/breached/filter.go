package breached

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// A shard is an xor filter in the form that the file has it: three blocks of the
// same length. A key is in it when the three slots that the key leads to, one in
// each block, make up its fingerprint.
type shard struct {
	seed  uint64
	slots []byte // slotBytes each
}

// maxSeeds bounds the tries to build a shard. One try fails in some per cent of
// small shards and hardly ever in large ones.
const maxSeeds = 256

// errSeeds is as likely as 256 failed tries in a row, or a key that is there twice.
var errSeeds = errors.New("no seed makes a filter of these keys")

// mix spreads a key's bits (the finalizer of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// places gives the key's slot in each of the three blocks, and its fingerprint.
func places(key, seed uint64, block uint32) (at [3]uint32, print uint16) {
	h := mix(key + seed)
	for i := range at {
		part := uint32(bits.RotateLeft64(h, 21*i))
		within := uint32(uint64(part) * uint64(block) >> 32)
		at[i] = uint32(i)*block + within
	}
	return at, uint16(h ^ h>>32)
}

func (s shard) slot(i uint32) uint16 { return binary.BigEndian.Uint16(s.slots[i*slotBytes:]) }

// holds is certain when it says no, and wrong once in 65,536 times otherwise.
func (s shard) holds(key uint64) bool {
	n := uint32(len(s.slots) / slotBytes)
	if n == 0 {
		return false
	}
	at, print := places(key, s.seed, n/3)
	return print == s.slot(at[0])^s.slot(at[1])^s.slot(at[2])
}

// build makes the shard of different keys: the same keys make the same shard.
func build(keys []uint64) (shard, error) {
	if len(keys) == 0 {
		return shard{}, nil
	}
	block := uint32((123*len(keys)/100+32)/3 + 1)
	for try := uint64(1); try <= maxSeeds; try++ {
		if s, ok := attempt(keys, mix(try), block); ok {
			return s, nil
		}
	}
	return shard{}, errSeeds
}

// alone is a key that was the last to lead to one of its slots.
type alone struct {
	key  uint64
	slot uint32
}

// attempt peels: a slot to which only one key leads can make up for that key's
// fingerprint, so the key is taken out and the rest is looked at again. Filled in
// reverse, each key's slot is set after all others that it needs.
func attempt(keys []uint64, seed uint64, block uint32) (shard, bool) {
	s := shard{seed: seed, slots: make([]byte, 3*int(block)*slotBytes)}
	order := peel(keys, seed, block)
	if len(order) != len(keys) {
		return s, false
	}
	for i := len(order) - 1; i >= 0; i-- {
		at, print := places(order[i].key, seed, block)
		for _, slot := range at {
			if slot != order[i].slot {
				print ^= s.slot(slot)
			}
		}
		binary.BigEndian.PutUint16(s.slots[order[i].slot*slotBytes:], print)
	}
	return s, true
}

func peel(keys []uint64, seed uint64, block uint32) []alone {
	count, mask := make([]uint32, 3*block), make([]uint64, 3*block)
	toggle := func(key uint64, by uint32) (at [3]uint32) {
		at, _ = places(key, seed, block)
		for _, slot := range at {
			count[slot] += by
			mask[slot] ^= key
		}
		return at
	}
	for _, key := range keys {
		toggle(key, 1)
	}
	var single []uint32
	for slot := range count {
		if count[slot] == 1 {
			single = append(single, uint32(slot))
		}
	}
	order := make([]alone, 0, len(keys))
	for len(single) > 0 {
		slot := single[len(single)-1]
		single = single[:len(single)-1]
		if count[slot] != 1 {
			continue
		}
		key := mask[slot]
		order = append(order, alone{key, slot})
		for _, other := range toggle(key, ^uint32(0)) {
			if count[other] == 1 {
				single = append(single, other)
			}
		}
	}
	return order
}
