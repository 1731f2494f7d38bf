package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"standfast/internal/gameday/fault"
	"standfast/internal/gameday/report"
)

// What row 8 has to reach.
const (
	switchLimit = 15 * time.Second // from the fault until members are served again
	leastServed = 0.999            // of what is asked after that
	quietBefore = 5 * time.Second  // in which all is well, for comparison
)

// outage is one way in which core, or what it needs, fails.
type outage struct {
	name     string
	between  bool // needs a proxy between edge and core
	systems  bool // members have accounts in the issuer's own systems too
	standin  bool // the stand-in is to take over; else it would fail as core does, or core serves well enough
	possible func(s *Stage) error
	set      func(s *Stage) error
	heal     func(s *Stage) error
}

func possible(*Stage) error { return nil }

// outages are the faults of row 8.
func outages() []outage {
	return []outage{
		{name: "core killed, and kept dead", standin: true, possible: possible,
			set: func(s *Stage) error { return s.kill(coreProcess) }, heal: func(s *Stage) error { return s.restart(coreProcess) }},
		{name: "core halted", standin: true, possible: possible,
			set: func(s *Stage) error { return fault.Stop(s.pid(coreProcess)) }, heal: func(s *Stage) error { return fault.Continue(s.pid(coreProcess)) }},
		{name: "core's database dead", standin: true, possible: func(s *Stage) error { return need(s.Proxy != nil, "needs PostgreSQL") },
			set: func(s *Stage) error { return s.Proxy.Down() }, heal: func(s *Stage) error { return s.Proxy.Heal() }},
		{name: "core's database halted", standin: true, possible: func(s *Stage) error { return need(s.Proxy != nil, "needs PostgreSQL") },
			set: func(s *Stage) error { return s.Proxy.Stall() }, heal: func(s *Stage) error { return s.Proxy.Heal() }},
		{name: "core's disk full", standin: true, possible: func(s *Stage) error { return errors.Join(need(s.Proxy == nil, "needs SQLite"), s.noDisk) },
			set: func(s *Stage) error { return s.disk.Fill() }, heal: func(s *Stage) error { return s.disk.Heal() }},
		{name: "core answers 200 with a foreign page", between: true, standin: true, possible: possible,
			set: func(s *Stage) error { s.way.Foreign(membersOnly); return nil }, heal: healWay},
		{name: "core takes requests and never answers", between: true, standin: true, possible: possible,
			set: func(s *Stage) error { s.way.Hang(membersOnly); return nil }, heal: healWay},
		{name: "an issuer's system hangs", systems: true, possible: possible,
			set: func(s *Stage) error { s.systems.cards.Hang(nil); return nil }, heal: func(s *Stage) error { s.systems.heal(); return nil }},
		{name: "core and stand-in halted", possible: possible,
			set: func(s *Stage) error {
				return errors.Join(fault.Stop(s.pid(standinProcess)), fault.Stop(s.pid(coreProcess)))
			},
			heal: func(s *Stage) error {
				return errors.Join(fault.Continue(s.pid(standinProcess)), fault.Continue(s.pid(coreProcess)))
			}},
	}
}

func healWay(s *Stage) error { s.way.Heal(); return nil }

func need(is bool, why string) error {
	if is {
		return nil
	}
	return errors.New(why)
}

