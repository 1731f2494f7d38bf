package importer

import (
	"context"
	"fmt"
	"strconv"

	"standfast/internal/core/locator"
	"standfast/internal/db"
)

var machineLayout = layout{required: []string{"atm_ref", "name", "address", "city", "country", "lat", "lon"}}

// machines imports cash machines. Unlike money and people they may change: a
// machine that moved is moved, but one file cannot say two things about it.
func (r *run) machines(ctx context.Context, path string) (FileSummary, error) {
	seen := map[string]locator.Machine{}
	return load(ctx, r, path, stage[locator.Machine]{layout: machineLayout, batch: peopleBatch,
		decode: func(w row) (locator.Machine, error) {
			m, err := decodeMachine(w)
			if err != nil {
				return m, err
			}
			if before, ok := seen[m.Ref]; ok && before != m {
				return m, fmt.Errorf("this file says something else about %q further up", m.Ref)
			}
			seen[m.Ref] = m
			return m, nil
		},
		apply: r.putMachines})
}

func decodeMachine(w row) (m locator.Machine, err error) {
	m = locator.Machine{Ref: w.get("atm_ref"), Name: w.get("name"), Address: w.get("address"), City: w.get("city"), Country: w.get("country")}
	if m.Lat, err = strconv.ParseFloat(w.get("lat"), 64); err != nil {
		return m, invalid("lat", "A latitude is degrees as 51.5007.")
	}
	if m.Lon, err = strconv.ParseFloat(w.get("lon"), 64); err != nil {
		return m, invalid("lon", "A longitude is degrees as -0.1246.")
	}
	return m, nil
}

func (r *run) putMachines(ctx context.Context, batch []*item[locator.Machine]) error {
	return r.DB.WithTx(ctx, func(tx *db.Tx) error {
		for _, it := range batch {
			it.added, it.err = false, nil // the closure may run again
			changed, err := r.Locator.Put(ctx, tx, it.value)
			if err != nil && !refused(err) {
				return err
			}
			it.added, it.err = changed, err
		}
		return nil
	})
}
