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
	Rows     []int         `arg:"" optional:"" help:"Rows of the scenarios: 3, 4, 5, 6, 16, 17, 18, 19." placeholder:"ROW"`
	JSON     bool          `help:"Print one JSON document in place of a table."`
	HTML     string        `name:"html" help:"Write the report as a page too, with a timeline for each journey." type:"path" placeholder:"FILE"`
	Engine   string        `help:"Database engine: postgresql where it is installed." enum:",postgresql,sqlite" default:""`
	Database string        `help:"URL of an empty PostgreSQL database, in place of a throwaway server." placeholder:"URL"`
	Members  int           `help:"Synthetic members." default:"20"`
	Length   time.Duration `help:"How long each fault lasts." default:"30s"`
	Healthy  bool          `help:"Of row 19, the upgrades to healthy builds alone."`
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

// play is one row on a stage.
type play func(s *scenario.Stage, ctx context.Context, r *report.Report) error

// plays gives the rows that were asked for.
func (c *CLI) plays() ([]play, error) {
	known := map[int]play{3: (*scenario.Stage).Row3, 4: (*scenario.Stage).Row4, 5: (*scenario.Stage).Row5, 6: (*scenario.Stage).Row6, 16: (*scenario.Stage).Row16, 17: row17, 18: (*scenario.Stage).Row18, 19: c.row19}
	if len(c.Rows) == 0 {
		return nil, fault.New(fault.Invalid, "usage", "Which rows? This release knows 3, 4, 5, 6, 16, 17, 18 and 19.")
	}
	var list []play
	for _, n := range c.Rows {
		p := known[n]
		if p == nil {
			return nil, fault.New(fault.Invalid, "usage", fmt.Sprintf("Row %d cannot be replayed by this release.", n))
		}
		list = append(list, p)
	}
	return list, nil
}

// row17 has cells of its own.
func row17(s *scenario.Stage, ctx context.Context, r *report.Report) error {
	return scenario.Row17(ctx, s.Options, r)
}

// ownStage tells whether a row needs nothing of the common one.
func ownStage(row int) bool { return row == 17 || row == 19 }

// row19 has processes and, on PostgreSQL, a database of its own beside the stage's.
func (c *CLI) row19(s *scenario.Stage, ctx context.Context, r *report.Report) error {
	o := scenario.Options{Members: c.Members, Short: c.Healthy, Log: s.Options.Log}
	if s.Database != "" {
		database, drop, err := pgserver.Another(ctx, s.Database, "row19")
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

// replay plays the rows on one stage. One that cannot be played is noted, and the
// next one begins.
func (c *CLI) replay(ctx context.Context, database string, plays []play, r *report.Report) (err error) {
	o := scenario.Options{Database: database, Members: c.Members, Length: c.Length,
		Systems: slices.Contains(c.Rows, 5) || slices.Contains(c.Rows, 6),
		Direct:  slices.Equal(c.Rows, []int{18})} // a proxy takes part of the machine whose capacity is measured
	if c.Verbose {
		o.Log = os.Stderr
	}
	s := &scenario.Stage{Options: o}
	if slices.ContainsFunc(c.Rows, func(n int) bool { return !ownStage(n) }) {
		if s, err = scenario.Open(ctx, o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
	}
	for i, p := range plays {
		if err := p(s, ctx, r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.Problem("row %d: %v", c.Rows[i], err)
		}
	}
	return nil
}
