package importer

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"standfast/internal/fault"
)

// rejects writes the rows that were not taken to FILE.rejected.csv: line, reason
// and the row as it came, less what is secret. The file is only there when there
// is something in it.
type rejects struct {
	path  string
	table *table
	file  *os.File
	csv   *csv.Writer
	n     int64
}

func newRejects(path string, t *table) (*rejects, error) {
	r := &rejects{path: path + ".rejected.csv", table: t}
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r.failed(err)
	}
	return r, nil
}

func (r *rejects) failed(err error) error {
	return fault.Wrap(fault.Invalid, "import.rejects", r.path+" cannot be written.", err)
}

func (r *rejects) add(rec record, reason error) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	r.n++
	return r.write(append([]string{strconv.FormatInt(rec.line, 10), reasonText(reason)}, r.shown(rec)...))
}

func (r *rejects) write(line []string) error {
	for i, field := range line {
		line[i] = inert(field)
	}
	if err := r.csv.Write(line); err != nil {
		return r.failed(err)
	}
	return nil
}

// number is what a spreadsheet reads as a number, and a telephone number in E.164 form.
var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// inert keeps a spreadsheet from reading somebody's text as a formula: an
// apostrophe before it makes it text. A number is no formula and keeps its sign, so
// that a row which is put right can be imported as it stands.
func inert(field string) string {
	if field != "" && strings.ContainsRune("=+-@\t\r", rune(field[0])) && !number.MatchString(field) {
		return "'" + field
	}
	return field
}

func (r *rejects) open() (err error) {
	if r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil {
		return r.failed(err)
	}
	r.csv = csv.NewWriter(r.file)
	return r.write(append([]string{"line", "reason"}, r.table.header...))
}

// shown gives the fields with secret ones left out. A row that could not be
// taken apart is left out whole where it may hold a secret.
func (r *rejects) shown(rec record) []string {
	if len(r.table.layout.secret) == 0 {
		return rec.fields
	}
	if len(rec.fields) != len(r.table.header) {
		return nil
	}
	fields := slices.Clone(rec.fields)
	for _, column := range r.table.layout.secret {
		if i, ok := r.table.place[column]; ok && fields[i] != "" {
			fields[i] = "(not shown)"
		}
	}
	return fields
}

// close writes what is buffered and gives the path, or "" when nothing was rejected.
func (r *rejects) close() (string, error) {
	if r.file == nil {
		return "", nil
	}
	r.csv.Flush()
	if err := errors.Join(r.csv.Error(), r.file.Close()); err != nil {
		return "", r.failed(err)
	}
	return r.path, nil
}

// reasonText says why a row was rejected, naming each field.
func reasonText(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err.Error()
	}
	if len(e.Fields) == 0 {
		return e.Message
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = strings.TrimPrefix(f.Location, "body.") + ": " + f.Message
	}
	return strings.Join(parts, " ")
}
