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
	mostWaiting = 4000 // attempts of the storm that are under way at once
	peakClients = 4
	stormTick   = 10 * time.Millisecond
)

// Row18 lets everybody sign in again at once, with passwords, at fifty times the
// rate that can be served, while members who are signed in go on looking.
func (s *Stage) Row18(ctx context.Context, r *report.Report) error {
	row := r.Row(18, "Everybody signs in again at once (×50 load)")
	if err := s.everybodyIn(ctx); err != nil {
		return err
	}
	var crowd []*Member
	for _, m := range s.Members {
		crowd = append(crowd, m.nextMorning())
	}
	quiet := s.lookingOn(ctx, func() error { <-time.After(s.Length); return nil })
	if quiet.err != nil {
		return quiet.err
	}
	peak, err := s.peak(ctx, crowd)
	if err != nil {
		return err
	}
	row.Value("sign-ins with a password served, peak", peak, "/s")
	var st *storm
	during := s.lookingOn(ctx, func() error {
		st = s.storm(ctx, crowd, stormTimes*peak)
		return nil
	})
	if during.err != nil {
		return during.err
	}
	st.report(row, peak)
	row.Share("existing sessions: looking", during.good, during.good+during.bad, nil).AtLeast(leastExisting)
	row.Value("existing sessions: p99 while quiet", seconds4(quiet.p99()), "s")
	row.Value("existing sessions: p99 in the storm", seconds4(during.p99()), "s")
	row.Value("existing sessions: p99 in the storm against quiet", during.p99()/quiet.p99(), "×").AtMost(mostSlower)
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

// storm is what became of a storm of sign-ins.
type storm struct {
	mu                   sync.Mutex
	offered, served      int
	refused, other, late int
	refusals             []float64 // seconds
	length               time.Duration
	misses               map[string]int
}

// storm sends sign-ins at a rate, whatever becomes of those before.
func (s *Stage) storm(ctx context.Context, crowd []*Member, rate float64) *storm {
	st := &storm{misses: map[string]int{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: mostWaiting, MaxConnsPerHost: mostWaiting}}
	places := make(chan struct{}, mostWaiting)
	var all sync.WaitGroup
	tick := time.NewTicker(stormTick)
	defer tick.Stop()
	begun := time.Now()
	for sent := 0; time.Since(begun) < s.Length; <-tick.C {
		for ; float64(sent) < rate*time.Since(begun).Seconds(); sent++ {
			m := crowd[sent%len(crowd)].with(client)
			select {
			case places <- struct{}{}:
				all.Go(func() {
					st.attempt(ctx, m)
					<-places
				})
			default: // more are waiting than a machine has sockets for
			}
		}
	}
	st.length = time.Since(begun)
	all.Wait()
	return st
}

// with gives the member's browser with another client under it, which is shared.
func (m *Member) with(c *http.Client) *Member {
	again := *m
	again.http = &http.Client{Transport: c.Transport, Timeout: c.Timeout, Jar: m.jar}
	return &again
}

func (st *storm) attempt(ctx context.Context, m *Member) {
	begun := time.Now()
	a, err := m.password(ctx)
	took := time.Since(begun).Seconds()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.offered++
	switch {
	case err != nil:
		st.other++
		st.misses["no answer"]++
	case a.status == http.StatusOK:
		st.served++
	case a.later():
		st.refused++
		st.refusals = append(st.refusals, took)
		if took > mostRefusal {
			st.late++
		}
	default:
		st.other++
		st.misses[a.what()]++
	}
}

func (st *storm) report(row *report.Row, peak float64) {
	rate := float64(st.served) / st.length.Seconds()
	row.Value("sign-ins offered", float64(st.offered)/st.length.Seconds(), "/s")
	row.Value("sign-ins served in the storm", rate, "/s")
	row.Value("served in the storm against the peak", rate/peak, "×").AtLeast(leastPeak)
	row.Share("answered: served, or told when to come back", st.served+st.refused, st.offered, st.misses).AtLeast(1)
	slices.Sort(st.refusals)
	if n := len(st.refusals); n > 0 {
		row.Value("told when to come back, p50", seconds4(st.refusals[n/2]), "s")
		row.Value("told when to come back, p99", seconds4(st.refusals[n*99/100]), "s").AtMost(mostRefusal)
	}
}
