// Package report says what a game day has shown: for each row of the scenarios
// the figures it must reach, what was reached, and whether that is a pass.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"
)

// Report is one game day.
type Report struct {
	Gameday  string    `json:"gameday"` // rows that were replayed, as "3 4"
	Engine   string    `json:"engine"`
	Machine  Machine   `json:"machine"`
	Began    time.Time `json:"began"`
	Took     float64   `json:"took_s"`
	Passed   bool      `json:"passed"`
	Rows     []*Row    `json:"rows"`
	Problems []string  `json:"problems,omitempty"` // what kept a row from being replayed
}

// Machine says where it was.
type Machine struct {
	CPUs int    `json:"cpus"`
	OS   string `json:"os"`
	Go   string `json:"go"`
}

// Row is one replayed row of the scenarios.
type Row struct {
	Number  int       `json:"row"`
	Title   string    `json:"title"`
	Passed  bool      `json:"passed"`
	Figures []*Figure `json:"figures"`
	Notes   []string  `json:"notes,omitempty"`
	// Timeline says second by second what members met; Marks, when what was done.
	Timeline []Line `json:"timeline,omitempty"`
	Marks    []Mark `json:"marks,omitempty"`
}

// Figure is one measured value. Value is a share (0 to 1) where Of is set: of so
// many requests as large a part was served. A figure without a bound informs.
type Figure struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Of    int      `json:"of,omitempty"`
	Unit  string   `json:"unit,omitempty"`
	Least *float64 `json:"at_least,omitempty"`
	Most  *float64 `json:"at_most,omitempty"`
	Met   *bool    `json:"met,omitempty"`
	// Misses gives one example of each way in which something went wrong, with its number.
	Misses map[string]int `json:"misses,omitempty"`
}

// New begins a report.
func New(rows, engine string) *Report {
	return &Report{Gameday: rows, Engine: engine, Machine: Machine{runtime.NumCPU(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version()},
		Began: time.Now().UTC().Truncate(time.Second)}
}

// Row begins a row.
func (r *Report) Row(number int, title string) *Row {
	row := &Row{Number: number, Title: title}
	r.Rows = append(r.Rows, row)
	return row
}

// Problem notes what kept a row from being replayed; such a report has not passed.
func (r *Report) Problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Finish judges rows and report.
func (r *Report) Finish() {
	r.Took = time.Since(r.Began).Seconds()
	r.Passed = len(r.Problems) == 0 && len(r.Rows) > 0
	for _, row := range r.Rows {
		row.judge()
		r.Passed = r.Passed && row.Passed
	}
}

// judge passes a row when it has bounds and keeps them all.
func (row *Row) judge() {
	bounds := 0
	row.Passed = true
	for _, f := range row.Figures {
		if f.Met != nil {
			bounds++
			row.Passed = row.Passed && *f.Met
		}
	}
	row.Passed = row.Passed && bounds > 0
}

// Note adds a remark.
func (row *Row) Note(format string, args ...any) {
	row.Notes = append(row.Notes, fmt.Sprintf(format, args...))
}

// Share adds the part of all requests of a kind that was served. Where nothing
// was asked there is no share, and a bound on it is missed.
func (row *Row) Share(name string, served, all int, misses map[string]int) *Figure {
	f := &Figure{Name: name, Of: all, Misses: misses}
	if all > 0 {
		f.Value = float64(served) / float64(all)
	}
	row.Figures = append(row.Figures, f)
	return f
}

// Value adds a plain figure.
func (row *Row) Value(name string, v float64, unit string) *Figure {
	f := &Figure{Name: name, Value: v, Unit: unit}
	row.Figures = append(row.Figures, f)
	return f
}

// AtLeast bounds a figure from below.
func (f *Figure) AtLeast(v float64) *Figure {
	met := f.Value >= v && (f.Unit != "" || f.Of > 0)
	f.Least, f.Met = &v, &met
	return f
}

// AtMost bounds a figure from above.
func (f *Figure) AtMost(v float64) *Figure {
	met := f.Value <= v
	f.Most, f.Met = &v, &met
	return f
}

// Write prints the report as one JSON document or as a table.
func (r *Report) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "game day %s on %s: %d CPUs, %s, %.0f s\n", r.Gameday, r.Engine, r.Machine.CPUs, r.Machine.OS, r.Took)
	for _, row := range r.Rows {
		if err := row.write(w); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "not replayed: %s\n", p)
	}
	_, err := fmt.Fprintln(w, verdict(r.Passed))
	return err
}

func (row *Row) write(w io.Writer) error {
	fmt.Fprintf(w, "\n%d  %s: %s\n", row.Number, row.Title, verdict(row.Passed))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range row.Figures {
		fmt.Fprintf(t, "   %s\t%s\t%s\n", f.Name, f.value(), f.verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range row.Figures {
		for miss, n := range f.Misses {
			fmt.Fprintf(w, "   %s: %d × %s\n", f.Name, n, miss)
		}
	}
	for _, n := range row.Notes {
		fmt.Fprintf(w, "   %s\n", n)
	}
	return nil
}

// value prints a share in percent of how many, any other figure with its unit.
func (f *Figure) value() string {
	if f.Unit == "" {
		return percent(f.Value) + " of " + strconv.Itoa(f.Of)
	}
	return strconv.FormatFloat(f.Value, 'g', 4, 64) + " " + f.Unit
}

// bound says what a figure has to reach.
func (f *Figure) bound() string {
	show := func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
	if f.Unit == "" {
		show = percent
	}
	switch {
	case f.Least != nil:
		return "at least " + show(*f.Least)
	case f.Most != nil:
		return "at most " + show(*f.Most)
	}
	return ""
}

func (f *Figure) verdict() string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return f.bound() + ": met"
	}
	return f.bound() + ": NOT met"
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + " %" }

func verdict(passed bool) string {
	if passed {
		return "passed"
	}
	return "FAILED"
}
