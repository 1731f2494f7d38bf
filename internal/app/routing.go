package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"standfast/internal/fault"
	"standfast/internal/pki"
	"standfast/internal/steer"
)

// RoutingTarget says which edge is asked: the one of a configuration file, which
// then names address and certificates, or one by its address.
type RoutingTarget struct {
	Config string // the edge's file
	Edge   string // address of its internal listener, as https://edge.internal:9445
	PKI    string // folder with ca.pem, operator.pem and operator.key
	JSON   bool
	Out    io.Writer
}

// client gives the client, with the certificate of the role operator.
func (t RoutingTarget) client() (*steer.Client, error) {
	if t.Config != "" {
		c, err := LoadEdgeConfig(t.Config)
		if err != nil {
			return nil, err
		}
		if c.Internal.Listen == "" {
			return nil, fault.New(fault.Invalid, "usage", "This edge has no [internal] listen, so nobody can ask it or tell it anything.")
		}
		if t.Edge == "" {
			t.Edge = reachable(c.Internal.Listen)
		}
		if t.PKI == "" {
			t.PKI = filepath.Dir(c.Internal.CA)
		}
	}
	if t.Edge == "" || t.PKI == "" {
		return nil, fault.New(fault.Invalid, "usage", "Say which edge: --config FILE, or --edge URL with --pki DIR.")
	}
	conf, err := pki.Client(filepath.Join(t.PKI, pki.AuthorityFile), pki.CertificateFile(t.PKI, pki.Operator), pki.KeyFile(t.PKI, pki.Operator), pki.AnyCell, pki.Edge)
	if err != nil {
		return nil, err
	}
	return steer.New(t.Edge, conf), nil
}

// reachable is where a listener of this machine is reached from it.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		listen = net.JoinHostPort("localhost", port)
	}
	return "https://" + listen
}

// RoutingShow prints who answers what, and how well.
func RoutingShow(ctx context.Context, t RoutingTarget, cell string) error {
	return t.do(func(c *steer.Client) (steer.State, error) {
		s, err := c.State(ctx)
		if err != nil || cell == "" {
			return s, err
		}
		found := s.Cell(cell)
		if found == nil {
			return s, fault.New(fault.Invalid, "usage", "The edge has no cell "+cell+".")
		}
		s.Cells = []steer.Cell{*found}
		return s, nil
	})
}

// RoutingOverride puts a journey to a side for a time, or for Side "" ends that.
func RoutingOverride(ctx context.Context, t RoutingTarget, o steer.Override, last time.Duration) error {
	return t.do(func(c *steer.Client) (s steer.State, err error) {
		if o.Cell, err = onlyCell(ctx, c, o.Cell); err != nil {
			return s, err
		}
		if o.Who, err = whoDecides(o.Who); err != nil {
			return s, err
		}
		if o.Side != "" {
			o.Until = time.Now().Add(last).UTC()
		}
		return c.Override(ctx, o)
	})
}

// RoutingShare sets the share of a build or of the exercise.
func RoutingShare(ctx context.Context, t RoutingTarget, r steer.Share) error {
	return t.do(func(c *steer.Client) (s steer.State, err error) {
		if r.Cell, err = onlyCell(ctx, c, r.Cell); err != nil {
			return s, err
		}
		if r.Who, err = whoDecides(r.Who); err != nil {
			return s, err
		}
		return c.SetShare(ctx, r)
	})
}

func (t RoutingTarget) do(ask func(*steer.Client) (steer.State, error)) error {
	c, err := t.client()
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := ask(c)
	if err != nil {
		return err
	}
	if t.JSON {
		e := json.NewEncoder(t.Out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	return printRouting(t.Out, s)
}

// onlyCell is the cell that was named, or the one that there is.
func onlyCell(ctx context.Context, c *steer.Client, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	s, err := c.State(ctx)
	if err != nil {
		return "", err
	}
	if len(s.Cells) != 1 {
		return "", fault.New(fault.Invalid, "usage", "The edge has several cells: name one with --cell.")
	}
	return s.Cells[0].Name, nil
}

// whoDecides is the name that was given, or the account on this machine.
func whoDecides(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "usage", "Say who you are with --who.", err)
	}
	return u.Username, nil
}

