// Command standfast runs the online account services of a card issuer. Each
// command only reads its flags, hands over to package app, and turns the outcome
// into an exit status: 0 done, 1 failed, 2 wrong usage, 3 done but rows were rejected.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"standfast/internal/app"
	"standfast/internal/bench"
	"standfast/internal/fault"
	"standfast/internal/gameday"
	"standfast/internal/pki"
)

// Exit statuses that scripts rely on.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitRejected = 3
)

type cli struct {
	Demo      demoCmd      `cmd:"" help:"Run everything with seeded data and no configuration, until interrupted."`
	Init      initCmd      `cmd:"" help:"Write a commented configuration file, the master key and the certificates between processes."`
	Certs     certsCmd     `cmd:"" name:"certificates" help:"Make the certificates by which processes know each other, or new ones."`
	Core      coreCmd      `cmd:"" help:"Run the core process from a configuration file."`
	Edge      edgeCmd      `cmd:"" help:"Run the edge, which members reach, from a configuration file."`
	Routing   routingCmd   `cmd:"" help:"See and change who answers members; works without core."`
	Import    importCmd    `cmd:"" help:"Load members, accounts and their history from CSV files."`
	Standin   standInCmd   `cmd:"" name:"standin" help:"Run the stand-in, which serves while core is away, from a configuration file."`
	Healthy   healthyCmd   `cmd:"" help:"Ask a process on this machine whether it lives, as a container's health check."`
	Balances  balancesCmd  `cmd:"" help:"List every account's balance as the ledger has it."`
	Verify    verifyCmd    `cmd:"" help:"Recompute ledger, hash chains and audit log; name what is wrong."`
	Doctor    doctorCmd    `cmd:"" help:"Check each dependency and say what to do."`
	Backup    backupCmd    `cmd:"" help:"Write a consistent backup, also while the service runs."`
	Restore   restoreCmd   `cmd:"" help:"Load a backup into an empty folder or database."`
	Keys      keysCmd      `cmd:"" help:"Manage the keys that sign sessions."`
	Advices   advicesCmd   `cmd:"" help:"List what the stand-in did that core could not carry out."`
	Passwords passwordsCmd `cmd:"" help:"Make the list of breached passwords."`
	Staff     staffCmd     `cmd:"" help:"Let staff in when nobody can get in."`
	Sim       simCmd       `cmd:"" help:"Run a reference counterpart for tests and integration."`
	Hash      hashCmd      `cmd:"" hidden:"" name:"hash-passwords" help:"Hash passwords for the core process that started this."`
	Bench     bench.CLI    `cmd:"" help:"Measure, as ratios in one run."`
	Gameday   gameday.CLI  `cmd:"" help:"Replay the outage: break things around a running process and count what members met."`
}

// world is what every command gets beside its flags.
type world struct {
	context.Context
	out io.Writer
	log *slog.Logger
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &world{ctx, out, slog.New(slog.NewTextHandler(errs, nil))}
	var c cli
	status := exitDone
	parser, err := kong.New(&c, kong.Name("standfast"), kong.UsageOnError(), kong.Writers(out, errs),
		kong.Description("Online account services of a card issuer, self-hosted."),
		kong.Bind(w), kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)),
		kong.Exit(func(s int) { panic(exit(s)) }))
	if err != nil {
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	defer func() {
		// --help ends through kong's exit function.
		if v := recover(); v != nil {
			if _, ok := v.(exit); !ok {
				panic(v)
			}
		}
	}()
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errs, "standfast: %v\nRun \"standfast --help\" or \"standfast COMMAND --help\".\n", err)
		return exitUsage
	}
	status = report(k.Run(), errs)
	return status
}

type exit int

// errRejected is the outcome of an import that left rows out.
var errRejected = errors.New("rows were rejected")

func report(err error, errs io.Writer) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errRejected) {
		return exitRejected
	}
	e := fault.As(err)
	fmt.Fprintln(errs, "standfast: "+e.Message)
	for _, f := range e.Fields {
		fmt.Fprintln(errs, "  "+f.Message)
	}
	if e.Cause != nil {
		fmt.Fprintln(errs, "  because: "+e.Cause.Error())
	}
	if e.Code == "usage" || e.Kind == fault.Invalid && strings.HasPrefix(e.Code, "import.") { // a file that is none of ours
		return exitUsage
	}
	return exitFailed
}

// store is where a command finds its database: a folder, or a URL or what a
// configuration file names in its place.
type store struct {
	Data      string `help:"Folder with the data (its core.db and master.key)." type:"path" xor:"where" placeholder:"DIR"`
	Database  string `help:"PostgreSQL URL in place of --data." xor:"where" placeholder:"URL" env:"STANDFAST_DATABASE"`
	Config    string `help:"Configuration file that names the data, in place of --data; its time zone and sources count too." type:"existingfile" xor:"where" placeholder:"FILE"`
	MasterKey string `help:"Master key file when it is not in --data." type:"path" placeholder:"FILE"`
}

