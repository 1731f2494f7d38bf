package breached

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"standfast/internal/fault"
)

// row is what the header says of a shard.
type row struct {
	seed  uint64
	at    int64 // offset of its first slot in the file
	slots uint32
	sum   uint32
}

// filter is an open file whose header was found whole.
type filter struct {
	from  io.ReaderAt
	bits  uint8
	count uint64
	rows  []row
}

// read checks everything: the header, its sums, the length and every shard, one
// after the other. Errors: Invalid, with what is wrong as the cause.
func read(from io.ReaderAt, size int64) (*filter, error) {
	f, err := header(from, size)
	for i := 0; err == nil && i < len(f.rows); i++ {
		_, err = f.shard(i)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "breached.file", "This is no list of breached passwords as `standfast passwords build` writes them.", err)
	}
	return f, nil
}

func header(from io.ReaderAt, size int64) (*filter, error) {
	fixed := make([]byte, fixedBytes)
	if _, err := from.ReadAt(fixed, 0); err != nil {
		return nil, fmt.Errorf("its beginning: %w", err)
	}
	if string(fixed[:len(magic)]) != magic {
		return nil, errors.New("it does not begin as one")
	}
	rest := fixed[len(magic):]
	if rest[0] != version {
		return nil, fmt.Errorf("it has version %d; this program reads version %d", rest[0], version)
	}
	if rest[1] > maxShardBits {
		return nil, errors.New("it has too many parts")
	}
	f := &filter{from: from, bits: rest[1], count: binary.BigEndian.Uint64(rest[8:])}
	table := make([]byte, rowBytes<<f.bits+sumBytes)
	if _, err := from.ReadAt(table, int64(fixedBytes)); err != nil {
		return nil, fmt.Errorf("its table: %w", err)
	}
	table, sum := table[:len(table)-sumBytes], binary.BigEndian.Uint32(table[len(table)-sumBytes:])
	if crc32.Update(crc32.Checksum(fixed, castagnoli()), castagnoli(), table) != sum {
		return nil, errors.New("the sum of its header is wrong")
	}
	return f, f.lay(table, size)
}

// lay reads the table's rows and holds them to the file's length.
func (f *filter) lay(table []byte, size int64) error {
	at := int64(fixedBytes + len(table) + sumBytes)
	for ; len(table) > 0; table = table[rowBytes:] {
		r := row{at: at, slots: binary.BigEndian.Uint32(table), sum: binary.BigEndian.Uint32(table[4:]), seed: binary.BigEndian.Uint64(table[8:])}
		if r.slots > maxSlots || r.slots%3 != 0 {
			return errors.New("a part has an impossible length")
		}
		f.rows = append(f.rows, r)
		at += int64(r.slots) * slotBytes
	}
	if at != size {
		return fmt.Errorf("it has %d bytes in place of %d", size, at)
	}
	return nil
}

// shard reads a shard and checks its sum, each time that it is asked: what the
// disk or a careless copy did to the file since must not decide about passwords.
func (f *filter) shard(i int) (shard, error) {
	r := f.rows[i]
	s := shard{seed: r.seed, slots: make([]byte, int(r.slots)*slotBytes)}
	if _, err := f.from.ReadAt(s.slots, r.at); err != nil && (err != io.EOF || len(s.slots) > 0) {
		return s, fmt.Errorf("part %d: %w", i, err)
	}
	if crc32.Checksum(s.slots, castagnoli()) != r.sum {
		return s, fmt.Errorf("the sum of part %d is wrong", i)
	}
	return s, nil
}

func (f *filter) holds(key uint64) (bool, error) {
	s, err := f.shard(shardOf(key, f.bits))
	return err == nil && s.holds(key), err
}

// shardOf gives the shard of a key: its first bits.
func shardOf(key uint64, bits uint8) int {
	if bits == 0 {
		return 0
	}
	return int(key >> (64 - bits) & math.MaxInt32)
}
