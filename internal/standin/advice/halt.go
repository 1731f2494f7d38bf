package advice

import (
	"context"

	"standfast/internal/fault"
	"standfast/internal/standin/store"
)

// Halted says why no payment may be taken and nothing is sent any more: core has
// been told of advices that this store does not have. One of the two was put back
// to an older copy, and what was promised in between is known to one side alone.
func (p *Pusher) Halted() *fault.Error { return p.halted.Load() }

// halt stops everything until somebody has looked. It outlives the process.
func (p *Pusher) halt(ctx context.Context, code, message string) error {
	e := fault.New(fault.Unavailable, code, message)
	p.halted.Store(e)
	if err := p.Own.Halt(ctx, code, message); err != nil {
		p.Log.ErrorContext(ctx, "that the stand-in takes nothing any more is not kept", "err", err)
	}
	p.Log.ErrorContext(ctx, "the stand-in takes nothing any more until somebody has looked", "code", code, "why", message)
	return e
}

// Recall takes up again what halted an earlier process.
func (p *Pusher) Recall(ctx context.Context) error {
	code, message, err := p.Own.Halted(ctx)
	if err == nil && code != "" {
		p.halted.Store(fault.New(fault.Unavailable, code, message))
	}
	return err
}

// Compare has the past looked at again before anything else is sent: core's
// database may be an older one since it was last asked.
func (p *Pusher) Compare() { p.same.Store(false) }

// compare sends the newest advice that core has answered for once more, or nothing
// where there is none. Where core is behind, it says from where, and is told
// everything again; where it is ahead, we are an older copy.
func (p *Pusher) compare(ctx context.Context) error {
	answered, err := p.Own.LastAnswered(ctx)
	if err != nil {
		return err
	}
	var newest []store.Advice
	if answered > 0 {
		if newest, err = p.Own.From(ctx, answered, 1); err != nil {
			return err
		}
	}
	if _, err = p.sendThese(ctx, answered, newest, true); err == nil {
		p.same.Store(true)
	}
	return err
}
