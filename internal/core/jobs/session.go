package jobs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"standfast/internal/db"
	"standfast/internal/fault"
)

const (
	workersPerKind = 32
	pollEvery      = 15 * time.Second      // a net only: keeper.look finds work that nobody hurried, in one query for all queues
	fetchAtMost    = 10 * time.Millisecond // between two looks at one queue, however often it is hurried
)

// session is one stretch of working jobs, from Start to Stop.
type session struct {
	queues map[string]river.QueueConfig
	worker worker
	hurry  func(queue string)
	end    context.CancelFunc // of the keeper
	ended  chan struct{}
}

// Start begins working all kinds that have handlers. Only Stop ends it: the end
// of ctx would tear work apart. An SQLite file is worked by one process at most.
func (j *Jobs) Start(ctx context.Context) error {
	j.life.Lock()
	defer j.life.Unlock()
	if j.current() != nil {
		return fault.New(fault.Internal, "jobs.started", "Jobs were started twice.")
	}
	k := &keeper{db: j.db, log: j.log, exec: j.queue.executor(), id: db.NewID(), due: j.due, hurry: j.hurryQueue}
	if err := k.begin(ctx); err != nil {
		return err
	}
	return j.begin(ctx, k)
}

// begin opens the session that k keeps.
func (j *Jobs) begin(ctx context.Context, k *keeper) error {
	kinds := j.handlers()
	var names []string
	for kind := range kinds {
		names = append(names, queueName(kind))
	}
	s, err := j.open(ctx, k.id, kinds, names)
	if err != nil {
		return err
	}
	keep, end := context.WithCancel(context.WithoutCancel(ctx))
	s.end, s.ended = end, make(chan struct{})
	go func() { defer close(s.ended); k.run(keep) }()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.session = s
	return nil
}

// handlers copies the kinds, so that nobody holds the lock while workers start:
// starting waits for the database, and a job that already runs may hold SQLite's
// one writer while it enqueues another, which takes the lock.
func (j *Jobs) handlers() map[string]handler {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.kinds)
}

// works tells whether a queue is the session's.
func (s *session) works(queue string) bool {
	_, ok := s.queues[queue]
	return ok
}

// open starts workers for the given queues, as far as they have handlers.
func (j *Jobs) open(ctx context.Context, id string, kinds map[string]handler, names []string) (*session, error) {
	w := river.NewWorkers()
	queues := map[string]river.QueueConfig{}
	for kind, add := range kinds {
		add(w)
		if name := queueName(kind); slices.Contains(names, name) {
			queues[name] = river.QueueConfig{MaxWorkers: workersPerKind}
		}
	}
	if len(queues) == 0 {
		return &session{worker: idle{}, hurry: func(string) {}}, nil
	}
	work, hurry, err := j.queue.worker(&river.Config{
		ID: id, Workers: w, Queues: queues, MaxAttempts: DefaultAttempts, RetryPolicy: retries{j.db},
		FetchCooldown: fetchAtMost, FetchPollInterval: pollEvery, PollOnly: true,
		LeaderElectionDisabled: true, // the keeper does what River's leader would, sooner after a crash
		Logger:                 errorsOnly(j.log), Test: river.TestConfig{Time: clock{j.db}},
	})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "jobs.configuration", "The job queue refuses its configuration.", err)
	}
	if err := work.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "storage.unavailable", "The job queue could not be started.", err)
	}
	return &session{queues: queues, worker: work, hurry: hurry}, nil
}

// Stop takes no more work and lets what runs finish. When ctx ends first, the
// contexts of running handlers are cancelled; what did not finish runs again later.
func (j *Jobs) Stop(ctx context.Context) error {
	j.life.Lock()
	defer j.life.Unlock()
	j.mu.Lock()
	s := j.session
	j.session = nil
	j.mu.Unlock()
	if s == nil {
		return nil
	}
	err := s.worker.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, s.worker.StopAndCancel(hard))
	}
	s.end()
	<-s.ended
	return err
}

// hurryQueue has the workers of a queue look for work now.
func (j *Jobs) hurryQueue(queue string) {
	if s := j.current(); s != nil {
		s.hurry(queue)
	}
}

func (j *Jobs) current() *session {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.session
}

// idle works nothing, because nothing has a handler.
type idle struct{}

func (idle) Start(context.Context) error         { return nil }
func (idle) Stop(context.Context) error          { return nil }
func (idle) StopAndCancel(context.Context) error { return nil }
