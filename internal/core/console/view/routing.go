package view

import (
	"strconv"
	"time"

	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/steer"
)

// RoutingPage is who answers members.
type RoutingPage struct {
	traffic.View
	Done string
}

// ChangePage is a change of that, as its form and as its review show it.
type ChangePage struct {
	traffic.View
	Change  traffic.Change
	Problem string
	Prompt  staff.Prompt // of the review
}

// journeys are those that are counted.
func (d RoutingPage) journeys() (list []steer.Journey) {
	for _, j := range d.Now.Journeys {
		if j.Journey != "" {
			list = append(list, j)
		}
	}
	return list
}

func (f Frame) journeyName(name string) string {
	switch name {
	case steer.Every:
		return f.T("console.route.all")
	case "": // what is counted nowhere, and goes where the rest goes
		return f.T("console.route.else")
	}
	return f.T("console.journey." + name)
}

func (f Frame) side(side string) string { return f.T("console.side." + side) }

// share writes hundredths of a percent.
func (f Frame) share(s int) string { return f.Percent(int64(s)) }

// process is a process's name, and its state with the colour of that.
func (f Frame) process(p steer.Process) (name, words, class string) {
	name = f.side(p.Side)
	if p.Build != "" {
		name += " " + p.Build
	}
	switch {
	case !p.Alive:
		return name, f.T("console.route.dead"), "bad"
	case p.Drained:
		return name, f.T("console.route.drained"), "bad"
	case !p.Ready:
		return name, f.T("console.route.unready"), "late"
	}
	return name, f.T("console.route.ready"), "good"
}

// served is the share of requests that did not fail, "–" where none came.
func (f Frame) served(t steer.Tally) string {
	if t.All() == 0 {
		return "–"
	}
	return f.share(steer.All * (t.All() - t.Failed) / t.All())
}

// within is an upper bound of how long answers took.
func within(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return "≤ " + strconv.Itoa(int(ms)) + " ms"
}

// last says when and why a journey's side was last decided about.
func (f Frame) last(d RoutingPage, j string) string {
	l := d.Last(d.Now.Name, j)
	if l == nil {
		return "–"
	}
	return f.T("console.route.last-is", "Time", f.short(l.At, d.At), "Cause", f.cause(l.Cause))
}

// plainYear is how far from another time one needs no year to be understood.
const plainYear = 180 * 24 * time.Hour

// short is a time beside another, without what that one makes plain. The page says
// what zone all its times are in.
func (f Frame) short(t, beside time.Time) string {
	if t.Sub(beside).Abs() > plainYear {
		return f.DateTime(t)
	}
	return f.T("console.route.short", "Date", f.ShortDate(t), "Time", f.Clock(t))
}

func (f Frame) cause(c string) string {
	if id := "console.cause." + c; f.Has(id) {
		return f.T(id)
	}
	return c
}

// decided says what a decision was about.
func (f Frame) decided(d steer.Decision) string {
	switch {
	case d.Kind == "build" && d.Target > d.Share:
		return f.T("console.route.build-grows", "Name", d.Build, "Share", f.share(d.Share), "Target", f.share(d.Target))
	case d.Kind == "build":
		return f.T("console.route.build", "Name", d.Build, "Share", f.share(d.Share))
	case d.Kind == "exercise":
		return f.T("console.route.exercise-is", "Share", f.share(d.Share))
	case d.Side == "":
		return f.T("console.route.ended", "Journey", f.journeyName(d.Journey))
	}
	return f.T("console.route.to", "Journey", f.journeyName(d.Journey), "Side", f.side(d.Side))
}

// minute is one minute of a chart: how many of its requests each side served.
type minute struct {
	At                    time.Time
	All, Core, Spare, Bad int
}

// minutes sums the processes of a journey, minute by minute; nil where nothing came.
func minutes(j steer.Journey, at time.Time) (list []minute) {
	for _, f := range j.Figures {
		for i, t := range f.Hour {
			if list == nil {
				list = make([]minute, len(f.Hour))
			}
			m := &list[i]
			m.At = at.Truncate(time.Minute).Add(-time.Duration(len(f.Hour)-1-i) * time.Minute)
			m.All, m.Bad = m.All+t.All(), m.Bad+t.Failed
			if f.Side == steer.Standin {
				m.Spare += t.All() - t.Failed
			} else {
				m.Core += t.All() - t.Failed
			}
		}
	}
	return list
}

// block is one rectangle of a chart, in its own units: 10 a minute, 60 high.
type block struct{ X, Y, Height, Class string }

// bars are a chart's rectangles: of each minute all requests are the whole height.
func bars(list []minute) (out []block) {
	const height = 60
	for i, m := range list {
		below := 0.0
		for _, part := range []struct {
			n     int
			class string
		}{{m.Core, "by-core"}, {m.Spare, "by-standin"}, {m.Bad, "by-nobody"}} {
			if part.n == 0 {
				continue
			}
			h := height * float64(part.n) / float64(m.All)
			out = append(out, block{strconv.Itoa(10 * i), coordinate(height - below - h), coordinate(h), part.class})
			below += h
		}
	}
	return out
}

func coordinate(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// sums are a journey's figures of the last minute and hour over all processes.
func sums(j steer.Journey) (now, hour steer.Tally, p95, hourP95 float64) {
	for _, f := range j.Figures {
		now, hour = now.Plus(f.Minute), hour.Plus(f.Sum())
		p95, hourP95 = max(p95, f.P95), max(hourP95, f.HourP95)
	}
	return now, hour, p95, hourP95
}

// term is how long a change lasts, in words.
func (f Frame) term(minutes int) string {
	if minutes < 60 {
		return f.N("console.route.minutes", minutes)
	}
	return f.N("console.route.hours", minutes/60)
}
