package jobs

import (
	"context"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

const migrationTakes = time.Minute // at most; then another process may try

// Migrate brings the queue's own tables up to this build, after db's. Several
// processes may call it at once: one works, the others wait for it.
func Migrate(ctx context.Context, d *db.DB) error {
	release, err := alone(ctx, d)
	if err != nil {
		return err
	}
	defer release()
	if err := newQueue(d).migrate(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, "storage.migrate", "The job queue's tables could not be brought up to date.", err)
	}
	return tune(ctx, d)
}

// alone waits until no other process migrates.
func alone(ctx context.Context, d *db.DB) (release func(), err error) {
	const name = "jobs.migrate"
	holder := db.NewID()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		held, err := d.Lease(ctx, name, holder, migrationTakes)
		if err != nil {
			return nil, err
		}
		if held {
			return func() { _, _ = d.Lease(context.WithoutCancel(ctx), name, holder, -time.Second) }, nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tune drops those of River's indexes on PostgreSQL that only serve looking for
// jobs by kind and contents, which nobody here does, and that cost every payment time.
func tune(ctx context.Context, d *db.DB) error {
	if d.Engine() != db.PostgreSQL {
		return nil
	}
	return d.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DROP INDEX IF EXISTS river_job_args_index, river_job_metadata_index, river_job_kind`)
		return err
	})
}