func (s store) target() (app.Target, error) {
	if s.Config != "" {
		return app.ConfiguredTarget(s.Config)
	}
	return app.Target{Data: s.Data, Database: s.Database, MasterKey: s.MasterKey}, nil
}

type demoCmd struct {
	Listen    string            `help:"Address of the members' pages; this machine only." default:"localhost:8080"`
	Data      string            `help:"Folder that keeps the data; without it nothing is kept." type:"path" placeholder:"DIR"`
	Database  string            `help:"PostgreSQL URL in place of SQLite." placeholder:"URL"`
	JSON      bool              `help:"Print one line of JSON once everything answers."`
	Cells     string            `help:"Cells to run." default:"us"`
	Direct    bool              `help:"Core alone answers members, without an edge and a stand-in." hidden:""`
	Through   string            `help:"Where the edge reaches core, for game days that stand between them." name:"core-through" hidden:""`
	TimeZone  string            `help:"Time zone of the cells, for game days on which a business day ends." hidden:""`
	CutOff    string            `help:"Time of day, HH:MM, at which their business days end." hidden:""`
	NoRestart bool              `help:"Leave a process that died dead."`
	Texts     string            `help:"Messages' address of a running sim sms, which then carries text messages in the mailbox's place." placeholder:"URL"`
	Source    map[string]string `help:"A running sim source that holds accounts, under the name they are imported with." placeholder:"NAME=URL"`
}

func (c *demoCmd) Run(w *world) error {
	return app.Demo(w, app.DemoOptions{Listen: c.Listen, Data: c.Data, Database: c.Database, JSON: c.JSON,
		NoRestart: c.NoRestart, Texts: c.Texts, Sources: c.Source, Direct: c.Direct, Through: c.Through, Day: app.DemoDay{TimeZone: c.TimeZone, CutOff: c.CutOff},
		Cells: strings.Split(c.Cells, ","), Out: w.out, Log: w.log})
}

type initCmd struct {
	Config string `help:"File to write; its folder must exist." default:"standfast.toml" type:"path"`
	Edge   bool   `help:"Write the configuration of an edge, and nothing else."`
}

func (c *initCmd) Run(w *world) error {
	if c.Edge {
		return app.InitEdge(c.Config, w.out)
	}
	return app.Init(c.Config, w.out)
}

type certsCmd struct {
	Folder    string `help:"Folder to write to." default:"pki" type:"path"`
	Cell      string `help:"Cell of the processes." default:"us"`
	Authority string `help:"Folder of an authority that is there, in place of one in the folder." type:"existingdir" placeholder:"DIR"`
}

func (c *certsCmd) Run(w *world) error {
	authority := c.Authority
	if authority == "" {
		authority = c.Folder
		if err := pki.CreateAuthority(authority); err != nil {
			return err
		}
	}
	if err := pki.Issue(authority, c.Folder, c.Cell, pki.Roles()...); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.out, "Wrote the certificates of cell %s to %s; they hold for a year.\n", c.Cell, c.Folder)
	return err
}

type advicesCmd struct {
	Config string `help:"Configuration file." required:"" type:"path"`
	Dealt  bool   `help:"Those that an operator has dealt with, instead of those that are open."`
}

func (c *advicesCmd) Run(w *world) error { return app.RefusedAdvices(w, c.Config, c.Dealt, w.out) }

type coreCmd struct {
	Config string `help:"Configuration file." required:"" type:"path"`
}

type standInCmd struct {
	Config string `help:"Configuration file." required:"" type:"path"`
	Keys   bool   `help:"Print the public halves of its keys, for core's configuration, and end."`
	Resume bool   `help:"Let a stopped stand-in that takes nothing any more go on at its next start: somebody has compared its store with core's list."`
}

func (c *standInCmd) Run(w *world) error {
	if c.Resume {
		return app.StandInResume(w, c.Config, w.out)
	}
	if c.Keys {
		return app.StandInKeys(c.Config, w.out)
	}
	return app.StandIn(w, c.Config, os.Stderr)
}

type healthyCmd struct {
	Admin string `help:"Address of its admin listener." required:"" placeholder:"HOST:PORT"`
	Ready bool   `help:"Ask whether it may be sent members too."`
}

func (c *healthyCmd) Run(w *world) error { return app.Healthy(w, c.Admin, c.Ready) }

type edgeCmd struct {
	Config string `help:"Configuration file." required:"" type:"path"`
}

func (c *edgeCmd) Run(w *world) error { return app.Edge(w, c.Config, os.Stderr) }

func (c *coreCmd) Run(w *world) error { return app.Core(w, c.Config, os.Stderr) }
