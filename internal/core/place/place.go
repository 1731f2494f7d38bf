// Package place names where an address is, from a table of ranges that the
// operator provides. It asks nobody: no address of a member leaves the process.
package place

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"standfast/internal/fault"
)

// Table holds ranges of addresses with their places. It never changes once read.
type Table struct {
	ranges []span // by their first address; they do not overlap
}

type span struct {
	first, last netip.Addr
	place       string
}

// Limits of what is read.
const (
	maxRanges = 10_000_000
	maxName   = 80 // bytes of a country, region or city
)

// Read reads CSV with the columns start, end, country, region, city, without or
// with a line of such names at the top: addresses of IPv4 or IPv6, both
// included, and names as members are to read them. Region and city may be empty.
func Read(r io.Reader) (*Table, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord, rows.ReuseRecord = 5, true
	t := &Table{}
	names := map[string]string{}
	for line := 1; ; line++ {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err == nil && line == 1 && strings.EqualFold(row[0], "start") {
			continue
		}
		if err == nil && len(t.ranges) == maxRanges {
			err = errors.New("there are too many ranges")
		}
		var s span
		if err == nil {
			s, err = parse(row, names)
		}
		if err != nil {
			return nil, refused(fmt.Errorf("line %d: %w", line, err))
		}
		t.ranges = append(t.ranges, s)
	}
	return t, t.order()
}

// parse reads one row. Names that are the same share their bytes.
func parse(row []string, names map[string]string) (s span, err error) {
	if s.first, err = netip.ParseAddr(row[0]); err != nil {
		return s, err
	}
	if s.last, err = netip.ParseAddr(row[1]); err != nil {
		return s, err
	}
	s.first, s.last = s.first.Unmap(), s.last.Unmap()
	if s.first.Is4() != s.last.Is4() || s.last.Less(s.first) {
		return s, errors.New("the range ends before it begins")
	}
	name, err := nameOf(row[2:])
	if err != nil {
		return s, err
	}
	if known, ok := names[name]; ok {
		s.place = known
		return s, nil
	}
	names[name] = name
	s.place = name
	return s, nil
}

// nameOf joins city, region and country, the nearest first, each said once.
func nameOf(parts []string) (string, error) {
	var said []string
	for _, p := range slices.Backward(parts) {
		p = strings.TrimSpace(p)
		if len(p) > maxName || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
			return "", errors.New("a name is too long or cannot be read")
		}
		if p != "" && !slices.Contains(said, p) {
			said = append(said, p)
		}
	}
	if len(said) == 0 {
		return "", errors.New("the range has no name")
	}
	return strings.Join(said, ", "), nil
}

// order sorts the ranges and refuses two that share an address.
func (t *Table) order() error {
	slices.SortFunc(t.ranges, func(a, b span) int { return a.first.Compare(b.first) })
	for i := 1; i < len(t.ranges); i++ {
		if a, b := t.ranges[i-1], t.ranges[i]; !a.last.Less(b.first) {
			return refused(fmt.Errorf("the ranges from %v and from %v overlap", a.first, b.first))
		}
	}
	return nil
}

func refused(err error) error {
	return fault.Wrap(fault.Invalid, "places.file", "The table of places cannot be used: "+err.Error(), err)
}

// Of names the place of an address, as "Albany, New York, United States"; "" where
// the table has none, or the text is no address. A nil table has none.
func (t *Table) Of(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || t == nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	i, found := slices.BinarySearchFunc(t.ranges, a, func(s span, a netip.Addr) int { return s.first.Compare(a) })
	if !found {
		i--
	}
	if i < 0 || t.ranges[i].last.Less(a) || t.ranges[i].first.Is4() != a.Is4() {
		return ""
	}
	return t.ranges[i].place
}
