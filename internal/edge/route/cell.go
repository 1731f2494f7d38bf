package route

import (
	"errors"
	"fmt"
	"time"

	"standfast/internal/journey"
)

// Side is who answers: a cell's core, or its stand-in.
type Side string

// The sides.
const (
	Core    Side = "core"
	Standin Side = "standin"
)

// Share is a part of the members, in hundredths of a percent: 100 is 1 %.
type Share int

// All is everybody.
const All Share = 10_000

// Target is one process that requests are sent to.
type Target struct {
	Cell  string
	Side  Side
	Build string // of core; empty for the stand-in
	URL   string // origin of its internal listener
}

// Cell is one cell as the edge's configuration knows it.
type Cell struct {
	Name     string
	Builds   []Build // of core; the first takes everybody whom no other takes
	Standin  string  // origin of the stand-in's internal listener; empty: the cell has none
	Exercise Share   // of looking requests that the stand-in is shown too
}

// Build is one build of core that runs.
type Build struct {
	Name  string
	URL   string
	Share Share // of members that it shall have at last; the first build has what the others leave
}

// check finds what no router can work with.
func (c Cell) check() error {
	if c.Name == "" || len(c.Builds) == 0 {
		return errors.New("a cell needs a name and a build of core")
	}
	names := map[string]bool{}
	for i, b := range c.Builds {
		if b.Name == "" || b.URL == "" || names[b.Name] {
			return fmt.Errorf("cell %s: build %d needs a name of its own and an address", c.Name, i+1)
		}
		if b.Share < 0 || b.Share > All {
			return fmt.Errorf("cell %s: build %s: a share is between 0 and %d", c.Name, b.Name, All)
		}
		names[b.Name] = true
	}
	if len(c.Builds) > 2 {
		return fmt.Errorf("cell %s: two builds of core run side by side, not %d", c.Name, len(c.Builds))
	}
	if c.Exercise < 0 || c.Exercise > All {
		return fmt.Errorf("cell %s: a share is between 0 and %d", c.Name, All)
	}
	return nil
}

// Answer is how one request ended, as the edge saw it.
type Answer struct {
	Outcome journey.Outcome // from the Journey header, else journey.Of the status; not read when Lost
	Took    time.Duration
	Lost    bool   // no answer came: refused, broken off, timed out, or by somebody who is not core or the stand-in
	Shed    bool   // turned away because there was too much to do: load is no fault, and would only move
	Left    bool   // the member went away before there was an answer: nobody's fault
	Full    bool   // with Shed: the edge had no place for it, and the target was never asked
	Late    bool   // Overdue has counted it already
	Member  string // whose it was, as Pick was told
}

// Probe is what one question for readiness found.
type Probe struct {
	Answered bool   // an answer of the form that is agreed came in time
	Ready    bool   // and it said that all is well
	Build    string // that it says it is
}
