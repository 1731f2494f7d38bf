// Package importer reads an issuer's members, accounts and their history from
// CSV files: streaming, in batches, each batch one transaction. Every row is
// known by its reference, so that an import that was killed is simply run again,
// and one that was complete changes nothing when it is. A bad row goes to a file
// of rejects with its line and the reason; the others still load.
package importer

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/audit"
	"standfast/internal/core/instrument"
	"standfast/internal/core/ledger"
	"standfast/internal/core/locator"
	"standfast/internal/core/member"
	"standfast/internal/core/signin"
	"standfast/internal/db"
)

// Deps is what an import writes through.
type Deps struct {
	DB          *db.DB
	Members     *member.Store
	Accounts    *account.Service
	Ledger      *ledger.Ledger
	SignIn      *signin.Service     // for password_hash
	Instruments *instrument.Service // for payment methods
	Locator     *locator.Store      // for cash machines
	Zone        *time.Location      // the cell's time zone, in which days begin; UTC when nil
	Log         *slog.Logger        // slog.Default when nil
}

// Files names what to import, in the order in which it is done; "" for none.
type Files struct {
	Members, Accounts, Holders, PaymentMethods, Transactions, ATMs string
}

// Counts is how far the import of one file is.
type Counts struct {
	File     string
	Rows     int64 // read so far, without the header
	New      int64 // that were not there before
	Rejected int64
}

// Summary is what an import did. The first three are what the command prints.
type Summary struct {
	Accounts     int64 // rows that stand in the database now, whether this run or an earlier one wrote them
	Transactions int64 // likewise
	Rejected     int64 // rows of all files
	Files        []FileSummary
}

// FileSummary is what became of one file.
type FileSummary struct {
	Counts
	Rejects string   // path of the rejected rows, "" when there are none
	Ignored []string // columns that nothing reads
}

// Run imports files. progress, which may be nil, is called after every batch. An
// error means that the import stopped: a file that cannot be read or lacks a
// column (fault.Invalid), or a database that does not answer. What was committed
// by then stays, and running again goes on from there.
func Run(ctx context.Context, d Deps, f Files, progress func(Counts)) (Summary, error) {
	r := newRun(d, progress)
	var s Summary
	for _, step := range []struct {
		path  string
		run   func(context.Context, string) (FileSummary, error)
		count *int64
	}{
		{f.Members, r.members, nil},
		{f.Accounts, r.accounts, &s.Accounts},
		{f.Holders, r.holders, nil},
		{f.PaymentMethods, r.methods, nil},
		{f.Transactions, r.transactions, &s.Transactions},
		{f.ATMs, r.machines, nil},
	} {
		if step.path == "" {
			continue
		}
		file, err := step.run(ctx, step.path)
		if len(file.Ignored) > 0 {
			r.Log.Warn("columns that nothing reads", "file", file.File, "columns", file.Ignored)
		}
		s.Files = append(s.Files, file)
		s.Rejected += file.Rejected
		if step.count != nil {
			*step.count = file.Rows - file.Rejected
		}
		if err != nil {
			return s, err
		}
	}
	return s, r.record(ctx, s)
}

// run is one import.
type run struct {
	Deps
	progress func(Counts)
	known    map[string]target // accounts of transactions, by reference
	days     map[string]time.Time
}

func newRun(d Deps, progress func(Counts)) *run {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if progress == nil {
		progress = func(Counts) {}
	}
	return &run{Deps: d, progress: progress, known: map[string]target{}, days: map[string]time.Time{}}
}

// record leaves a trace in the audit log of an import that changed something.
func (r *run) record(ctx context.Context, s Summary) error {
	details := map[string]string{"rejected": strconv.FormatInt(s.Rejected, 10)}
	var added int64
	for _, f := range s.Files {
		details[f.File] = strconv.FormatInt(f.New, 10)
		added += f.New
	}
	if added == 0 {
		return nil
	}
	return r.DB.WithTx(ctx, func(tx *db.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Actor: "operator", ActorID: "command line", Action: "data.import", Object: "cell",
			ObjectID: "cell", Outcome: audit.OK, From: "import", Details: details})
	})
}
