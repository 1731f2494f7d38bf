package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"standfast/internal/gameday/fault"
	"standfast/internal/gameday/report"
)

// What row 19 has to reach.
const (
	mostDrain   = 60.0 // seconds until a bad build has nobody
	mostMet     = 1.0  // percent of all members who met what is bad of it
	drainLimit  = 2 * time.Minute
	fleetLeast  = 1500 // members: of 1 % of fewer, too few come to say anything
	healthyStep = 5 * time.Second
)

// badBuild is a way in which a new build can be wrong.
type badBuild struct {
	name string
	set  func(w *fault.Web, only func(*http.Request) bool)
	hits func(r *http.Request) bool
}

// badBuilds are those that are rolled out, one after another.
func badBuilds() []badBuild {
	says := http.Header{"Standfast-Build": {"release 2"}}
	return []badBuild{
		{"one dashboard in five fails", func(w *fault.Web, only func(*http.Request) bool) {
			w.Answer(http.StatusInternalServerError, says, only)
		},
			func(r *http.Request) bool { return isDashboard(r) && rand.IntN(5) == 0 }},
		{"not found in the dashboard's place", func(w *fault.Web, only func(*http.Request) bool) { w.Answer(http.StatusNotFound, says, only) }, isDashboard},
		{"somebody else's page with 200", (*fault.Web).Foreign, isDashboard},
		{"dashboards that take 8 seconds", func(w *fault.Web, only func(*http.Request) bool) { w.Delay(8*time.Second, only) }, isDashboard},
		{"payments fail", func(w *fault.Web, only func(*http.Request) bool) {
			w.Answer(http.StatusInternalServerError, says, only)
		},
			func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/api/v1/payments" }},
	}
}

func isDashboard(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/dashboard") }

// Row19 rolls out builds that are bad, each in its own way, and then upgrades
// everything to ones that are not.
func Row19(ctx context.Context, o Options, r *report.Report) (err error) {
	row := r.Row(19, "A bad build of core is rolled out; a healthy one upgrades what runs")
	if !o.Short {
		o.Members = max(o.Members, fleetLeast)
	}
	f, err := openFleet(ctx, o, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	if !o.Short {
		if err := f.badRollouts(ctx, row); err != nil {
			return err
		}
	}
	return f.upgrades(ctx, row)
}

// badRollouts gives each bad build its members, with the figures of a real edge.
func (f *fleet) badRollouts(ctx context.Context, row *report.Row) error {
	if err := f.startBuild(ctx, placeB, "release 2"); err != nil {
		return err
	}
	row.Note("%d members, about %.0f of whom are in the first percent", len(f.visitors), float64(len(f.visitors))/100)
	for _, b := range badBuilds() {
		if err := f.rollOutBad(ctx, row, b); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return f.builds[placeB].stop()
}

// rollOutBad rolls one bad build out under load and waits until it has nobody.
func (f *fleet) rollOutBad(ctx context.Context, row *report.Row, b badBuild) error {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	met := &meeting{all: map[string]bool{}, hurt: map[string]bool{}, hits: b.hits}
	tr := f.visit(ctx)
	defer tr.end()
	b.set(f.webs[placeB], met.only)
	begun := time.Now()
	row.Mark(b.name)
	if err := f.share(ctx, placeB, 10_000, b.name); err != nil {
		return err
	}
	err := f.until(ctx, func(r routed) bool { return r.build(placeB).drained })
	took := time.Since(begun)
	row.Mark(b.name + ": drained")
	f.webs[placeB].Heal()
	tr.end()
	if err != nil {
		all := tr.tally.counts()
		return fmt.Errorf("it was not drained: %d members came to it, %d of its %d answers were bad, of %d in all: %w", len(met.all), met.bad, met.asked, all[1], err)
	}
	met.report(row, b.name, len(f.visitors), took)
	tr.tally.share(row, looking, 0)
	row.Figures[len(row.Figures)-1].Name = b.name + ": looking, of everybody"
	tr.tally.timeline(row)
	return nil
}

// meeting notes who came to a bad build, and who met what is bad of it.
type meeting struct {
	mu    sync.Mutex
	all   map[string]bool
	hurt  map[string]bool
	hits  func(r *http.Request) bool
	asked int
	bad   int
}

// only tells the proxy whether a request meets the fault.
func (m *meeting) only(r *http.Request) bool {
	member := r.Header.Get(visitorHeader)
	if member == "" {
		return false // a probe of the edge
	}
	hit := m.hits(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[member] = true
	m.asked++
	if hit {
		m.hurt[member] = true
		m.bad++
	}
	return hit
}

func (m *meeting) report(row *report.Row, name string, members int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row.Value(name+": drained after", seconds(took), "s").AtMost(mostDrain)
	row.Value(name+": members who met it", 100*float64(len(m.hurt))/float64(members), "%").AtMost(mostMet)
	row.Note("%s: %d of %d members came to the build, %d met it; %d of its %d answers were bad", name, len(m.all), members, len(m.hurt), m.bad, m.asked)
}

// buildState is what the edge says of a build.
type buildState struct {
	share, flight  int
	drained, ready bool
	says           string
}

func (r routed) build(name string) (s buildState) {
	for _, c := range r.Cells {
		for _, p := range c.Processes {
			if p.Side == "core" && p.Build == name {
				s = buildState{p.Share, p.InFlight, p.Drained, p.Ready, p.Says}
			}
		}
	}
	return s
}

// until asks the edge until it says what is waited for.
func (f *fleet) until(ctx context.Context, good func(routed) bool) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := f.tell(ctx, http.MethodGet, "/edge/v1/routing", nil)
		if err == nil && good(r) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-tick.C:
		}
	}
}
