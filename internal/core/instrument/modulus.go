package instrument

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// method of a modulus check, as the table names it.
type modulusMethod string

const (
	mod10     modulusMethod = "MOD10"
	mod11     modulusMethod = "MOD11"
	doubleAlt modulusMethod = "DBLAL" // digits of the products are added, modulus 10
)

// weights stand for the 14 digits u v w x y z (sort code) a b c d e f g h (account).
type weights [14]int

// modulusRow is one row of the weight table.
type modulusRow struct {
	from, to  string // sort codes, inclusive
	method    modulusMethod
	weights   weights
	exception int // 0 none
}

// ModulusTable holds Pay.UK's modulus weight table (valacdos) and sorting code
// substitutions (scsubtab), which an issuer obtains and renews. It never changes
// after loading.
type ModulusTable struct {
	rows        []modulusRow // by from; rows of one range stay in the file's order
	substitutes map[string]string
}

// maxModulusRows bounds what LoadModulus reads; the table of 2026 has 1,115 rows.
const maxModulusRows = 100_000

// LoadModulus reads both files. An error names file and line.
func LoadModulus(valacdos, scsubtab io.Reader) (*ModulusTable, error) {
	t := &ModulusTable{substitutes: map[string]string{}}
	err := eachLine(valacdos, "valacdos", func(f []string) error {
		row, err := parseModulusRow(f)
		t.rows = append(t.rows, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.rows, func(a, b modulusRow) int { return cmp.Compare(a.from, b.from) })
	if err := t.checkRanges(); err != nil {
		return nil, err
	}
	err = eachLine(scsubtab, "scsubtab", func(f []string) error {
		if len(f) != 2 || !isSortCode(f[0]) || !isSortCode(f[1]) {
			return fmt.Errorf("want two sort codes")
		}
		t.substitutes[f[0]] = f[1]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func eachLine(r io.Reader, file string, parse func(fields []string) error) error {
	in := bufio.NewScanner(r)
	line := 0
	for in.Scan() {
		if line++; line > maxModulusRows {
			return fmt.Errorf("%s: more than %d lines", file, maxModulusRows)
		}
		f := strings.Fields(in.Text())
		if len(f) == 0 {
			continue
		}
		if err := parse(f); err != nil {
			return fmt.Errorf("%s: line %d: %w", file, line, err)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("%s: after line %d: %w", file, line, err)
	}
	return nil
}

// parseModulusRow reads "from to method" and 14 weights, then perhaps an exception.
func parseModulusRow(f []string) (modulusRow, error) {
	if len(f) != 17 && len(f) != 18 {
		return modulusRow{}, fmt.Errorf("want 17 or 18 columns, got %d", len(f))
	}
	r := modulusRow{from: f[0], to: f[1], method: modulusMethod(f[2])}
	if !isSortCode(r.from) || !isSortCode(r.to) || r.from > r.to {
		return r, fmt.Errorf("want a range of sort codes")
	}
	if r.method != mod10 && r.method != mod11 && r.method != doubleAlt {
		return r, fmt.Errorf("unknown method %q", r.method)
	}
	for i := range r.weights {
		w, err := strconv.Atoi(f[3+i])
		if err != nil || w < -1000 || w > 1000 {
			return r, fmt.Errorf("weight %d: want a small integer", i+1)
		}
		r.weights[i] = w
	}
	if len(f) == 18 {
		e, err := strconv.Atoi(f[17])
		if err != nil || e < 1 || e > 14 {
			return r, fmt.Errorf("want an exception from 1 to 14")
		}
		r.exception = e
	}
	return r, nil
}

func isSortCode(s string) bool { return len(s) == 6 && isClass(s, 'n') }

// find gives the rows that cover a sort code: none, one or two.
func (t *ModulusTable) find(sort string) []modulusRow {
	end, _ := slices.BinarySearchFunc(t.rows, sort, func(r modulusRow, s string) int {
		if r.from <= s {
			return -1
		}
		return 1
	})
	if end == 0 || t.rows[end-1].to < sort {
		return nil
	}
	if end > 1 && t.rows[end-2].from == t.rows[end-1].from {
		return t.rows[end-2 : end]
	}
	return t.rows[end-1 : end]
}

// checkRanges holds what find relies on: ranges are equal or apart, and none
// stands more than twice.
func (t *ModulusTable) checkRanges() error {
	for i := 1; i < len(t.rows); i++ {
		before, r := t.rows[i-1], t.rows[i]
		same := before.from == r.from && before.to == r.to
		if !same && r.from <= before.to {
			return fmt.Errorf("valacdos: the ranges %s-%s and %s-%s overlap", before.from, before.to, r.from, r.to)
		}
		if same && i > 1 && t.rows[i-2].from == r.from {
			return fmt.Errorf("valacdos: the range %s-%s stands more than twice", r.from, r.to)
		}
	}
	return nil
}
