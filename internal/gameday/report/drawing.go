package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// Measures of a drawing, in units of its own coordinates.
const (
	drawingWide = 720.0
	stripHigh   = 56.0 // one journey's
	dots        = 10.0 // above it, for sign-ins that were forced
	tickGap     = 90.0 // least, between two times on the axis
)

// drawing is an act: for each journey a strip of columns, all on one span of time.
type drawing struct {
	Wide, High float64
	Strips     []strip
	Spans      []span // in which something was broken
	Marks      []placed
	Ticks      []tick
	Answerers  []answerer // who served, in the order of their colours
	Missed     bool
	Forced     bool
}

// strip is one journey's seconds as columns: what was served from the ground up,
// by whom, and what was not served above it.
type strip struct {
	Line    Line
	Total   string // share served of all
	Columns []column
}

type column struct {
	X, Width float64
	Parts    []part
	Forced   int
	Second   Second
	Who      string // for the table
}

// part is a piece of a column. Class is "by0" and so on, or "missed".
type part struct {
	Class   string
	Y, High float64
}

type span struct {
	X, Width float64
	What     string
}

type placed struct {
	Number, Level int // marks close to each other stand above each other
	X             float64
	After         string // since the act's begin
	Mark          Mark
}

const (
	markWide   = 40.0 // room that a mark's number needs
	markLevels = 4
)

type tick struct {
	X     float64
	Label string
}

type answerer struct {
	Class, Name string
}

// maxColours is how many that answer are told apart; beyond that they share one.
const maxColours = 4

func (a Act) draw() drawing {
	begin, end := a.span()
	d := drawing{Wide: drawingWide, High: stripHigh + dots}
	scale := drawingWide / max(1, end.Sub(begin).Seconds())
	at := func(t time.Time) float64 { return min(max(t.Sub(begin).Seconds()*scale, 0), drawingWide) }
	classes := a.colours(&d)
	for _, l := range a.Lines {
		s := strip{Line: l, Total: l.total()}
		for _, second := range l.Seconds {
			c := column{X: at(second.At), Width: max(0.8, scale*0.92), Second: second, Forced: second.Forced, Parts: second.parts(classes), Who: second.who()}
			d.Missed = d.Missed || second.Served < second.All
			d.Forced = d.Forced || second.Forced > 0
			s.Columns = append(s.Columns, c)
		}
		d.Strips = append(d.Strips, s)
	}
	d.place(a.Marks, begin, at)
	d.ticks(begin, end, at)
	return d
}

// colours gives each that answers a class, core and the stand-in first.
func (a Act) colours(d *drawing) map[string]string {
	names := map[string]bool{}
	for _, l := range a.Lines {
		for _, s := range l.Seconds {
			for name := range s.By {
				names[name] = name != nobody
			}
		}
	}
	classes := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		class := "by" + strconv.Itoa(min(len(classes), maxColours-1))
		classes[name] = class
		d.Answerers = append(d.Answerers, answerer{class, name})
	}
	if len(classes) == 0 {
		d.Answerers = []answerer{{"by0", "served"}}
	}
	return classes
}

// nobody is who has answered when the edge did so itself, for want of anybody else.
const nobody = "edge"

// parts divides what was served among those who answered, as the edge has counted
// them; what was not served stands above.
func (s Second) parts(classes map[string]string) (list []part) {
	y := stripHigh + dots
	add := func(class string, high float64) {
		if high > 0 {
			y -= high
			list = append(list, part{class, y, high})
		}
	}
	served, counted := stripHigh*share(s), 0
	for name, n := range s.By {
		if name != nobody {
			counted += n
		}
	}
	switch {
	case counted == 0 && len(classes) > 1:
		add("unseen", served) // by one of them
	case counted == 0:
		add("by0", served)
	}
	for _, name := range slices.Sorted(maps.Keys(s.By)) {
		if name != nobody && counted > 0 {
			add(classes[name], served*float64(s.By[name])/float64(counted))
		}
	}
	add("missed", stripHigh-served)
	return list
}

// who says in words who answered.
func (s Second) who() (text string) {
	for _, name := range slices.Sorted(maps.Keys(s.By)) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s %d", name, s.By[name])
	}
	return text
}

func (l Line) total() string {
	served, all := 0, 0
	for _, s := range l.Seconds {
		served, all = served+s.Served, all+s.All
	}
	if all == 0 {
		return "nobody asked"
	}
	return fmt.Sprintf("%d of %d served", served, all)
}

// place puts the marks on the span, with a number that the list has too, and
// shades what lies between a fault and its end.
func (d *drawing) place(marks []Mark, begin time.Time, at func(time.Time) float64) {
	open := -1
	ends := make([]float64, markLevels)
	for i, m := range marks {
		x := at(m.At)
		level := max(0, slices.IndexFunc(ends, func(end float64) bool { return end <= x }))
		ends[level] = x + markWide
		d.Marks = append(d.Marks, placed{i + 1, level, x, elapsed(m.At.Sub(begin)), m})
		switch {
		case m.Kind == Broken && open < 0:
			open = len(d.Spans)
			d.Spans = append(d.Spans, span{X: x, Width: drawingWide - x, What: m.What})
		case m.Kind == Healed && open >= 0:
			d.Spans[open].Width = x - d.Spans[open].X
			open = -1
		}
	}
}

// ticks are the times on the axis, in steps that a reader counts in.
func (d *drawing) ticks(begin, end time.Time, at func(time.Time) float64) {
	seconds := end.Sub(begin).Seconds()
	for _, step := range []float64{5, 10, 30, 60, 120, 300, 600, math.Inf(1)} {
		if step*drawingWide < tickGap*seconds {
			continue
		}
		for s := 0.0; s <= seconds && !math.IsInf(step, 1); s += step {
			t := time.Duration(s * float64(time.Second))
			d.Ticks = append(d.Ticks, tick{at(begin.Add(t)), elapsed(t)})
		}
		return
	}
}

// elapsed writes a time as minutes and seconds.
func elapsed(d time.Duration) string {
	s := int(max(0, d).Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Left is a place on the span in percent of its width.
func (d drawing) Left(x float64) string { return fmt.Sprintf("%.2f", 100*x/drawingWide) }

// FlagsHigh is the room of the marks' numbers above the strips, in rem.
func (d drawing) FlagsHigh() int {
	high := 0
	for _, m := range d.Marks {
		high = max(high, m.Level+1)
	}
	return high
}
