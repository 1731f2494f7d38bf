package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"time"
)

//go:embed page.html
var pageText string

// page is the report for people: every figure with its bound, and for each
// journey a drawing of its seconds with the table that the drawing is made from.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"value": (*Figure).value, "verdict": (*Figure).verdict, "passed": verdict,
	"met":   func(f *Figure) bool { return f.Met == nil || *f.Met },
	"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"share": func(s Second) string { return percent(share(s)) },
	"ms":    func(s float64) string { return fmt.Sprintf("%.0f ms", 1000*s) },
	"draw":  draw,
}).Parse(pageText))

// WritePage writes the report as one file that needs no other.
func (r *Report) WritePage(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := page.Execute(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Measures of a drawing, in units of its own coordinates.
const (
	drawingWide, drawingHigh = 720, 96
	left, top, bottom        = 44, 8, 20
)

// drawing is a journey's seconds as columns: what was served from the ground up,
// what was not above it.
type drawing struct {
	Title        string
	Wide, High   int
	Left, Ground int
	Top          int
	Columns      []column
	Marks        []drawnMark
	Begin, End   time.Time
}

type column struct {
	X, Width, ServedY, ServedHigh, MissedY, MissedHigh float64
	Second                                             Second
}

type drawnMark struct {
	X    float64
	What string
	At   time.Time
}

// draw lays a line of a row out on the row's own span of time, so that all
// journeys of a row stand below each other.
func draw(row *Row, l Line) drawing {
	begin, end := row.span()
	d := drawing{Title: l.Journey, Wide: drawingWide, High: drawingHigh, Left: left, Top: top, Ground: drawingHigh - bottom, Begin: begin, End: end}
	each := float64(drawingWide-left) / max(1, end.Sub(begin).Seconds())
	at := func(t time.Time) float64 { return left + t.Sub(begin).Seconds()*each }
	high := float64(d.Ground - top)
	for _, s := range l.Seconds {
		served := high * share(s)
		d.Columns = append(d.Columns, column{X: at(s.At), Width: max(0.8, each*0.9), Second: s,
			ServedY: float64(d.Ground) - served, ServedHigh: served, MissedY: top, MissedHigh: high - served})
	}
	for _, m := range row.Marks {
		d.Marks = append(d.Marks, drawnMark{min(max(at(m.At), left), drawingWide), m.What, m.At})
	}
	return d
}

// span gives the time between a row's first second and the end of its last.
func (row *Row) span() (begin, end time.Time) {
	for _, l := range row.Timeline {
		for _, s := range l.Seconds {
			if begin.IsZero() || s.At.Before(begin) {
				begin = s.At
			}
			if last := s.At.Add(time.Second); last.After(end) {
				end = last
			}
		}
	}
	return begin, end
}

func share(s Second) float64 {
	if s.All == 0 {
		return 0
	}
	return float64(s.Served) / float64(s.All)
}
