package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The reader below is for files that people and old systems write. Unlike
// encoding/csv it bounds a record, so that a quote that is never closed costs one
// line and not the rest of the file, and it goes on behind a bad one.

// Limits of a file.
const (
	maxRecord  = 64 << 10 // bytes of one record
	maxColumns = 100
	chunk      = 256 << 10 // bytes read at once
)

// Reasons why a record cannot be read.
var (
	errQuote  = errors.New("a quote is in the wrong place or never closed")
	errRecord = errors.New("the row is longer than 64 KiB")
	errUTF16  = errors.New("the file is UTF-16; please save it as UTF-8")
)

// record is one row. Line is where it begins, from 1. Fields that could not be
// taken apart are the one raw text, with Err set.
type record struct {
	line   int64
	fields []string
	err    error
}

// csvReader reads records of comma separated values (RFC 4180): with or without
// a byte order mark, LF or CRLF, fields in quotes or not. Empty lines are skipped.
type csvReader struct {
	in    io.Reader
	buf   []byte
	pos   int
	line  int64
	ended bool
}

func newCSVReader(in io.Reader) (*csvReader, error) {
	r := &csvReader{in: in, buf: make([]byte, 0, chunk+maxRecord), line: 1}
	if err := r.fill(); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(r.buf, []byte{0xff, 0xfe}) || bytes.HasPrefix(r.buf, []byte{0xfe, 0xff}) {
		return nil, errUTF16
	}
	if bytes.HasPrefix(r.buf, []byte("\ufeff")) {
		r.pos = len("\ufeff")
	}
	return r, nil
}

// fill reads until at least a whole record's worth is there or the file ends.
func (r *csvReader) fill() error {
	n := copy(r.buf[:cap(r.buf)], r.buf[r.pos:])
	r.buf, r.pos = r.buf[:n], 0
	for !r.ended && len(r.buf) < cap(r.buf) {
		n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if err == io.EOF {
			r.ended = true
		} else if err != nil {
			return err
		}
	}
	return nil
}

// next gives the next record, or io.EOF. A record with Err is followed by more.
func (r *csvReader) next() (record, error) {
	for {
		if !r.ended && len(r.buf)-r.pos < maxRecord {
			if err := r.fill(); err != nil {
				return record{}, err
			}
		}
		rest := r.buf[r.pos:]
		if len(rest) == 0 {
			return record{}, io.EOF
		}
		if n := blank(rest); n > 0 {
			r.take(n)
			continue
		}
		return r.parse(rest)
	}
}

// blank gives the length of an empty line at the beginning of b, or 0.
func blank(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	}
	return 0
}

func (r *csvReader) take(n int) {
	r.line += int64(bytes.Count(r.buf[r.pos:r.pos+n], []byte{'\n'}))
	r.pos += n
}

func (r *csvReader) parse(rest []byte) (record, error) {
	rec := record{line: r.line}
	whole := rest[:min(len(rest), maxRecord)]
	fields, n, err := split(whole, r.ended && len(rest) <= maxRecord)
	if err == nil {
		rec.fields = fields
		r.take(n)
		return rec, nil
	}
	rec.err = err
	end := bytes.IndexByte(whole, '\n')
	if end < 0 {
		end = len(whole) - 1
	}
	rec.fields = []string{strings.TrimRight(string(whole[:min(end+1, 1000)]), "\r\n")}
	r.take(end + 1)
	if whole[end] == '\n' {
		return rec, nil
	}
	return rec, r.skipLine()
}

// skipLine passes over the rest of a line that is too long to be held.
func (r *csvReader) skipLine() error {
	for {
		if n := bytes.IndexByte(r.buf[r.pos:], '\n'); n >= 0 {
			r.take(n + 1)
			return nil
		}
		r.pos = len(r.buf)
		if r.ended {
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// split takes the first record of b apart and gives its length with the line's
// end. last tells that nothing follows b, so that b may end without one.
func split(b []byte, last bool) (fields []string, n int, err error) {
	fields = make([]string, 0, 8)
	for {
		var field string
		var length int
		if n < len(b) && b[n] == '"' {
			field, length, err = quoted(b[n:])
		} else {
			field, length, err = bare(b[n:])
		}
		if err != nil {
			return nil, 0, err
		}
		if fields = append(fields, field); len(fields) > maxColumns {
			return nil, 0, fmt.Errorf("the row has more than %d fields", maxColumns)
		}
		n += length
		switch end := separator(b[n:]); {
		case end == ',':
			n++
		case end == '\n':
			return fields, n + 1 + bytes.IndexByte(b[n:], '\n'), nil
		case end == 0 && last:
			return fields, len(b), nil
		case end == 0:
			return nil, 0, errRecord
		default:
			return nil, 0, errQuote
		}
	}
}

// separator tells what follows a field: a comma, a line's end, nothing (0) or
// something that must not ('x').
func separator(b []byte) byte {
	switch {
	case len(b) == 0, len(b) == 1 && b[0] == '\r':
		return 0
	case b[0] == ',' || b[0] == '\n':
		return b[0]
	case b[0] == '\r' && b[1] == '\n':
		return '\n'
	}
	return 'x'
}

func bare(b []byte) (field string, n int, err error) {
	n = bytes.IndexAny(b, ",\n")
	if n < 0 {
		n = len(b)
	}
	if n > 0 && b[n-1] == '\r' && (n == len(b) || b[n] == '\n') {
		n--
	}
	if bytes.IndexByte(b[:n], '"') >= 0 {
		return "", 0, errQuote
	}
	return string(b[:n]), n, nil
}

// quoted reads a field that begins with a quote; a doubled quote stands for one.
func quoted(b []byte) (field string, n int, err error) {
	n = 1
	for {
		q := bytes.IndexByte(b[n:], '"')
		if q < 0 {
			return "", 0, errQuote
		}
		n += q + 1
		if n == len(b) || b[n] != '"' {
			break
		}
		n++
	}
	return strings.ReplaceAll(string(b[1:n-1]), `""`, `"`), n, nil
}
