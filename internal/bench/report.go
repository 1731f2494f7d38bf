package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// Report is what one benchmark measured.
type Report struct {
	Bench   string   `json:"bench"`
	Machine Machine  `json:"machine"`
	Took    float64  `json:"took_s"`
	Figures []Figure `json:"figures"`
	Notes   []string `json:"notes,omitempty"`
}

// Machine says where figures were measured.
type Machine struct {
	CPUs int    `json:"cpus"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	Go   string `json:"go"`
}

// Figure is one measured value. Only ratios and sizes have targets: bare speeds
// depend on the machine.
type Figure struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"`
	Least  *float64 `json:"at_least,omitempty"`
	Most   *float64 `json:"at_most,omitempty"`
	Met    *bool    `json:"met,omitempty"`
	Rounds []int64  `json:"rounds,omitempty"` // the single measurements, rounded, where there are several
}

func newReport(name string) *Report {
	return &Report{Bench: name, Machine: Machine{CPUs: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}}
}

func (r *Report) add(name string, value float64, unit string) *Figure {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit})
	return &r.Figures[len(r.Figures)-1]
}

// rate adds the median of several measurements and gives it.
func (r *Report) rate(name string, rounds []float64, unit string) float64 {
	m := median(rounds)
	f := r.add(name, m, unit)
	for _, v := range rounds {
		f.Rounds = append(f.Rounds, int64(v+0.5))
	}
	return m
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (f *Figure) atLeast(v float64) {
	met := f.Value >= v
	f.Least, f.Met = &v, &met
}

func (f *Figure) atMost(v float64) {
	met := f.Value <= v
	f.Most, f.Met = &v, &met
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// percentile gives the value below which the share p of the sorted list lies.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// write prints the report as one JSON document or as a table.
func (r *Report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "bench %s: %d CPUs, %s/%s, %s, %.0f s\n", r.Bench, r.Machine.CPUs, r.Machine.OS, r.Machine.Arch, r.Machine.Go, r.Took)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "  %s\t%s %s\t%s\n", f.Name, number(f.Value), f.Unit, f.verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
	return nil
}

func (f Figure) verdict() string {
	s := ""
	switch {
	case f.Met == nil:
		return s
	case f.Least != nil:
		s = "at least " + number(*f.Least)
	default:
		s = "at most " + number(*f.Most)
	}
	if *f.Met {
		return s + ": met"
	}
	return s + ": NOT met"
}

// number prints three significant digits or the whole number, whichever is more.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
