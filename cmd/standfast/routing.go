package main

import (
	"math"
	"time"

	"standfast/internal/app"
	"standfast/internal/fault"
	"standfast/internal/steer"
)

// routingCmd speaks with an edge. It needs no core: only the edge's address and an
// operator's certificate.
type routingCmd struct {
	Show     routingShowCmd     `cmd:"" help:"Print who answers what, how well, and what was decided."`
	Override routingOverrideCmd `cmd:"" help:"Put a journey, or all, to core or the stand-in for a time, or end that."`
	Share    routingShareCmd    `cmd:"" help:"Set how many members a new build gets, or how much the stand-in is shown."`
}

type edgeTarget struct {
	Config string `help:"The edge's configuration file: it names address and certificates." type:"existingfile" placeholder:"FILE"`
	Edge   string `help:"Address of the edge's internal listener." placeholder:"URL"`
	PKI    string `help:"Folder with ca.pem, operator.pem and operator.key." name:"pki" type:"existingdir" placeholder:"DIR"`
	JSON   bool   `help:"Print the edge's answer as JSON."`
}

func (t edgeTarget) target(w *world) app.RoutingTarget {
	return app.RoutingTarget{Config: t.Config, Edge: t.Edge, PKI: t.PKI, JSON: t.JSON, Out: w.out}
}

type routingShowCmd struct {
	edgeTarget
	Cell string `help:"Only this cell."`
}

func (c *routingShowCmd) Run(w *world) error { return app.RoutingShow(w, c.target(w), c.Cell) }

// decision is what every change has.
type decision struct {
	edgeTarget
	Cell   string `help:"Cell; may be left out where there is one."`
	Reason string `help:"Why; it is in the record." required:""`
	Who    string `help:"Who decides; the account on this machine unless said."`
}

type routingOverrideCmd struct {
	decision
	Journey string        `help:"Journey, or all." required:""`
	To      string        `help:"core, standin, or auto, which ends an override." enum:"core,standin,auto" required:""`
	For     time.Duration `help:"How long, at most 24h." default:"1h"`
}

func (c *routingOverrideCmd) Run(w *world) error {
	o := steer.Override{Cell: c.Cell, Journey: c.Journey, Side: c.To, Who: c.Who, Reason: c.Reason}
	if o.Journey == "all" {
		o.Journey = steer.Every
	}
	if o.Side == "auto" {
		o.Side = ""
	}
	return app.RoutingOverride(w, c.target(w), o, c.For)
}

type routingShareCmd struct {
	decision
	Build    string  `help:"Build of core." xor:"what" required:""`
	Exercise bool    `help:"The share of looking requests that the stand-in is shown." xor:"what" required:""`
	Percent  float64 `arg:"" help:"From 0 to 100."`
}

func (c *routingShareCmd) Run(w *world) error {
	share := math.Round(c.Percent * 100)
	if !(share >= 0 && share <= steer.All) {
		return fault.New(fault.Invalid, "usage", "A share is from 0 to 100 percent.")
	}
	return app.RoutingShare(w, c.target(w), steer.Share{Cell: c.Cell, Build: c.Build, Share: int(share), Who: c.Who, Reason: c.Reason})
}
