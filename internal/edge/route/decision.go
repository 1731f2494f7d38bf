package route

import (
	"time"

	"standfast/internal/journey"
)

// Decision is one change of who answers whom, with its reason: the line of the record.
type Decision struct {
	ID      int64        `json:"id"` // given by the record
	At      time.Time    `json:"at"`
	Cell    string       `json:"cell"`
	Kind    Kind         `json:"kind"`
	Journey journey.Name `json:"journey"` // "*": all
	Build   string       `json:"build,omitempty"`
	Side    Side         `json:"side,omitempty"`   // that answers most members from now on
	Share   Share        `json:"share"`            // of core, of the build, or of the exercise
	Target  Share        `json:"target,omitempty"` // that a build's share grows to
	Cause   string       `json:"cause"`
	Until   time.Time    `json:"until,omitzero"` // of an override
	Who     string       `json:"who,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Core    Tally        `json:"core"`    // of the last minute, or of the old build
	Other   Tally        `json:"standin"` // of the last minute, or of the new build
}

// Kind says what a decision is about.
type Kind string

// The kinds of decisions.
const (
	Switched   Kind = "switch"   // a journey's side or share
	Overridden Kind = "override" // somebody's word on a journey, or its end
	Rolled     Kind = "build"    // a build's share
	Exercised  Kind = "exercise" // how much the stand-in is shown in quiet times
)

// Every is the journey of decisions about all of a cell's journeys.
const Every journey.Name = "*"

// Override is an operator's word on who answers a journey until some time.
type Override struct {
	Cell    string       `json:"cell"`
	Journey journey.Name `json:"journey"`        // or Every
	Side    Side         `json:"side"`           // empty: ends an override
	Mark    string       `json:"mark,omitempty"` // of the state that was looked at; empty: whatever stands
	Until   time.Time    `json:"until"`
	Who     string       `json:"who"`
	Reason  string       `json:"reason"`
}
