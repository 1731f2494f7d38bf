package app

import (
	"context"
	"io"
	"log/slog"
	"time"

	"standfast/internal/core/importer"
)

// ImportFiles names the CSV files of an import; "" for none.
type ImportFiles = importer.Files

// Import loads CSV files into a folder's or a server's database, which is made
// where it is missing.
func Import(ctx context.Context, t Target, files ImportFiles, log *slog.Logger) (importer.Summary, error) {
	target, err := t.database(true)
	if err != nil {
		return importer.Summary{}, err
	}
	r, zone, err := openForData(ctx, t, target, log)
	if err != nil {
		return importer.Summary{}, err
	}
	defer r.Close()
	sum, err := importer.Run(ctx, importDeps(r, zone, log), files, nil)
	if err != nil {
		return sum, err
	}
	return sum, r.Sequencer.Pass(ctx)
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
	c := Defaults()
	c.Cell.PublicURL = "https://localhost"
	c.Database = database
	zone, err := time.LoadLocation(c.Cell.TimeZone)
	if err != nil {
		return nil, nil, err
	}
	r, err := openWith(ctx, c, key, log)
	return r, zone, err
}

func importDeps(r *Rooms, zone *time.Location, log *slog.Logger) importer.Deps {
	return importer.Deps{DB: r.DB, Members: r.Members, Accounts: r.Accounts, Ledger: r.Ledger, SignIn: r.SignIn,
		Instruments: r.Instruments, Locator: r.Locator, Zone: zone, Log: log}
}
