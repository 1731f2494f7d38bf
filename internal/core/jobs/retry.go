package jobs

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"

	"standfast/internal/db"
)

const (
	firstWait = time.Second
	mostWait  = time.Hour
)

// retries is River's policy for the next try of a failed job.
type retries struct{ db *db.DB }

// NextRetry waits 1 s, 2 s, 4 s … up to an hour, each a quarter more or less, so
// that jobs which failed together do not come back together.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	wait := mostWait
	if doublings := max(0, job.Attempt-1); doublings < 12 {
		wait = min(mostWait, firstWait<<doublings)
	}
	jitter := 0.75 + rand.Float64()/2
	return r.db.Now().Add(time.Duration(float64(wait) * jitter))
}

// clock gives River the transactions' clock, in memory and in its statements.
type clock struct{ db *db.DB }

func (c clock) Now() time.Time { return c.db.Now() }

func (c clock) NowOrNil() *time.Time {
	now := c.db.Now()
	return &now
}

// silent drops the log of River's that says nothing to anybody.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// errorsOnly passes on what River cannot do, such as fetch. Failures of handlers
// are below that and logged by record, with the kind and the try.
func errorsOnly(log *slog.Logger) *slog.Logger {
	return slog.New(floor{log.Handler(), slog.LevelError})
}

// floor is a log handler that lets nothing below a level through.
type floor struct {
	slog.Handler
	least slog.Level
}

func (f floor) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= f.least && f.Handler.Enabled(ctx, l)
}

func (f floor) WithAttrs(attrs []slog.Attr) slog.Handler {
	return floor{f.Handler.WithAttrs(attrs), f.least}
}
func (f floor) WithGroup(name string) slog.Handler { return floor{f.Handler.WithGroup(name), f.least} }