// membersOnly leaves alone what the edge asks for itself: core says that it is
// well, and is not.
func membersOnly(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/internal/") }

// Row8 breaks core, or what it needs, in each way in turn, on a new stage each time,
// while members look, freeze, pay and come back; and checks what core has of it
// afterwards.
func Row8(ctx context.Context, o Options, r *report.Report) error {
	row := r.Row(8, "Core killed with kill -9, and kept dead; or halted, without its database, or answering wrongly")
	row.Note("By web and API: the telephone comes with a later release.")
	for _, f := range outages() {
		if !o.wants(f.name) {
			continue
		}
		if err := f.play(ctx, o, row); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// wants tells whether a fault of a row is to be played.
func (o Options) wants(name string) bool {
	return len(o.Faults) == 0 || slices.ContainsFunc(o.Faults, func(part string) bool { return strings.Contains(name, part) })
}

// play replays one fault on a stage of its own.
func (f outage) play(ctx context.Context, o Options, row *report.Row) error {
	o.Sides, o.Between, o.Systems = true, f.between, f.systems
	return onStage(ctx, o, func(s *Stage) error {
		if why := f.possible(s); why != nil {
			row.Note("%s: not played on this stage: %v", f.name, why)
			return nil
		}
		a, err := s.begin(ctx, row, f.name)
		if err != nil {
			return err
		}
		defer a.end()
		if err := a.breaks(ctx, f); err != nil {
			return err
		}
		return a.recovers(ctx, f)
	})
}

// act is one fault from the quiet before it until all is well again.
type act struct {
	*Stage
	row    *report.Row
	name   string
	outing *outing
	watch  *watch
	mail   []int
	broken time.Time
	healed time.Time
}

// begin signs everybody in and lets them go on while all is well.
func (s *Stage) begin(ctx context.Context, row *report.Row, name string) (*act, error) {
	if err := s.everybodyIn(ctx); err != nil {
		return nil, err
	}
	if err := s.standinKnows(ctx); err != nil {
		return nil, err
	}
	a := &act{Stage: s, row: row, name: name, outing: newOuting(strings.ReplaceAll(name, " ", "-"), s.Members), watch: s.watchEdge(ctx)}
	var err error
	if a.mail, err = s.mails(ctx); err != nil {
		a.end()
		return nil, err
	}
	a.outing.goOn(ctx, quietBefore, false)
	return a, nil
}

// end writes the timeline.
func (a *act) end() {
	a.watch.end()
	a.watch.timeline(a.row, a.name, a.outing.tally)
}

func (a *act) mark(kind report.Kind, what string) {
	a.row.AddMark(report.Mark{Act: a.name, Kind: kind, What: what})
}

// breaks sets the fault, lets everybody go on, heals it, and writes what they met.
func (a *act) breaks(ctx context.Context, f outage) error {
	a.mark(report.Broken, f.name)
	a.broken = time.Now()
	if err := f.set(a.Stage); err != nil {
		return err
	}
	a.outing.goOn(ctx, max(a.Length, 2*switchLimit), true)
	st, err := a.routing(ctx)
	if err != nil {
		return err
	}
	a.healed = time.Now()
	if err := f.heal(a.Stage); err != nil {
		return err
	}
	a.mark(report.Healed, "healed")
	a.served(f)
	a.switched(f, st)
	return nil
}

// served writes the shares of what was asked after the time that switching may take,
// and how long it took members to be served again.
func (a *act) served(f outage) {
	last := a.broken
	for _, kind := range errands() {
		_, _, _, missed := a.outing.between(kind, a.broken, a.healed)
		if missed.After(last) {
			last = missed
		}
		served, all, misses, _ := a.outing.between(kind, a.broken.Add(switchLimit), a.healed)
		if f.shared() {
			a.row.Share(a.name+": "+kind+", with nobody behind the edge", served, all, misses)
			continue
		}
		a.row.Share(a.name+": "+kind+", after 15 s", served, all, misses).AtLeast(leastServed)
	}
	if !f.shared() {
		a.row.Value(a.name+": last failed answer to a member, after the fault", seconds(last.Sub(a.broken)), "s").AtMost(switchLimit.Seconds())
	}
}

// shared tells whether the stand-in suffers from the fault as core does.
func (f outage) shared() bool { return !f.standin && !f.systems }

// switched writes what the edge has decided, and holds it to what it should have.
func (a *act) switched(f outage, st edgeState) {
	moved := a.decisions(st, a.broken, a.healed)
	if f.standin {
		a.row.Value(a.name+": the edge's first decision, after the fault", seconds(moved.first.Sub(a.broken)), "s").AtMost(switchLimit.Seconds())
		a.row.Value(a.name+": journeys moved", float64(moved.journeys), "journeys").AtLeast(1)
		return
	}
	a.row.Value(a.name+": journeys moved for nothing", float64(moved.journeys), "journeys").AtMost(0)
}

// moves are what the edge has decided in a span of time.
type moves struct {
	first, last time.Time
	journeys    int // that went to the stand-in
}

// decisions reads what the edge decided, and marks it: what it decided at once is one mark.
func (a *act) decisions(st edgeState, from, to time.Time) (m moves) {
	m.first = to
	said := map[string]*report.Mark{}
	var order []string
	for _, d := range slices.Backward(st.Decisions) {
		if d.At.Before(from) || !d.At.Before(to) || d.Kind != "switch" {
			continue
		}
		if d.Side == standinProcess {
			m.journeys++
		}
		m.last = d.At
		if d.At.Before(m.first) {
			m.first = d.At
		}
		key := fmt.Sprintf("%d %s %d %s", d.At.Unix(), d.Side, d.Share, d.Cause)
		if said[key] == nil {
			said[key] = &report.Mark{Act: a.name, At: d.At.UTC(), Kind: report.Decided, What: fmt.Sprintf("the edge gives core %g %% (%s):", float64(d.Share)/100, d.Cause)}
			order = append(order, key)
		}
		said[key].What += " " + string(d.Journey)
	}
	for _, key := range order {
		a.row.AddMark(*said[key])
	}
	return m
}
