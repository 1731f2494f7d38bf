// Package control is how the console and operators see and decide who answers:
// a small JSON API on the edge's internal listener, by mutual TLS. It works while
// core and everything else behind the edge is dead.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/fault"
)

// Limits of a call.
const (
	maxBody  = 16 << 10
	callTime = 5 * time.Second
	shown    = 50 // decisions that a state comes with
)

// Every is what Cell answers for callers who may decide about all cells.
const Every = "*"

// Control answers the calls.
type Control struct {
	Router  *route.Router
	Decided func(ctx context.Context, cell string, limit int) ([]route.Decision, error) // of a cell or, for "", of all; the newest first
	Cell    func(*http.Request) string                                                  // that the caller may see and decide about: a name, Every, or "" for none
}

// Handler gives the calls.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /edge/v1/routing", c.show)
	mux.HandleFunc("POST /edge/v1/overrides", decide(c, c.Router.Override, func(o route.Override) string { return o.Cell }))
	mux.HandleFunc("POST /edge/v1/shares", decide(c, c.Router.SetShares, func(s route.Shares) string { return s.Cell }))
	return mux
}

// answer is the state with the decisions that led to it.
type answer struct {
	route.State
	Decisions []route.Decision `json:"decisions"`
	Record    string           `json:"record"` // ok, or unavailable: routing goes on without it
}

func (c *Control) show(w http.ResponseWriter, r *http.Request) {
	cell := c.Cell(r)
	if cell == "" {
		fault.WriteProblem(w, noCell())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	write(w, c.answer(ctx, cell))
}

func (c *Control) answer(ctx context.Context, cell string) answer {
	a := answer{State: c.Router.State(), Record: "ok"}
	asked := ""
	if cell != Every {
		asked, a.Cells = cell, only(a.Cells, cell)
	}
	var err error
	if a.Decisions, err = c.Decided(ctx, asked, shown); err != nil {
		a.Decisions, a.Record = []route.Decision{}, "unavailable"
	}
	return a
}

func only(list []route.CellState, name string) []route.CellState {
	for _, c := range list {
		if c.Name == name {
			return []route.CellState{c}
		}
	}
	return nil
}

// decide makes a call of one decision; what it says then is the new state.
func decide[T any](c *Control, do func(T) error, about func(T) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if err := read(w, r, &in); err != nil {
			fault.WriteProblem(w, err)
			return
		}
		cell := c.Cell(r)
		if cell != Every && (cell == "" || cell != about(in)) {
			fault.WriteProblem(w, noCell())
			return
		}
		if err := do(in); err != nil {
			fault.WriteProblem(w, fault.As(err))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), callTime)
		defer cancel()
		write(w, c.answer(ctx, cell))
	}
}

func noCell() *fault.Error {
	return fault.New(fault.Forbidden, "routing.foreign", "Your certificate is not for this cell.")
}

// read takes one JSON object, with no fields that are not known: a misspelt one
// would be a decision that nobody made.
func read(w http.ResponseWriter, r *http.Request, into any) *fault.Error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return fault.New(fault.UnsupportedMedia, "request.media", "Send application/json.")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return fault.New(fault.TooLarge, "request.too-large", "That is too long.")
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return fault.Wrap(fault.Malformed, "request.json", "This is not the JSON of a decision: "+err.Error(), err)
	}
	return nil
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the caller is gone, or not
}
