package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"standfast/internal/core/replica"
	"standfast/internal/core/signin"
	"standfast/internal/core/spool"
)

// OfflineConfig is what a core keeps on its own machine for the time when its
// database does not answer.
type OfflineConfig struct {
	Folder string `toml:"folder"` // the folder "offline" beside the configuration file when empty

	serves bool // this process serves members; commands on data keep nothing
}

// folder gives the folder of a configuration file at path.
func (c OfflineConfig) folder(path string) string {
	if c.Folder == "" {
		return filepath.Join(filepath.Dir(path), "offline")
	}
	return under(filepath.Dir(path), c.Folder)
}

// openOffline opens what members' requests wait in while the database is away,
// and the replica by which they sign in meanwhile.
func (r *Rooms) openOffline(c OfflineConfig) (err error) {
	if !c.serves {
		return nil
	}
	if r.Later, err = spool.Open(c.Folder, r.DB.Now, r.log); err != nil {
		return err
	}
	path := filepath.Join(c.Folder, fmt.Sprintf("replica-%d.db", r.Later.Slot()))
	r.Replica, err = replica.Open(context.Background(), path, r.DB, r.log, signin.OfflineTopics()...)
	return err
}

// runLater carries out what waits, where there is such a thing.
func (r *Rooms) runLater(ctx context.Context) error {
	if r.Later == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.Later.Run(ctx)
}

// runReplica keeps the replica current, where there is one.
func (r *Rooms) runReplica(ctx context.Context) error {
	if r.Replica == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.Replica.Run(ctx)
}

// closeOffline gives the files back.
func (r *Rooms) closeOffline() (err error) {
	if r.Replica != nil {
		err = r.Replica.Close()
	}
	if r.Later != nil {
		err = errors.Join(err, r.Later.Close())
	}
	return err
}
