package scenario

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/gameday/report"
)

// What row 18 has to reach.
const (
	stormTimes  = 50 // times the sign-ins that can be served
	leastPeak   = 0.9
	mostRefusal = 0.1 // seconds until somebody is told when to come back
	mostSlower  = 2.0 // × the quiet p99 of existing sessions
	lookEvery   = 20 * time.Millisecond
	tryEvery    = 50 * time.Millisecond // of the one whose waiting is measured
	peakClients = 4
)

// Row18 has everybody sign in again at once at a core alone, and at one behind an edge
// with a stand-in beside it, which nobody is to be sent to for the load.
func Row18(ctx context.Context, o Options, r *report.Report) error {
	row := r.Row(18, "Everybody signs in again at once (×50 load)")
	for _, stage := range []struct {
		name  string
		sides bool
	}{{"core alone", false}, {"through the edge", true}} {
		if !o.wants(stage.name) {
			continue
		}
		o.Sides, o.Direct = stage.sides, true // a proxy takes part of the machine whose capacity is measured
		if err := onStage(ctx, o, func(s *Stage) error { return s.Storm(ctx, row, stage.name) }); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	return nil
}

// Storm lets everybody sign in again at once, with passwords, at fifty times the
// rate that can be served, while members who are signed in go on looking. The
// crowd is a process of its own: what it does to be a crowd is not to be taken for
// what it does to those whose waiting is measured.
func (s *Stage) Storm(ctx context.Context, row *report.Row, name string) error {
	if err := s.everybodyIn(ctx); err != nil {
		return err
	}
	begun := time.Now()
	var crowd []*Member
	for _, m := range s.Members {
		crowd = append(crowd, m.nextMorning())
	}
	quiet := s.lookingOn(ctx, func() error { <-time.After(s.Length); return nil })
	if quiet.err != nil {
		return quiet.err
	}
	var peak float64
	atPeak := s.lookingOn(ctx, func() (err error) { peak, err = s.peak(ctx, crowd); return err }) // as they do in the storm
	if atPeak.err != nil {
		return atPeak.err
	}
	row.Value(name+": sign-ins with a password served, peak", peak, "/s")
	var st storm
	var told witness
	during := s.lookingOn(ctx, func() (err error) {
		ctx, stop := context.WithCancel(ctx)
		var watching sync.WaitGroup
		watching.Go(func() { told.watch(ctx, crowd) })
		st, err = s.storm(ctx, crowd, stormTimes*peak)
		stop()
		watching.Wait()
		return err
	})
	if during.err != nil {
		return during.err
	}
	st.report(row, name, peak)
	told.report(row, name)
	row.Share(name+": existing sessions: looking", during.good, during.good+during.bad, nil).AtLeast(leastExisting)
	row.Value(name+": existing sessions: p99 while quiet", seconds4(quiet.p99()), "s")
	row.Value(name+": existing sessions: p99 in the storm", seconds4(during.p99()), "s")
	row.Value(name+": existing sessions: p99 in the storm against quiet", during.p99()/quiet.p99(), "×").AtMost(mostSlower)
	return s.stayed(ctx, row, name, begun)
}

// stayed writes whether the edge has taken load for a fault.
func (s *Stage) stayed(ctx context.Context, row *report.Row, name string, begun time.Time) error {
	if !s.Sides {
		return nil
	}
	st, err := s.routing(ctx)
	if err != nil {
		return err
	}
	a := act{Stage: s, row: row, name: name}
	row.Value(name+": journeys moved for the load", float64(a.decisions(st, begun, time.Now()).journeys), "journeys").AtMost(0)
	return nil
}

func seconds4(s float64) float64 { return math.Round(s*1e4) / 1e4 }

// looked is how members who are signed in fared.
type looked struct {
	good, bad int
	took      []float64 // seconds
	err       error
}

func (l looked) p99() float64 {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return l.took[len(l.took)*99/100]
}

// lookingOn has one member after the other look at a session and a dashboard, at a
// steady rate, for as long as work takes.
func (s *Stage) lookingOn(ctx context.Context, work func() error) looked {
	var l looked
	var mu sync.Mutex
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			m, v := s.Members[n%len(s.Members)], lookAtDashboard()
			begun := time.Now()
			a, err := v.ask(ctx, m)
			if ctx.Err() != nil {
				return
			}
			mu.Lock()
			l.took = append(l.took, time.Since(begun).Seconds())
			if err == nil && v.judge(m, a) == "" {
				l.good++
			} else {
				l.bad++
			}
			mu.Unlock()
		}
	})
	l.err = work()
	stop()
	all.Wait()
	return l
}

// peak gives how many password sign-ins a second are served when no more come
// than are served.
func (s *Stage) peak(ctx context.Context, crowd []*Member) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Length)
	defer cancel()
	var served atomic.Int64
	begun := time.Now()
	var all sync.WaitGroup
	for i := range min(peakClients, len(crowd)) {
		all.Go(func() {
			for ctx.Err() == nil {
				if a, err := crowd[i].password(ctx); err == nil && a.status == http.StatusOK {
					served.Add(1)
				}
			}
		})
	}
	all.Wait()
	if served.Load() == 0 {
		return 0, fmt.Errorf("nobody could sign in")
	}
	return float64(served.Load()) / time.Since(begun).Seconds(), nil
}

// witness is one member of the crowd, whose waiting is measured.
type witness struct {
	refusals []float64 // seconds until told when to come back
}

// watch tries to sign in again and again until ctx ends.
func (w *witness) watch(ctx context.Context, crowd []*Member) {
	tick := time.NewTicker(tryEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		begun := time.Now()
		a, err := crowd[n%len(crowd)].password(ctx)
		if err == nil && a.later() {
			w.refusals = append(w.refusals, time.Since(begun).Seconds())
		}
	}
}

func (w *witness) report(row *report.Row, name string) {
	slices.Sort(w.refusals)
	n := len(w.refusals)
	if n == 0 {
		row.Note("%s: nobody was told to come back later", name)
		return
	}
	row.Value(name+": told when to come back, p50", seconds4(w.refusals[n/2]), "s")
	row.Value(name+": told when to come back, p99", seconds4(w.refusals[n*99/100]), "s").AtMost(mostRefusal)
}
