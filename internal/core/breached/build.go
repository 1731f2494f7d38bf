package breached

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"standfast/internal/fault"
)

// Building needs room for 1/256 of the keys and no more: the keys are first
// spread over heaps on disk by their first byte (8 bytes a password, beside the
// new file), then each heap is put in order and becomes shards.
const (
	heaps        = 256
	heapBuffer   = 32 << 10
	perShard     = 64 << 10 // keys, about: a check reads 160 kB
	maxPasswords = perShard << maxShardBits
)

// Summary is what a build did.
type Summary struct {
	Lines     uint64 `json:"lines"`
	Passwords uint64 `json:"passwords"` // different ones in the file
	Skipped   uint64 `json:"skipped"`   // lines that hold no password, or one seen too seldom
	Bytes     int64  `json:"bytes"`
}

// Build writes the list of the passwords in from to the file at path, which
// appears, or is replaced, only when it is complete. The same passwords in any
// order make the same file. Errors: Invalid, naming the first line that cannot be read.
func Build(ctx context.Context, from io.Reader, path string, opt Options) (sum Summary, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".passwords-")
	if err != nil {
		return sum, unwritten(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	spread := &spread{dir: dir}
	defer spread.close()
	if err := keysOf(ctx, from, opt, &sum, spread.add); err != nil {
		return sum, err
	}
	if spread.count == 0 {
		return sum, fault.New(fault.Invalid, "breached.empty", "The list holds no password.")
	}
	part := filepath.Join(dir, "new")
	if err := write(ctx, part, spread, &sum); err != nil {
		return sum, unwritten(err)
	}
	if err := os.Rename(part, path); err != nil {
		return sum, unwritten(err)
	}
	return sum, nil
}

func unwritten(err error) error {
	return fault.Wrap(fault.Internal, "breached.write", "The list of breached passwords cannot be written.", err)
}

// spread keeps keys on disk by their first byte.
type spread struct {
	dir   string
	files [heaps]*os.File
	out   [heaps]*bufio.Writer
	count uint64
}

func (s *spread) add(key uint64) error {
	if s.count++; s.count > maxPasswords {
		return errors.New("there are more passwords than one file can hold")
	}
	i := int(key >> 56)
	if s.out[i] == nil {
		f, err := os.Create(filepath.Join(s.dir, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		s.files[i], s.out[i] = f, bufio.NewWriterSize(f, heapBuffer)
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], key)
	_, err := s.out[i].Write(b[:])
	return err
}

// heap gives the keys that begin with byte i, in order and each once.
func (s *spread) heap(i int) ([]uint64, error) {
	if s.out[i] == nil {
		return nil, nil
	}
	if err := s.out[i].Flush(); err != nil {
		return nil, err
	}
	st, err := s.files[i].Stat()
	if err != nil {
		return nil, err
	}
	keys, in := make([]uint64, st.Size()/8), bufio.NewReader(io.NewSectionReader(s.files[i], 0, st.Size()))
	if err := binary.Read(in, binary.BigEndian, keys); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func (s *spread) close() {
	for _, f := range s.files {
		if f != nil {
			_ = f.Close() // it is thrown away
		}
	}
}

// bitsFor gives the number of shards, as a power of two, for so many keys.
func bitsFor(keys uint64) (bits uint8) {
	for keys>>bits > perShard && bits < maxShardBits {
		bits++
	}
	return bits
}

// write writes the file: first the shards, whose lengths are known only then,
// and at last the header before them.
func write(ctx context.Context, path string, from *spread, sum *Summary) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := &writer{file: f, bits: bitsFor(from.count)}
	err = w.all(ctx, from)
	if err == nil {
		err = w.header()
	}
	sum.Passwords, sum.Bytes = w.count, w.start()+w.at
	return errors.Join(err, f.Sync(), f.Close())
}

type writer struct {
	file  *os.File
	bits  uint8
	rows  []byte
	at    int64 // bytes of shards so far
	count uint64
}

func (w *writer) start() int64 { return int64(fixedBytes + rowBytes<<w.bits + sumBytes) }

// all walks the heaps in the keys' order and writes a shard as soon as a key
// comes that belongs to a later one.
func (w *writer) all(ctx context.Context, from *spread) error {
	var keys []uint64
	for i := range heaps {
		more, err := from.heap(i)
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
		keys = append(keys, more...)
		w.count += uint64(len(more))
		if keys, err = w.shards(keys, shardOf(uint64(i+1)<<56-1, w.bits), i == heaps-1); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// shards writes those before the shard named last, and that one too at the end,
// and gives the keys that are left.
func (w *writer) shards(keys []uint64, last int, end bool) ([]uint64, error) {
	for next := len(w.rows) / rowBytes; next < last || end && next == last; next++ {
		n, _ := slices.BinarySearchFunc(keys, next+1, func(key uint64, shard int) int { return shardOf(key, w.bits) - shard })
		s, err := build(keys[:n])
		if err == nil {
			err = w.put(s)
		}
		if err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return slices.Clone(keys), nil
}

func (w *writer) put(s shard) error {
	if _, err := w.file.WriteAt(s.slots, w.start()+w.at); err != nil {
		return err
	}
	w.at += int64(len(s.slots))
	w.rows = binary.BigEndian.AppendUint32(w.rows, uint32(len(s.slots)/slotBytes))
	w.rows = binary.BigEndian.AppendUint32(w.rows, crc32.Checksum(s.slots, castagnoli()))
	w.rows = binary.BigEndian.AppendUint64(w.rows, s.seed)
	return nil
}

func (w *writer) header() error {
	b := append([]byte(magic), version, w.bits, 0, 0, 0, 0, 0, 0)
	b = append(binary.BigEndian.AppendUint64(b, w.count), w.rows...)
	_, err := w.file.WriteAt(binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli())), 0)
	return err
}
