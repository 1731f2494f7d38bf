// Package bench measures Standfast against a yardstick in the same run on the
// same machine, so that its figures are ratios that mean something elsewhere:
// transfers against PostgreSQL's own benchmark, sign-in against the bare
// password hash, a full database against a nearly empty one.
package bench

import (
	"context"
	"io"
	"time"
)

// CLI is the command line of `standfast bench`.
type CLI struct {
	Ledger    ledgerCmd    `cmd:"" help:"Transfers over HTTP and payments against pgbench -N; transfers in process on SQLite."`
	Import    importCmd    `cmd:"" help:"Rows a second and memory of an import, on both engines."`
	Dashboard dashboardCmd `cmd:"" help:"Dashboards with a thousand and with a million accounts."`
	Edge      edgeCmd      `cmd:"" help:"The edge against a bare reverse proxy: time added, CPU, throughput."`
	Signin    signinCmd    `cmd:"" help:"CPU of sign-ins with password and passkey and of a request with a session; a storm of sign-ins."`
}

// common are the flags of every benchmark.
type common struct {
	JSON     bool   `help:"Print one JSON document in place of a table."`
	Database string `help:"PostgreSQL server to measure on, as a superuser's URL; a throwaway one by default." placeholder:"URL"`
}

type ledgerCmd struct {
	common
	Duration time.Duration `help:"How long each measurement takes." default:"10s"`
	Rounds   int           `help:"How often everything is measured, interleaved; the median counts." default:"3"`
	Only     string        `help:"Measure one part only." enum:",http,sqlite,payments" default:""`
	Profile  string        `help:"Write a CPU profile there: with --only http of the core process under load, and nothing else is measured; otherwise of the benchmark." type:"path" placeholder:"FILE"`
	Clients  int           `help:"Clients of the load that is profiled." default:"64"`
}

// Run measures the ledger.
func (c *ledgerCmd) Run(ctx context.Context, out io.Writer) error {
	return measure("ledger", c.common, out, func(r *Report) error { return ledgerBench(ctx, *c, r) })
}

type importCmd struct {
	common
	Accounts int `help:"Card accounts to make up where the real data is absent." default:"30000"`
}

// Run measures the import.
func (c *importCmd) Run(ctx context.Context, out io.Writer) error {
	return measure("import", c.common, out, func(r *Report) error { return importBench(ctx, *c, r) })
}

type dashboardCmd struct {
	common
	Few    int           `help:"Accounts in the small database." default:"1000"`
	Many   int           `help:"Accounts in the large database." default:"1000000"`
	For    time.Duration `help:"How long each is measured." default:"10s"`
	Engine string        `help:"Database engine." enum:"postgresql,sqlite" default:"postgresql"`
}

// Run measures dashboards.
func (c *dashboardCmd) Run(ctx context.Context, out io.Writer) error {
	return measure("dashboard", c.common, out, func(r *Report) error { return dashboardBench(ctx, *c, r) })
}

type signinCmd struct {
	common
	SignIns  int           `help:"Sign-ins and bare hashes to compare." default:"60"`
	Requests int           `help:"Requests with a session to measure." default:"20000"`
	Storm    time.Duration `help:"How long the storm of sign-ins lasts, and what is measured before it; 0 leaves it out." default:"15s"`
	Profile  string        `help:"Write a CPU profile of the core process under 10 s of sign-ins there." type:"path" placeholder:"FILE"`
}

// Run measures sign-in.
func (c *signinCmd) Run(ctx context.Context, out io.Writer) error {
	return measure("signin", c.common, out, func(r *Report) error { return signinBench(ctx, *c, r) })
}

type edgeCmd struct {
	JSON     bool          `help:"Print one JSON document in place of a table."`
	Duration time.Duration `help:"How long each measurement takes." default:"5s"`
	Rounds   int           `help:"How often everything is measured, in turns; the median counts." default:"5"`
	Profile  string        `help:"Write a CPU profile of the edge under load there, and measure nothing." type:"path" placeholder:"FILE"`
	Bare     string        `help:"Be the bare proxy of an edge's configuration." type:"existingfile" hidden:""`
}

// Run measures the edge.
func (c *edgeCmd) Run(ctx context.Context, out io.Writer) error {
	if c.Bare != "" {
		return bareProxy(ctx, c.Bare)
	}
	return measure("edge", common{JSON: c.JSON}, out, func(r *Report) error { return edgeBench(ctx, *c, r) })
}

func measure(name string, c common, out io.Writer, bench func(*Report) error) error {
	r := newReport(name)
	start := time.Now()
	if err := bench(r); err != nil {
		return err
	}
	r.Took = time.Since(start).Seconds()
	return r.write(out, c.JSON)
}
