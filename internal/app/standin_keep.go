package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/store"
)

// meet notices that the stand-in's own store was lost: the copy of core's data
// stood beside another one. What that had promised and core has not heard of is
// known to nobody here; what core has heard of comes back with the feed.
func (s *standIn) meet(ctx context.Context) error {
	lost, err := s.known.Meet(ctx, s.own.ID())
	if err != nil || lost == "" {
		return err
	}
	s.log.ErrorContext(ctx, "the stand-in's own store was lost and is new: payments that core has not heard of may be missing",
		"lost", lost, "new", s.own.ID(), "since", s.own.Since())
	return s.own.Replaces(ctx, lost)
}

// changed passes on what the feed has brought. After a snapshot core's database may
// be an older one than before, which may lack what we have told it.
func (s *standIn) changed(ctx context.Context, list []store.Record, at store.Position, anew bool) error {
	if anew {
		s.pusher.Compare()
	}
	return s.desk.Learn(ctx, list, at, anew)
}

// StandInResume lets a stand-in that takes nothing any more go on: somebody has
// compared its store with what core has of it. It is for a stand-in that is stopped.
func StandInResume(ctx context.Context, configPath string, out io.Writer) error {
	c, err := LoadStandIn(configPath)
	if err != nil {
		return err
	}
	own, err := store.OpenOwn(ctx, c.Store, standInNow())
	if err != nil {
		return fault.Wrap(fault.Unavailable, "standin.store", "The stand-in's store cannot be opened: "+c.Store, err)
	}
	defer own.Close()
	code, message, err := own.Halted(ctx)
	if err == nil {
		err = own.Resume(ctx)
	}
	if err != nil {
		return err
	}
	if code == "" {
		message = "Nothing kept it from going on."
	}
	_, err = fmt.Fprintln(out, message)
	return err
}

// halted says why no payment may be taken. After its own store was lost, nobody
// knows what was taken on that day, and its limits begin anew with the next.
func (s *standIn) halted() *fault.Error {
	if e := s.pusher.Halted(); e != nil {
		return e
	}
	if s.own.Lost() != "" && s.businessDate(standInNow()) == s.businessDate(s.own.Since()) {
		return fault.New(fault.Unavailable, "standin.lost", "The stand-in's own store was lost and is new: it takes payments again on the next business day.")
	}
	return nil
}

func (s *standIn) businessDate(at time.Time) string {
	zone, _ := time.LoadLocation(s.conf.Cell.TimeZone) // checked with the file
	return at.In(zone).Format(time.DateOnly)
}

const (
	standInTick  = time.Minute
	standInPrune = 60 // ticks between two prunings
)

// keep remembers how late it is, and forgets what nobody needs any more, until ctx ends.
func (s *standIn) keep(ctx context.Context) error {
	every := time.NewTicker(standInTick)
	defer every.Stop()
	for tick := 0; ; tick++ {
		if err := s.desk.Tick(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the clock is not kept", "err", err)
		}
		if tick%standInPrune == 0 {
			s.prune(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		}
	}
}

func (s *standIn) prune(ctx context.Context) {
	complete := s.known.Position().Complete
	now := standInNow()
	if complete.Before(now) { // our clock may have jumped ahead: what is over by core's is over
		now = complete
	}
	if !s.desk.MayLook() {
		return // by a clock, or a feed, that cannot be relied on nothing is forgotten
	}
	for _, err := range []error{s.own.Prune(ctx, now, complete), s.known.Prune(ctx, now)} {
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "what is over is not forgotten", "err", err)
		}
	}
}
