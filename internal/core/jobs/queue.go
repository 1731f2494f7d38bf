package jobs

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"

	"standfast/internal/db"
)

// queue is River on one engine.
type queue interface {
	// worker makes a client that works jobs, and the function that has one of
	// its queues look for work at once.
	worker(c *river.Config) (worker, func(queue string), error)
	// executor runs River's own statements outside any transaction of ours.
	executor() riverdriver.Executor
	migrate(ctx context.Context) error
}

// worker is the part of River's client that does not depend on the engine.
type worker interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

func newQueue(d *db.DB) queue {
	if d.Engine() == db.PostgreSQL {
		return &on[pgx.Tx]{riverpgxv5.New(d.Pool())}
	}
	return &on[*sql.Tx]{riversqlite.New(d.Writer())}
}

// on is River on the engine whose transactions are a TTx.
type on[TTx any] struct{ driver riverdriver.Driver[TTx] }

func (q *on[TTx]) worker(c *river.Config) (worker, func(string), error) {
	p := &pilot{}
	client, err := river.NewClient(quiet[TTx]{q.driver, p}, c)
	return client, p.hurry, err
}

func (q *on[TTx]) executor() riverdriver.Executor { return q.driver.GetExecutor() }

func (q *on[TTx]) migrate(ctx context.Context) error {
	m, err := rivermigrate.New(q.driver, &rivermigrate.Config{Logger: silent()})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// quiet is a driver without LISTEN and NOTIFY: NOTIFY makes PostgreSQL commit
// one transaction at a time, and no design of ours may need it. Who enqueues
// hurries the workers of its own process after the commit instead; others poll.
type quiet[TTx any] struct {
	riverdriver.Driver[TTx]
	pilot *pilot
}

func (quiet[TTx]) SupportsListener() bool            { return false }
func (quiet[TTx]) SupportsListenNotify() bool        { return false }
func (quiet[TTx]) PluginInit(*baseservice.Archetype) {}
func (q quiet[TTx]) PluginPilot() riverpilot.Pilot   { return q.pilot }

// pilot is River's standard one, which also catches the function that has a
// queue fetch at once. River gives it to pilots only.
type pilot struct {
	riverpilot.StandardPilot
	inserted func(ctx context.Context, res []*rivertype.JobInsertResult)
}

// PilotInit is called once, while the client is made.
func (p *pilot) PilotInit(_ *baseservice.Archetype, params *riverpilot.PilotInitParams) {
	p.inserted = params.NotifyNonTxJobInsert
}

func (p *pilot) hurry(queue string) {
	p.inserted(context.Background(), []*rivertype.JobInsertResult{{Job: &rivertype.JobRow{Queue: queue}}})
}
