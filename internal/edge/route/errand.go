// Package route decides who answers a request: which build of a cell's core, or
// the cell's stand-in. It judges both by what members really got and by probes,
// moves each journey of each cell by itself, and says why.
//
// It decides and does nothing else: it opens no connection, reads no file, and
// takes the time from whoever made it. docs/decisions/0013-switching.md has the
// rules with their figures.
package route

import (
	"net/http"
	"strings"

	"standfast/internal/journey"
)

// Errand is what a request is for, as far as the way that it takes depends on it.
type Errand struct {
	Pattern string       // of the address, as "POST /accounts/{id}/freeze"
	Journey journey.Name // as core counts it; empty: counted nowhere
	With    journey.Name // the journey together with which it is switched, mostly Journey itself
	Standin bool         // the stand-in can do it; anything else it answers with what works and what does not
	Look    bool         // only looks at what the stand-in has too, and changes nothing
	Always  bool         // it is there for every member: a 404 is a failure of whoever gives it
	Keyed   bool         // what carries a key may be asked of both sides: they do it once between them
	Repeats bool         // done on both sides it harms nobody, and either's answer is true
	Either  bool         // what one side or build does not have, another may: after a 404 it is asked once more there
}

// Errands tells what requests are for. The zero value knows none; see Table.
type Errands struct{ mux *http.ServeMux }

// Of gives the errand of a request. One for an address that core does not have
// is the zero Errand, and so is one whose path is not in the form that core takes.
func (e Errands) Of(r *http.Request) Errand {
	h, _ := e.mux.Handler(r)
	known, ok := h.(known)
	if !ok {
		return Errand{}
	}
	return Errand(known)
}

// Table knows every address of core: members' pages and calls of the API. Tests
// of core's portal and API compare it with what they say of themselves.
func Table() Errands {
	mux := http.NewServeMux()
	for _, group := range groups() {
		for _, pattern := range strings.Fields(group.patterns) {
			method, path, _ := strings.Cut(pattern, ":")
			e := group.Errand
			if e.Look && !strings.Contains(path, "{") {
				e.Always, e.Either = true, true
			}
			e.Pattern = method + " " + path
			mux.Handle(e.Pattern, known(e))
		}
	}
	return Errands{mux}
}

// known is an errand in the place of the handler that a mux finds for a request.
type known Errand

// ServeHTTP is never called: the mux only finds.
func (known) ServeHTTP(http.ResponseWriter, *http.Request) {}

// group is the addresses of one errand, each as METHOD:pattern of net/http's mux.
type group struct {
	Errand
	patterns string
}

// apart is a journey that only core can do.
func apart(j journey.Name, patterns string) group {
	return group{Errand{Journey: j, With: j}, patterns}
}

// shared is a journey that both sides can do.
func shared(j journey.Name, patterns string) group {
	return group{Errand{Journey: j, With: j, Standin: true}, patterns}
}

// repeated is a journey that both sides can do, and may both do of one request: a
// password is no question with a second half, a card is frozen or was, and core heeds no
// freeze that is older than what it did with the card since.
func repeated(j journey.Name, patterns string) group {
	return group{Errand{Journey: j, With: j, Standin: true, Repeats: true}, patterns}
}

// looking is a journey of which the stand-in is shown a share in quiet times too.
func looking(j journey.Name, patterns string) group {
	return group{Errand{Journey: j, With: j, Standin: true, Look: true}, patterns}
}
