package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The file has its full size from the beginning, so that an intent can be stored
// on a disk that is full by then. It begins with a head of 16 bytes (eight of
// magic, eight of generation) and goes on with records: length and checksum, four
// bytes each, and the entry's JSON. A record of length 0 is the end. The checksum
// covers the generation, so that what an earlier round left behind is never read.

const (
	magic      = "sfspool1"
	headSize   = 16
	recordHead = 8
	maxEntry   = 4 << 10 // bytes of an entry's JSON
	fileSize   = 1 << 20 // bytes; some thousands of intents
	maxSlots   = 32      // processes of one machine that share a folder
)

var (
	errFull  = errors.New("the spool is full")
	errSlots = errors.New("every spool of the folder is in use")
)

// entry is an intent, or that one is done.
type entry struct {
	Intent *Intent `json:"intent,omitempty"`
	Done   string  `json:"done,omitempty"`
}

// file is the log of one spool. It is used under the spool's lock.
type file struct {
	f          *os.File
	generation uint64
	end        int64 // where the next record goes
	slot       int   // its place in the folder
}

// openFile takes the first file of the folder that no other process holds.
func openFile(folder string) (*file, []Intent, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, err
	}
	for slot := range maxSlots {
		f, err := os.OpenFile(filepath.Join(folder, fmt.Sprintf("spool-%d.log", slot)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			continue
		}
		s := &file{f: f, slot: slot}
		intents, err := s.load()
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return s, intents, nil
	}
	return nil, nil, errSlots
}

// load reads the file, or makes it anew where it has not been one of ours.
func (f *file) load() ([]Intent, error) {
	content, err := io.ReadAll(io.LimitReader(f.f, fileSize))
	if err != nil {
		return nil, err
	}
	if len(content) < fileSize || string(content[:len(magic)]) != magic {
		if len(bytes.Trim(content, "\x00")) > 0 && !bytes.HasPrefix(content, []byte(magic)) {
			return nil, fmt.Errorf("%s is no spool", f.f.Name())
		}
		content = append(content, make([]byte, fileSize-len(content))...)
		copy(content, magic)
		if _, err := f.f.WriteAt(content, 0); err != nil {
			return nil, err
		}
		if err := f.f.Sync(); err != nil {
			return nil, err
		}
	}
	f.generation = binary.BigEndian.Uint64(content[len(magic):])
	entries, used := decode(content[headSize:], f.generation)
	f.end = headSize + int64(used)
	return open(entries), nil
}

// decode reads entries up to the first that is not whole: it was being written
// when the machine stopped, and nobody was told that it was stored.
func decode(b []byte, generation uint64) (list []entry, used int) {
	for used+recordHead <= len(b) {
		n := int(binary.BigEndian.Uint32(b[used:]))
		sum := binary.BigEndian.Uint32(b[used+4:])
		if n == 0 || n > maxEntry || used+recordHead+n > len(b) {
			break
		}
		body := b[used+recordHead : used+recordHead+n]
		var e entry
		if checksum(body, generation) != sum || json.Unmarshal(body, &e) != nil {
			break
		}
		list = append(list, e)
		used += recordHead + n
	}
	return list, used
}

// open gives the intents that are not done.
func open(entries []entry) (list []Intent) {
	done := map[string]bool{}
	for _, e := range entries {
		done[e.Done] = true
	}
	for _, e := range entries {
		if e.Intent != nil && !done[e.Intent.ID] {
			list = append(list, *e.Intent)
		}
	}
	return list
}

func checksum(body []byte, generation uint64) uint32 {
	var g [8]byte
	binary.BigEndian.PutUint64(g[:], generation)
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(g[:], table), table, body)
}

// append stores an entry, with the mark of the end behind it.
func (f *file) append(e entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	size := int64(recordHead + len(body))
	if len(body) > maxEntry || f.end+size+recordHead > fileSize {
		return errFull
	}
	record := make([]byte, size+recordHead)
	binary.BigEndian.PutUint32(record, uint32(len(body)))
	binary.BigEndian.PutUint32(record[4:], checksum(body, f.generation))
	copy(record[recordHead:], body)
	if _, err := f.f.WriteAt(record, f.end); err != nil {
		return err
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	f.end += size
	return nil
}

// clear begins a new round: everything before it is done.
func (f *file) clear() error {
	var g [8]byte
	binary.BigEndian.PutUint64(g[:], f.generation+1)
	if _, err := f.f.WriteAt(g[:], int64(len(magic))); err != nil {
		return err
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	f.generation++
	f.end = headSize
	return nil
}

func (f *file) close() error { return f.f.Close() }
