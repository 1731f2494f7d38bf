package record

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

func TestDecisionsStayAndAreTakenUpAgain(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "a b?c#.db"), context.Background()
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	add := func(d route.Decision) {
		t.Helper()
		b, err := Open(path) // each time by another process
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		d.At, d.Cell = at, "us"
		if d, err = b.Add(ctx, d); err != nil || d.ID == 0 {
			t.Fatal(d, err)
		}
	}
	add(route.Decision{Kind: route.Switched, Journey: journey.Pay, Side: route.Standin, Cause: route.CauseFailures, Core: route.Tally{Failed: 6}})
	add(route.Decision{Kind: route.Switched, Journey: journey.Pay, Side: route.Core, Share: route.All, Cause: route.CauseStep})
	add(route.Decision{Kind: route.Rolled, Journey: journey.Pay, Build: "b", Cause: route.CauseWorse})
	add(route.Decision{Kind: route.Overridden, Journey: journey.Freeze, Side: route.Standin, Until: at.Add(time.Hour), Who: "Ada", Reason: "drill"})

	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	all, err := b.List(ctx, "us", 0, 10)
	if err != nil || len(all) != 4 || all[3].Core.Failed != 6 || all[0].Reason != "drill" {
		t.Fatalf("%+v %v", all, err)
	}
	if older, err := b.List(ctx, "", all[1].ID, 1); err != nil || len(older) != 1 || older[0].ID != all[2].ID {
		t.Errorf("%+v %v", older, err)
	}
	if none, err := b.List(ctx, "gb", 0, 10); err != nil || len(none) != 0 {
		t.Errorf("%+v %v", none, err)
	}
	standing, err := b.Standing(ctx)
	if err != nil || len(standing) != 3 || standing[0].Side != route.Core {
		t.Fatalf("%+v %v", standing, err)
	}
	r, err := route.New(route.Options{Now: func() time.Time { return at.Add(time.Minute) }, Cells: []route.Cell{{Name: "us", Standin: "https://s",
		Builds: []route.Build{{Name: "a", URL: "https://a"}, {Name: "b", URL: "https://b", Share: route.All}}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.Restore(standing)
	cell := r.State().Cells[0]
	if p := cell.Processes[1]; !p.Drained || p.Share != 0 || p.Target != 0 {
		t.Errorf("the drained build came back: %+v", p)
	}
	for _, j := range cell.Journeys {
		if (j.Journey == journey.Freeze) != (j.Override != nil) {
			t.Errorf("%s: %+v", j.Journey, j.Override)
		}
	}
	for _, change := range []string{`DELETE FROM decisions`, `UPDATE decisions SET body = '{}'`} {
		if _, err := b.db.ExecContext(ctx, change); err == nil {
			t.Errorf("%s was done", change)
		}
	}
}
