package app

import (
	"context"
	"path/filepath"

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

// openOffline opens what members' requests wait in while the database is away.
func (r *Rooms) openOffline(c OfflineConfig) (err error) {
	if !c.serves {
		return nil
	}
	r.Later, err = spool.Open(c.Folder, r.DB.Now, r.log)
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

// closeOffline gives the files back.
func (r *Rooms) closeOffline() error {
	if r.Later == nil {
		return nil
	}
	return r.Later.Close()
}
