package app

import (
	"net/http"
	"slices"
	"time"

	"standfast/internal/edge/proxy"
	"standfast/internal/journey"
)

// inOrder sends every request to a cell's first build, and to the next one when
// that cannot answer.
type inOrder map[string][]proxy.Target

func newEdgeRoutes(c EdgeConfig) proxy.Routes {
	r := inOrder{}
	for _, cell := range c.Cells {
		r[cell.Name] = cell.targets()
	}
	return r
}

func (r inOrder) Pick(cell string, _ *http.Request) (proxy.Target, journey.Name, bool) {
	list := r[cell]
	if len(list) == 0 {
		return proxy.Target{}, "", false
	}
	return list[0], "", true
}

func (r inOrder) Other(failed proxy.Target, _ *http.Request) (proxy.Target, bool) {
	list := r[failed.Cell]
	i := slices.Index(list, failed)
	if i < 0 || i+1 >= len(list) || list[i+1].Side != proxy.Core {
		return proxy.Target{}, false
	}
	return list[i+1], true
}

func (inOrder) Report(proxy.Target, journey.Name, journey.Outcome, time.Duration, error) {}