// percent writes hundredths of a percent.
func percent(share int) string {
	return strconv.FormatFloat(float64(share)/100, 'f', -1, 64) + " %"
}

// printRouting prints a state as tables.
func printRouting(out io.Writer, s steer.State) error {
	for _, c := range s.Cells {
		fmt.Fprintf(out, "%s at %s, exercise %s\n\n", c.Name, s.At.Format(time.RFC3339), percent(c.Exercise))
		if err := printProcesses(out, c); err != nil {
			return err
		}
		if err := printJourneys(out, s, c); err != nil {
			return err
		}
	}
	if s.Record != "ok" {
		fmt.Fprintln(out, "The record of decisions is not available; routing goes on without it.")
	}
	return printDecisions(out, s.Decisions)
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

func printProcesses(out io.Writer, c steer.Cell) error {
	t := table(out)
	fmt.Fprintln(t, "process\tstate\tmembers\tgrows to\tunder way\t")
	for _, p := range c.Processes {
		name, share, grows := p.Side, "", ""
		if p.Side == steer.Core {
			name, share, grows = "core "+p.Build, percent(p.Share), percent(p.Target)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t\n", name, processState(p), share, grows, p.InFlight)
	}
	fmt.Fprintln(t)
	return t.Flush()
}

func processState(p steer.Process) string {
	switch {
	case !p.Alive:
		return "dead"
	case p.Drained:
		return "drained"
	case !p.Ready:
		return "not ready"
	}
	return "ready"
}

func printJourneys(out io.Writer, s steer.State, c steer.Cell) error {
	t := table(out)
	fmt.Fprintln(t, "journey\tanswers\tby\trequests 1 min\tserved\tp95 ms\trequests 1 h\tserved\tlast change\t")
	for _, j := range c.Journeys {
		if j.Journey == "" {
			continue
		}
		var minute, hour steer.Tally
		p95 := 0.0
		for _, f := range j.Figures {
			minute, hour = minute.Plus(f.Minute), hour.Plus(f.Sum())
			p95 = max(p95, f.P95)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%g\t%d\t%s\t%s\t\n", j.Journey, answering(j), byWhom(j), minute.All(), served(minute), p95, hour.All(), served(hour), lastChange(s, c.Name, j.Journey))
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// answering says which side has the members, and the share of them at core between the two.
func answering(j steer.Journey) string {
	if j.AtCore > 0 && j.AtCore < steer.All {
		return fmt.Sprintf("%s (%s at core)", j.Side, percent(j.AtCore))
	}
	return j.Side
}

func byWhom(j steer.Journey) string {
	switch {
	case !j.Switched:
		return "core alone can"
	case j.Override != nil:
		return j.Override.Who + " until " + j.Override.Until.Format(time.RFC3339)
	}
	return "itself"
}

// served is the share of requests that did not fail.
func served(t steer.Tally) string {
	if t.All() == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*float64(t.All()-t.Failed)/float64(t.All()), 'f', 1, 64) + " %"
}

func lastChange(s steer.State, cell, journey string) string {
	d := s.Last(cell, journey)
	if d == nil {
		return "-"
	}
	return d.At.Format(time.RFC3339) + " " + d.Cause
}

func printDecisions(out io.Writer, list []steer.Decision) error {
	t := table(out)
	fmt.Fprintln(t, "decided\tcell\twhat\tcause\twho\treason\t")
	for _, d := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t\n", d.At.Format(time.RFC3339), d.Cell, decided(d), d.Cause, d.Who, d.Reason)
	}
	return t.Flush()
}

// decided says what a decision was about.
func decided(d steer.Decision) string {
	switch {
	case d.Kind == "build":
		return fmt.Sprintf("build %s has %s, grows to %s", d.Build, percent(d.Share), percent(d.Target))
	case d.Kind == "exercise":
		return "the stand-in is shown " + percent(d.Share)
	case d.Kind == "override" && d.Side == "":
		return d.Journey + ": the override ends"
	case d.Kind == "override":
		return d.Journey + ": " + d.Side + " until " + d.Until.Format(time.RFC3339)
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s, %s at core", d.Journey, d.Side, percent(d.Share)))
}
