package scenario

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"standfast/internal/gameday/report"
	"standfast/internal/journey"
)

// watch reads at the edge who has answered members, several times a second.
// Members cannot tell, and are not to.
type watch struct {
	mu     sync.Mutex
	before map[answeredBy]int
	seen   []sighting
	stop   context.CancelFunc
	done   chan struct{}
}

// answeredBy is one counter of the edge, of all outcomes.
type answeredBy struct {
	journey journey.Name
	who     string
}

// sighting is how many answers came between two looks.
type sighting struct {
	at time.Time
	answeredBy
	n int
}

const (
	watchEvery = 200 * time.Millisecond
	edgeSeries = "standfast_edge_requests_seconds_count{"
)

// watchEdge begins to watch, until end is called.
func (s *Stage) watchEdge(ctx context.Context) *watch {
	ctx, stop := context.WithCancel(ctx)
	w := &watch{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			w.look(ctx, s.ready.Edge+"/metrics")
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

func (w *watch) end() {
	w.stop()
	<-w.done
}

// look takes what has been counted since the look before. One that fails is made
// up for by the next.
func (w *watch) look(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return
	}
	defer r.Body.Close()
	if counts, err := edgeCounts(io.LimitReader(r.Body, maxAnswer)); err == nil {
		w.take(time.Now(), counts)
	}
}

func (w *watch) take(at time.Time, counts map[answeredBy]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.before != nil {
		for k, n := range counts {
			if n > w.before[k] {
				w.seen = append(w.seen, sighting{at, k, n - w.before[k]})
			}
		}
	}
	w.before = counts
}

// by gives who has answered some journeys in a span of time, and how often.
func (w *watch) by(journeys []journey.Name, from, to time.Time) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var by map[string]int
	for _, s := range w.seen {
		if s.at.Before(from) || !s.at.Before(to) || !contains(journeys, s.journey) {
			continue
		}
		if by == nil {
			by = map[string]int{}
		}
		by[s.who] += s.n
	}
	return by
}

func contains(list []journey.Name, n journey.Name) bool {
	for _, j := range list {
		if j == n {
			return true
		}
	}
	return false
}

// edgeCounts reads the edge's counters of answers (Prometheus' text form).
func edgeCounts(r io.Reader) (map[answeredBy]int, error) {
	labels := regexp.MustCompile(`(\w+)="([^"]*)"`)
	counts := map[answeredBy]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		series, ok := strings.CutPrefix(lines.Text(), edgeSeries)
		if !ok {
			continue
		}
		set, number, ok := strings.Cut(series, "} ")
		if !ok {
			return nil, fmt.Errorf("no counter: %q", lines.Text())
		}
		l := map[string]string{}
		for _, m := range labels.FindAllStringSubmatch(set, -1) {
			l[m[1]] = m[2]
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, err
		}
		counts[answeredBy{journey.Name(l["journey"]), answerer(l["side"], l["build"])}] += int(n)
	}
	return counts, lines.Err()
}

// answerer is what the report calls a side: core's builds by their names, where
// they have some.
func answerer(side, build string) string {
	if side == coreProcess && build != "" {
		return build
	}
	return side
}

// timeline writes each kind's seconds with who has answered them.
func (w *watch) timeline(row *report.Row, act string, t *tally) {
	for _, l := range t.lines() {
		l.Act = act
		for i := range l.Seconds {
			s := &l.Seconds[i]
			s.By = w.by(journeysOf(l.Journey), s.At, s.At.Add(time.Second))
			if s.By == nil { // what came at a second's end is seen in the next
				s.By = w.by(journeysOf(l.Journey), s.At.Add(-watchEvery), s.At.Add(time.Second+2*watchEvery))
			}
		}
		row.Timeline = append(row.Timeline, l)
	}
}
