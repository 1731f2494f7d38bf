package scenario

import (
	"context"
	"errors"
	"fmt"

	"standfast/internal/pgserver"
)

// onStage plays on a stage of its own: on PostgreSQL with a database of its own
// beside the one that was given.
func onStage(ctx context.Context, o Options, play func(s *Stage) error) (err error) {
	if o.Database != "" {
		own, drop, err := pgserver.Another(ctx, o.Database, "stage")
		if err != nil {
			return fmt.Errorf("a database of its own: %w", err)
		}
		defer drop()
		o.Database = own
	}
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return play(s)
}
