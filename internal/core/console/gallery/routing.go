package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/journey"
	"standfast/internal/steer"
)

// outage is an hour in which core failed for a quarter of it.
func outage() (core, spare []steer.Tally) {
	core, spare = make([]steer.Tally, 60), make([]steer.Tally, 60)
	for i := range core {
		switch {
		case i < 24 || i > 42:
			core[i] = steer.Tally{Done: 40 + i%7}
		case i == 24:
			core[i] = steer.Tally{Done: 12, Failed: 9, Lost: 4}
		case i < 40:
			spare[i] = steer.Tally{Done: 38 + i%5}
		default:
			core[i], spare[i] = steer.Tally{Done: 12 * (i - 39)}, steer.Tally{Done: 30 - 8*(i-40)}
		}
	}
	return core, spare
}

func routed() traffic.View {
	core, spare := outage()
	c := steer.Cell{Name: "us", Exercise: 100, Shown: "m", Mark: "m", Processes: []steer.Process{
		{Side: steer.Core, Build: "2026-11", Alive: true, Ready: true, Share: 9500, Target: 0, InFlight: 4},
		{Side: steer.Core, Build: "2026-12", Alive: true, Share: 500, Target: 10_000, Mark: "m"},
		{Side: steer.Standin, Alive: true, Ready: true}}}
	for _, n := range append([]journey.Name{""}, journey.Names()...) {
		j := steer.Journey{Journey: string(n), Side: steer.Core, AtCore: steer.All, Mark: "m", Figures: []steer.Figures{{Side: steer.Core}, {Side: steer.Standin}}}
		switch n {
		case journey.Dashboard, journey.SignIn:
			j.Switched = true
			j.Figures = []steer.Figures{{Side: steer.Core, Hour: core, Minute: core[59], P95: 50, HourP95: 250}, {Side: steer.Standin, Hour: spare, HourP95: 100}}
		case journey.Pay:
			j.Switched, j.Side, j.AtCore = true, steer.Standin, 0
			j.Override = &steer.Override{Cell: "us", Journey: "pay", Side: steer.Standin, Until: now.Add(time.Hour), Who: locked.Name, Reason: "INC-4711"}
		case journey.History:
			j.Switched, j.Side, j.AtCore = true, steer.Standin, 500
		}
		c.Journeys = append(c.Journeys, j)
	}
	s := steer.State{At: now, Cells: []steer.Cell{c}, Record: "ok", Decisions: []steer.Decision{
		{At: now.Add(-time.Minute), Cell: "us", Kind: "override", Journey: "pay", Side: steer.Standin, Cause: "operator", Who: locked.Name, Reason: "INC-4711: payments hang at the rail", Until: now.Add(time.Hour)},
		{At: now.Add(-18 * time.Minute), Cell: "us", Kind: "switch", Journey: "dashboard", Side: steer.Core, Share: 10_000, Cause: "step"},
		{At: now.Add(-18 * time.Minute), Cell: "us", Kind: "switch", Journey: "", Side: steer.Core, Share: 10_000, Cause: "step"},
		{At: now.Add(-20 * time.Minute), Cell: "us", Kind: "build", Journey: "*", Build: "2026-12", Share: 500, Target: 10_000, Cause: "step"},
		{At: now.Add(-35 * time.Minute), Cell: "us", Kind: "switch", Journey: "dashboard", Side: steer.Standin, Cause: "core-dead"}}}
	return traffic.View{State: s, Now: s.Cell("us")}
}

func routingEntries() []Entry {
	page := func(name string, role staff.Role, d view.RoutingPage) Entry {
		return Entry{Name: name, Role: role, Section: site.Routing, Page: func(f view.Frame) templ.Component { return view.Routing(f, d) }}
	}
	silent := routed()
	silent.Silent, silent.Record = true, "unavailable"
	change := func(name, to, problem string) Entry {
		return Entry{Name: name, Role: staff.Operator, Section: site.Routing, Page: func(f view.Frame) templ.Component {
			d := view.ChangePage{View: routed(), Change: traffic.Change{Journey: "dashboard", Side: to, Mark: "m", Term: time.Hour}}
			if problem != "" {
				d.Problem = f.T(problem)
			}
			return view.RoutingChange(f, d)
		}}
	}
	share := func(build string, drained bool) view.SharePage {
		d := view.SharePage{View: routed(), Word: traffic.Share{Build: build, Share: 2500, Mark: "m", Reason: "Release 2026-12: figures are fine so far"}, Typed: "25", Prompt: prompt}
		if drained {
			p := &d.Now.Processes[1]
			p.Share, p.Target, p.Drained, p.Ready = 0, 0, true, true
		}
		return d
	}
	shares := func(name string, d view.SharePage, problem string) Entry {
		return Entry{Name: name, Role: staff.Operator, Section: site.Routing, Page: func(f view.Frame) templ.Component {
			if problem != "" {
				d.Problem = f.T(problem)
			}
			return view.RoutingShare(f, d)
		}}
	}
	shareReview := func(name, build string) Entry {
		return Entry{Name: name, Role: staff.Operator, Section: site.Routing, Page: func(f view.Frame) templ.Component { return view.ShareReview(f, share(build, false)) }}
	}
	return []Entry{
		shares("routing-share", share("2026-12", false), ""),
		shares("routing-share-drained", share("2026-12", true), "fault.routing.share-changed"),
		shares("routing-share-exercise", share("", false), "fault.routing.share"),
		shareReview("routing-share-review", "2026-12"),
		shareReview("routing-share-exercise-review", ""),
		page("routing", staff.Operator, view.RoutingPage{View: routed(), Done: "changed"}),
		page("routing-silent", staff.Auditor, view.RoutingPage{View: silent}),
		page("routing-unknown", staff.Operator, view.RoutingPage{View: traffic.View{Silent: true}}),
		change("routing-change", steer.Standin, ""),
		change("routing-change-core", steer.Core, "fault.routing.changed"),
		change("routing-change-end", "", ""),
		{Name: "routing-review", Role: staff.Operator, Section: site.Routing, Page: func(f view.Frame) templ.Component {
			return view.RoutingReview(f, view.ChangePage{Change: traffic.Change{Journey: steer.Every, Side: steer.Standin, Mark: "m", Term: 4 * time.Hour, Reason: "INC-4711: payments hang at the rail"}, Prompt: prompt})
		}},
	}
}
