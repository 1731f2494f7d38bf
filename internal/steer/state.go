// Package steer is what an edge tells of who answers whom, and how it is told to
// change that: the wire form of /edge/v1, and a client of it by mutual TLS. Core's
// console and the command line speak it; package edge/control answers.
package steer

import "time"

// Sides that answer.
const (
	Core    = "core"
	Standin = "standin"
)

// Every is the journey of a decision about all of a cell's journeys.
const Every = "*"

// All is everybody, in hundredths of a percent.
const All = 10_000

// State is who answers what, and how well.
type State struct {
	At        time.Time  `json:"at"`
	Cells     []Cell     `json:"cells"`
	Decisions []Decision `json:"decisions"` // the newest first
	Record    string     `json:"record"`    // "ok", or "unavailable": routing goes on without it
}

// Cell finds a cell by its name; nil when the edge does not have it.
func (s State) Cell(name string) *Cell {
	for i := range s.Cells {
		if s.Cells[i].Name == name {
			return &s.Cells[i]
		}
	}
	return nil
}

// Last is the newest decision that said which side answers a journey; nil when
// the state comes with none.
func (s State) Last(cell, journey string) *Decision {
	for i, d := range s.Decisions {
		if d.Cell == cell && (d.Kind == "switch" || d.Kind == "override") && (d.Journey == journey || d.Journey == Every) {
			return &s.Decisions[i]
		}
	}
	return nil
}

// Cell is the state of one cell.
type Cell struct {
	Name      string    `json:"name"`
	Exercise  int       `json:"exercise"`                // of looking requests that the stand-in is shown too, in hundredths of a percent
	Shown     string    `json:"exercise_mark,omitempty"` // changes with the exercise's share; empty without a stand-in
	Mark      string    `json:"mark"`                    // changes with who answers any of its journeys
	Processes []Process `json:"processes"`
	Journeys  []Journey `json:"journeys"`
}

// Journey finds a journey by its name; nil when the cell does not have it.
func (c *Cell) Journey(name string) *Journey {
	for i := range c.Journeys {
		if c.Journeys[i].Journey == name {
			return &c.Journeys[i]
		}
	}
	return nil
}

// MarkOf is the mark of a journey or, for Every, of the cell.
func (c *Cell) MarkOf(journey string) string {
	if journey == Every {
		return c.Mark
	}
	if j := c.Journey(journey); j != nil {
		return j.Mark
	}
	return ""
}

// Build finds a build of core by its name; nil when the cell does not have it.
func (c *Cell) Build(name string) *Process {
	for i, p := range c.Processes {
		if p.Side == Core && p.Build == name {
			return &c.Processes[i]
		}
	}
	return nil
}

// ShareMark is the mark of a build's share or, for "", of the exercise's. It is
// empty where there is no share to set.
func (c *Cell) ShareMark(build string) string {
	if build == "" {
		return c.Shown
	}
	if p := c.Build(build); p != nil {
		return p.Mark
	}
	return ""
}

// HasStandin tells whether there is another side than core.
func (c *Cell) HasStandin() bool {
	for _, p := range c.Processes {
		if p.Side == Standin {
			return true
		}
	}
	return false
}

// Process is one build of core, or the stand-in. Shares are hundredths of a percent.
type Process struct {
	Side     string `json:"side"`
	Build    string `json:"build,omitempty"`
	Says     string `json:"says,omitempty"` // the build that it says it is
	Alive    bool   `json:"alive"`
	Ready    bool   `json:"ready"`
	Share    int    `json:"share"`  // of core's members
	Target   int    `json:"target"` // that the share grows to
	Drained  bool   `json:"drained"`
	InFlight int    `json:"in_flight"`
	Mark     string `json:"mark,omitempty"` // changes with what people said of its share; empty: it has none to set
}

// Journey is who answers one journey, and what came of it.
type Journey struct {
	Journey  string    `json:"journey"`  // empty: what is counted nowhere
	Switched bool      `json:"switched"` // the stand-in can do it too
	Side     string    `json:"side"`
	AtCore   int       `json:"at_core"`
	Since    time.Time `json:"since,omitzero"`
	Hold     float64   `json:"hold_seconds"`
	Mark     string    `json:"mark"`
	Override *Override `json:"override,omitempty"`
	Figures  []Figures `json:"figures"`
}

// Figures are what one process did for one journey.
type Figures struct {
	Side    string  `json:"side"`
	Build   string  `json:"build,omitempty"`
	Minute  Tally   `json:"minute"`
	P95     float64 `json:"p95_ms"`      // an upper bound, of the last minute
	HourP95 float64 `json:"hour_p95_ms"` // the same of the last hour
	Hour    []Tally `json:"hour,omitempty"`
}

// Sum is all of the last hour.
func (f Figures) Sum() (t Tally) {
	for _, m := range f.Hour {
		t = t.Plus(m)
	}
	return t
}

// Tally counts how requests ended.
type Tally struct {
	Done    int `json:"done"`
	Partial int `json:"partial"`
	Refused int `json:"refused"`
	Failed  int `json:"failed"` // with those that got no answer
	Lost    int `json:"lost"`
	Shed    int `json:"shed"` // turned away because of load; in no other figure
}

// All counts every judged request.
func (t Tally) All() int { return t.Done + t.Partial + t.Refused + t.Failed }

// Plus gives the sum of two tallies.
func (t Tally) Plus(o Tally) Tally {
	return Tally{t.Done + o.Done, t.Partial + o.Partial, t.Refused + o.Refused, t.Failed + o.Failed, t.Lost + o.Lost, t.Shed + o.Shed}
}

// Decision is one change of who answers whom, with its reason.
type Decision struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Cell    string    `json:"cell"`
	Kind    string    `json:"kind"` // switch, override, build, exercise
	Journey string    `json:"journey"`
	Build   string    `json:"build,omitempty"`
	Side    string    `json:"side,omitempty"`
	Share   int       `json:"share"`
	Target  int       `json:"target,omitempty"`
	Cause   string    `json:"cause"`
	Until   time.Time `json:"until,omitzero"`
	Who     string    `json:"who,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// Override is somebody's word on who answers a journey until some time.
type Override struct {
	Cell    string    `json:"cell"`
	Journey string    `json:"journey"`        // or Every
	Side    string    `json:"side"`           // empty: ends an override
	Mark    string    `json:"mark,omitempty"` // that was looked at when this was decided; empty: whatever stands
	Until   time.Time `json:"until"`
	Who     string    `json:"who"`
	Reason  string    `json:"reason"`
}

// Share is somebody's word on a build's share, or on the exercise's.
type Share struct {
	Cell   string `json:"cell"`
	Build  string `json:"build"` // empty: the exercise's
	Share  int    `json:"share"`
	Mark   string `json:"mark,omitempty"` // that was looked at when this was decided; empty: whatever stands
	Who    string `json:"who"`
	Reason string `json:"reason"`
}
