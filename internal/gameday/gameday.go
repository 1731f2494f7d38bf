// Package gameday is the command that replays the outage: rows of the scenarios
// against a running process, with the share of requests that were served.
package gameday

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/gameday/report"
	"standfast/internal/gameday/scenario"
	"standfast/internal/pgserver"
)

// CLI is the command line of `standfast gameday`.
type CLI struct {
	Rows     []int         `arg:"" optional:"" help:"Rows of the scenarios: 3, 4, 5, 6, 8, 13, 14, 16, 17, 18, 19." placeholder:"ROW"`
	JSON     bool          `help:"Print one JSON document in place of a table."`
	HTML     string        `name:"html" help:"Write the report as a page too, with a timeline for each journey." type:"path" placeholder:"FILE"`
	Engine   string        `help:"Database engine: postgresql where it is installed." enum:",postgresql,sqlite" default:""`
	Database string        `help:"URL of an empty PostgreSQL database, in place of a throwaway server." placeholder:"URL"`
	Members  int           `help:"Synthetic members." default:"20"`
	Length   time.Duration `help:"How long each fault lasts." default:"30s"`
	Healthy  bool          `help:"Of row 19, the upgrades to healthy builds alone."`
	Fault    []string      `help:"Of a row with several faults only those whose name has this in it." placeholder:"WORDS"`
	Verbose  bool          `help:"Pass on what the process under test logs."`
	Crowd    bool          `hidden:"" help:"Be the crowd of another game day: its order stands in the standard input."`
}

// Run replays the rows. A row that misses a figure is an error of kind Conflict.
func (c *CLI) Run(ctx context.Context, out io.Writer) error {
	if c.Crowd {
		return scenario.Crowd(ctx, os.Stdin, out)
	}
	plays, err := c.plays()
	if err != nil {
		return err
	}
	engine, database, stop, err := c.where()
	if err != nil {
		return err
	}
	defer stop()
	r := report.New(strings.Trim(fmt.Sprint(c.Rows), "[]"), engine)
	if err := c.replay(ctx, database, plays, r); err != nil {
		return err
	}
	r.Finish()
	if err := r.Write(out, c.JSON); err != nil {
		return err
	}
	if c.HTML != "" {
		if err := r.WritePage(c.HTML); err != nil {
			return err
		}
	}
	if !r.Passed {
		return fault.New(fault.Conflict, "gameday.missed", "The game day has not passed; what was missed is above.")
	}
	return nil
}

// play is one row: on the stage that rows share, or on its own.
type play struct {
	row    int
	shared func(s *scenario.Stage, ctx context.Context, r *report.Report) error
	own    func(ctx context.Context, o scenario.Options, r *report.Report) error
}

// rows are those that can be replayed.
func rows() []play {
	return []play{
		{row: 3, shared: (*scenario.Stage).Row3}, {row: 4, shared: (*scenario.Stage).Row4}, {row: 5, shared: (*scenario.Stage).Row5},
		{row: 6, shared: (*scenario.Stage).Row6}, {row: 8, own: scenario.Row8}, {row: 13, own: scenario.Row13}, {row: 14, own: scenario.Row14},
		{row: 16, shared: (*scenario.Stage).Row16}, {row: 18, own: scenario.Row18},
		{row: 17, own: scenario.Row17}, {row: 19, own: row19},
	}
}

// plays gives the rows that were asked for.
func (c *CLI) plays() (list []play, err error) {
	if len(c.Rows) == 0 {
		return nil, fault.New(fault.Invalid, "usage", "Which rows? This release knows 3, 4, 5, 6, 8, 13, 14, 16, 17, 18 and 19.")
	}
	for _, n := range c.Rows {
		i := slices.IndexFunc(rows(), func(p play) bool { return p.row == n })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "usage", fmt.Sprintf("Row %d cannot be replayed by this release.", n))
		}
		list = append(list, rows()[i])
	}
	return list, nil
}

// row19 has, on PostgreSQL, a database of its own beside the stage's.
func row19(ctx context.Context, o scenario.Options, r *report.Report) error {
	if o.Database != "" {
		database, drop, err := pgserver.Another(ctx, o.Database, "row19")
		if err != nil {
			return err
		}
		defer drop()
		o.Database = database
	}
	return scenario.Row19(ctx, o, r)
}

// where gives the engine and the database, and what ends a throwaway server.
func (c *CLI) where() (engine, database string, stop func(), err error) {
	nothing := func() {}
	switch {
	case c.Engine == "sqlite" && c.Database == "":
		return "sqlite", "", nothing, nil
	case c.Database != "":
		return "postgresql", c.Database, nothing, nil
	}
	server, err := pgserver.Start()
	if errors.Is(err, pgserver.ErrMissing) && c.Engine == "" {
		return "sqlite", "", nothing, nil
	}
	if err != nil {
		return "", "", nil, err
	}
	return "postgresql", server.URL, func() { _ = server.Stop() }, nil
}

// replay plays the rows, those that share a stage on one. One that cannot be
// played is noted, and the next one begins.
func (c *CLI) replay(ctx context.Context, database string, plays []play, r *report.Report) (err error) {
	var shared *scenario.Stage
	defer func() {
		if shared != nil {
			err = errors.Join(err, shared.Close())
		}
	}()
	for _, p := range plays {
		if p.shared != nil && shared == nil {
			if shared, err = scenario.Open(ctx, c.options(database)); err != nil {
				return err
			}
		}
		if err := c.playOne(ctx, p, shared, database, r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.Problem("row %d: %v", p.row, err)
		}
	}
	return nil
}

func (c *CLI) playOne(ctx context.Context, p play, shared *scenario.Stage, database string, r *report.Report) error {
	if p.own != nil {
		return p.own(ctx, c.options(database), r)
	}
	return p.shared(shared, ctx, r)
}

func (c *CLI) options(database string) scenario.Options {
	o := scenario.Options{Database: database, Members: c.Members, Length: c.Length, Faults: c.Fault, Short: c.Healthy,
		Systems: slices.Contains(c.Rows, 5) || slices.Contains(c.Rows, 6)}
	if c.Verbose {
		o.Log = os.Stderr
	}
	return o
}
