package jobs_test

import (
	"sync"
	"testing"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

func TestProcessesMayMigrateAtOnceAndAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := jobs.Migrate(ctx, d); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		migrate(t, d)
	})
}
