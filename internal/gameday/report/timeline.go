package report

import (
	"slices"
	"time"
)

// Line is one journey's seconds, without those in which nobody asked. A row that
// begins anew, on a stage of its own for each fault, has its lines by acts.
type Line struct {
	Act     string   `json:"act,omitempty"`
	Journey string   `json:"journey"`
	Seconds []Second `json:"seconds"`
}

// Second is what was asked and served in one second. P95 is in seconds. By says
// who answered: sides, or builds of core, as the edge has counted them in this
// second, also answers that a request of another second was for.
type Second struct {
	At     time.Time      `json:"at"`
	Served int            `json:"served"`
	All    int            `json:"all"`
	P95    float64        `json:"p95_s"`
	By     map[string]int `json:"by,omitempty"`
	Forced int            `json:"sign_ins_forced,omitempty"`
}

// Mark is something that was done to the processes or their surroundings, or that
// they decided themselves.
type Mark struct {
	Act  string    `json:"act,omitempty"`
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind,omitempty"`
	What string    `json:"what"`
}

// Kind says what a mark is about.
type Kind string

// The kinds of marks. What is none of them has none.
const (
	Broken  Kind = "broken"  // a fault begins
	Healed  Kind = "healed"  // and ends
	Decided Kind = "decided" // by the processes themselves
)

// Mark notes that something is done now.
func (row *Row) Mark(what string) { row.AddMark(Mark{What: what}) }

// AddMark adds a mark; one without a time is of now.
func (row *Row) AddMark(m Mark) {
	if m.At.IsZero() {
		m.At = time.Now().UTC()
	}
	row.Marks = append(row.Marks, m)
}

// Acts are a row's lines and marks act by act, in the order of their lines.
func (row *Row) Acts() []Act {
	var list []Act
	for _, l := range row.Timeline {
		i := slices.IndexFunc(list, func(a Act) bool { return a.Name == l.Act })
		if i < 0 {
			i = len(list)
			list = append(list, Act{Name: l.Act, Marks: row.marks(l.Act)})
		}
		list[i].Lines = append(list[i].Lines, l)
	}
	return list
}

func (row *Row) marks(act string) (list []Mark) {
	for _, m := range row.Marks {
		if m.Act == act {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b Mark) int { return a.At.Compare(b.At) })
	return list
}

// Act is what belongs together on one span of time.
type Act struct {
	Name  string
	Lines []Line
	Marks []Mark
}

// span gives the time between an act's first second and the end of its last.
func (a Act) span() (begin, end time.Time) {
	for _, l := range a.Lines {
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
