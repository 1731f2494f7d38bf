package importer

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"standfast/internal/fault"
)

// layout is the columns of a kind of file.
type layout struct {
	required, optional []string
	secret             []string // never written to the file of rejects
}

// table is an open file whose header was understood.
type table struct {
	*csvReader
	file    *os.File
	header  []string
	place   map[string]int // of a column in a row
	ignored []string
	layout  layout
}

// openTable opens a file and reads its header. Names of columns may be written
// in any case and order.
func openTable(path string, l layout) (*table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import.file", fmt.Sprintf("%s cannot be opened.", path), err)
	}
	t := &table{file: file, layout: l, place: map[string]int{}}
	if err := t.readHeader(path); err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

func (t *table) readHeader(path string) (err error) {
	name := filepath.Base(path)
	bad := func(code, message string) error { return fault.New(fault.Invalid, code, name+": "+message) }
	if t.csvReader, err = newCSVReader(t.file); err != nil {
		return fault.Wrap(fault.Invalid, "import.file", name+": "+err.Error()+".", err)
	}
	head, err := t.next()
	if err == io.EOF {
		return bad("import.empty", "the file is empty; its first line must name the columns.")
	}
	if err == nil {
		err = head.err
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, "import.header", name+": the first line cannot be read.", err)
	}
	t.header = head.fields
	for i, column := range head.fields {
		column = strings.ToLower(strings.TrimSpace(column))
		if _, twice := t.place[column]; twice {
			return bad("import.column-twice", fmt.Sprintf("the column %q is there twice.", column))
		}
		t.place[column] = i
		if !slices.Contains(t.layout.required, column) && !slices.Contains(t.layout.optional, column) {
			t.ignored = append(t.ignored, column)
		}
	}
	var missing []string
	for _, column := range t.layout.required {
		if _, ok := t.place[column]; !ok {
			missing = append(missing, column)
		}
	}
	if len(missing) > 0 {
		return bad("import.column", "these columns are missing: "+strings.Join(missing, ", ")+".")
	}
	return nil
}

// row is a record seen through its header.
type row struct {
	t      *table
	fields []string
}

// get gives a field without spaces around it, or "" where the file has no such column.
func (r row) get(column string) string {
	if i, ok := r.t.place[column]; ok {
		return strings.TrimSpace(r.fields[i])
	}
	return ""
}

// check tells what is wrong with a record before anybody looks at its fields.
func (t *table) check(rec record) error {
	switch {
	case rec.err != nil:
		return rec.err
	case len(rec.fields) != len(t.header):
		return fmt.Errorf("the row has %d fields and the first line %d", len(rec.fields), len(t.header))
	}
	for i, field := range rec.fields {
		if !utf8.ValidString(field) || strings.IndexByte(field, 0) >= 0 {
			return fmt.Errorf("%s is no text in UTF-8", t.header[i])
		}
	}
	return nil
}
