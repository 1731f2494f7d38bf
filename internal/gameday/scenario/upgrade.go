package scenario

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"standfast/internal/app"
	"standfast/internal/db"
	"standfast/internal/gameday/report"
)

// upgrades replaces every process by a healthy one, one after another, while
// visitors look and pay: the edge, core (twice, so that both places have had the
// new build) and the stand-in. Between them the schema grows, as a release makes
// it grow that is to run beside the one before it.
func (f *fleet) upgrades(ctx context.Context, row *report.Row) error {
	tr := f.visit(ctx)
	defer tr.end()
	f.step = min(healthyStep, f.Length)
	for _, step := range f.releases() {
		row.Mark(step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	tr.end()
	row.Note("while edge, core and stand-in were upgraded each share of a build was held for %s in place of a minute", f.step)
	return f.judge(ctx, row, tr)
}

// release is one process replaced, or what is done for it.
type release struct {
	what string
	do   func(ctx context.Context) error
}

// releases are those of a whole upgrade; with the first three, a short one has each
// kind but the stand-in's.
func (f *fleet) releases() []release {
	all := []release{
		{"another edge takes over the socket", f.replaceEdge},
		{"every table gets another column, as the next release would add it", f.expand},
		{"release 3 beside release 1", f.rollOut(placeB, "release 3", placeA)},
		{"release 4 beside release 3", f.rollOut(placeA, "release 4", placeB)},
		{"the stand-in's next release", f.replaceStandin},
		{"another edge again", f.replaceEdge},
	}
	if f.Length < time.Second {
		return all[:3]
	}
	return all
}

// judge writes what the visitors met during the upgrades.
func (f *fleet) judge(ctx context.Context, row *report.Row, tr *traffic) error {
	for _, kind := range []string{looking, taking, freezing} {
		tr.tally.share(row, kind, 1)
		row.Figures[len(row.Figures)-1].Name = "upgrades: " + kind
	}
	tr.tally.never(row, cookieCleared)
	tr.tally.never(row, unknownIsNo)
	tr.tally.timeline(row)
	stored, err := f.stored(ctx, tr)
	if err != nil {
		return err
	}
	row.Value("upgrades: acknowledged payments less those in the books", float64(tr.paid.Load()-stored), "USD").AtMost(0)
	row.Value("upgrades: payments in the books less those acknowledged", float64(stored-tr.paid.Load()), "USD").AtMost(0)
	v, err := app.Verify(ctx, app.Target{Database: f.Database, MasterKey: f.key()})
	if err != nil {
		return err
	}
	wrong := 0.0
	if !v.OK {
		wrong = float64(len(v.Problems))
		row.Note("verify: %s", v.First())
	}
	row.Value("upgrades: wrong rows that verify finds", wrong, "rows").AtMost(0)
	return nil
}

// rollOut starts a release in a place, gives it everybody step by step, and stops
// the one that it replaces.
func (f *fleet) rollOut(place, release, from string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if err := f.startBuild(ctx, place, release); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, drainLimit)
		defer cancel()
		if err := f.until(ctx, func(r routed) bool { return r.build(place).says == release && r.build(place).ready }); err != nil {
			return err
		}
		if err := f.share(ctx, place, 10_000, release); err != nil {
			return err
		}
		drained := false
		if err := f.until(ctx, func(r routed) bool {
			drained = r.build(place).drained
			return drained || r.build(place).share == 10_000 && r.build(from).flight == 0
		}); err != nil {
			return err
		}
		if drained {
			return fmt.Errorf("a healthy build was drained")
		}
		return f.builds[from].stop()
	}
}

// replaceStandin stops the stand-in and starts another on its socket and store.
func (f *fleet) replaceStandin(ctx context.Context) error {
	if err := f.standin.stop(); err != nil {
		return err
	}
	return f.standin.start(ctx, f.Program, f.log)
}

// expand adds a column to every table and one table, while a build runs that knows
// neither.
func (f *fleet) expand(ctx context.Context) error {
	d, err := db.Open(ctx, f.Database, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	list := `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
	if d.Engine() == db.SQLite {
		list = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	var tables []string
	if err := d.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, list)
		tables, err = db.Collect(rows, err, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) })
		return err
	}); err != nil {
		return err
	}
	for _, table := range tables {
		if err := d.Alter(ctx, `ALTER TABLE `+table+` ADD COLUMN of_next_release TEXT`); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return d.Alter(ctx, `CREATE TABLE of_next_release (id TEXT PRIMARY KEY)`)
}

// stored counts the traffic's payments in the database, in whole dollars: each is of one.
func (f *fleet) stored(ctx context.Context, tr *traffic) (n int64, err error) {
	d, err := db.Open(ctx, f.Database, db.Options{})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	err = d.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(amount), 0) / 100 AS BIGINT) FROM payment WHERE request_key LIKE $1`, tr.run+"-%").Scan(&n)
	})
	return n, err
}
