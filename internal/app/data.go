package app

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/importer"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/outbox"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// ImportFiles names the CSV files of an import; "" for none.
type ImportFiles = importer.Files

// importMemory is what an import may take; the goal is to stay under 250 MB.
const importMemory = 200 << 20

// Import loads CSV files into a folder's or a server's database, which is made
// where it is missing.
func Import(ctx context.Context, t Target, files ImportFiles, log *slog.Logger) (importer.Summary, error) {
	if files.PaymentMethods != "" && t.key() == demoKey {
		return importer.Summary{}, fault.New(fault.Invalid, "usage", "Bank accounts are sealed with the master key: say where it is with --master-key FILE.")
	}
	target, err := t.database(true)
	if err != nil {
		return importer.Summary{}, err
	}
	r, zone, err := openForData(ctx, t, target, log)
	if err != nil {
		return importer.Summary{}, err
	}
	defer r.Close()
	// An import makes much garbage and keeps little of it: collecting less often
	// takes 7 % off its processor time, and the limit holds its memory.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(importMemory))
	sum, err := importer.Run(ctx, importDeps(r, zone, log), files, nil)
	if err != nil {
		return sum, err
	}
	// The history is sealed at once. Its changes are numbered by core when it next
	// runs: only who follows them waits for that.
	return sum, outbox.NewSequencer(r.DB, log, audit.Table, ledger.Batches).Pass(ctx)
}

// Balances writes every account's balance as CSV.
func Balances(ctx context.Context, t Target, out io.Writer, log *slog.Logger) error {
	target, err := t.database(false)
	if err != nil {
		return err
	}
	r, zone, err := openForData(ctx, t, target, log)
	if err != nil {
		return err
	}
	defer r.Close()
	return importer.Balances(ctx, importDeps(r, zone, log), out)
}

// openForData wires the rooms for a command that works on data and sends nothing.
func openForData(ctx context.Context, t Target, database string, log *slog.Logger) (*Rooms, *time.Location, error) {
	key, err := t.loadKey()
	if err != nil {
		return nil, nil, err
	}
	c := t.settings()
	c.Database = database
	zone, err := time.LoadLocation(c.Cell.TimeZone)
	if err != nil {
		return nil, nil, err
	}
	r, err := openWith(ctx, c, key, log, func(d *db.DB, m *member.Store, n *notify.Notifier, k signin.Sealer, c signin.Config) (*signin.Service, error) {
		return signin.Offline(d, m, n, k, c), nil
	})
	return r, zone, err
}

func importDeps(r *Rooms, zone *time.Location, log *slog.Logger) importer.Deps {
	return importer.Deps{DB: r.DB, Members: r.Members, Accounts: r.Accounts, Ledger: r.Ledger, SignIn: r.SignIn,
		Instruments: r.Instruments, Locator: r.Locator, Zone: zone, Log: log}
}
