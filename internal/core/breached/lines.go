package breached

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"standfast/internal/fault"
)

// Options say how the lines of a list are read.
type Options struct {
	// Form is "plain" for passwords, "sha1" for lines of 40 hexadecimal digits
	// and, if need be, a colon and how often the password was seen. "" lets the
	// first line decide.
	Form string
	// AtLeast leaves out what the list says was seen less often.
	AtLeast uint64
	// Normal gives the one form of a password that is hashed; nil: as it is.
	Normal func(string) string
}

// Forms of lines.
const (
	Plain = "plain"
	SHA1  = "sha1"
)

// maxLine is longer than any password or hash that is taken.
const maxLine = 4 << 10

const (
	hexDigits    = 40
	lookUpEveryN = 1 << 16 // lines between two looks at whether to go on
)

var errForm = errors.New("this is no line of 40 hexadecimal digits")

// keysOf hands over the key of every line.
func keysOf(ctx context.Context, from io.Reader, opt Options, sum *Summary, add func(uint64) error) error {
	in := bufio.NewReaderSize(from, maxLine)
	for {
		line, err := nextLine(in)
		if err == io.EOF {
			return nil
		}
		if sum.Lines++; sum.Lines%lookUpEveryN == 0 && err == nil {
			err = ctx.Err()
		}
		if sum.Lines == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		var key uint64
		taken := false
		if err == nil {
			key, taken, err = opt.key(line)
		}
		switch {
		case err == nil && taken:
			err = add(key)
		case err == nil:
			sum.Skipped++
		}
		if err != nil {
			return fault.Wrap(fault.Invalid, "breached.list", "The list of passwords cannot be read to its end.", fmt.Errorf("line %d: %w", sum.Lines, err))
		}
	}
}

// nextLine gives a line without its end, or an empty one in place of one that is
// too long to be a password. The bytes are good until the next call.
func nextLine(in *bufio.Reader) ([]byte, error) {
	line, more, err := in.ReadLine()
	if !more {
		return line, err
	}
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return nil, err
}

// key reads a line; taken is false for one that adds nothing.
func (o *Options) key(line []byte) (key uint64, taken bool, err error) {
	if len(line) == 0 {
		return 0, false, nil
	}
	if o.Form == "" {
		o.Form = Plain
		if _, _, err := hashLine(line); err == nil {
			o.Form = SHA1
		}
	}
	if o.Form == SHA1 {
		key, seen, err := hashLine(line)
		return key, err == nil && seen >= o.AtLeast, err
	}
	password := string(line)
	if o.Normal != nil {
		password = o.Normal(password)
	}
	return keyOf(password), true, nil
}

// hashLine reads "HEX" or "HEX:COUNT"; without a count the password was seen
// as often as anybody asks for.
func hashLine(line []byte) (key, seen uint64, err error) {
	digits, count, counted := bytes.Cut(line, []byte(":"))
	if len(digits) != hexDigits {
		return 0, 0, errForm
	}
	var sum [hexDigits / 2]byte
	if _, err := hex.Decode(sum[:], digits); err != nil {
		return 0, 0, errForm
	}
	seen = ^uint64(0)
	if counted {
		if seen, err = strconv.ParseUint(string(bytes.TrimSpace(count)), 10, 64); err != nil {
			return 0, 0, errForm
		}
	}
	return binary.BigEndian.Uint64(sum[:8]), seen, nil
}
