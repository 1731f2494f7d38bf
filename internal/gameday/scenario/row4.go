package scenario

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"standfast/internal/gameday/fault"
	"standfast/internal/gameday/report"
)

// What row 4 has to reach.
const (
	leastExisting = 0.9999
	leastFresh    = 0.995
	healLimit     = 60 * time.Second // within which everything works again
	think         = 50 * time.Millisecond
)

// breakage is one way in which the database fails.
type breakage struct {
	name string
	set  func() error
}

// breakages are the faults of the way to PostgreSQL, or of SQLite's file.
func (s *Stage) breakages() []breakage {
	if p := s.Proxy; p != nil {
		return []breakage{
			{"dead", p.Down}, {"stalled", p.Stall}, {"slow by 300 ms", func() error { return p.Slow(300 * time.Millisecond) }},
			{"resetting connections", p.Reset}, {"answering with errors", func() error { return p.Errors("XX000") }},
			{"answering without rows", p.Empty},
		}
	}
	f := fault.NewFile(s.dir + "/core.db")
	s.heals = append(s.heals, f.Heal)
	list := []breakage{{"locked by another process", f.Lock}, {"gone", f.Hide}}
	if s.disk != nil {
		s.heals = append(s.heals, s.disk.Heal)
		list = append(list, breakage{"on a disk that is full", s.disk.Fill})
	}
	return list
}

// heal takes every fault away.
func (s *Stage) heal() error {
	if s.Proxy != nil {
		return s.Proxy.Heal()
	}
	for _, h := range s.heals {
		if err := h(); err != nil {
			return err
		}
	}
	return nil
}

// Row4 breaks the database in each way in turn while members who are signed in
// go on, and others come back to devices that know them.
func (s *Stage) Row4(ctx context.Context, r *report.Report) error {
	row := r.Row(4, "The database of sign-in is dead, slow, or answers wrongly")
	if err := s.everybodyIn(ctx); err != nil {
		return err
	}
	t := newTally()
	defer t.timeline(row)
	for i, b := range s.breakages() {
		if err := s.while(ctx, row, t, i, b); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	t.share(row, looking, leastExisting)
	t.share(row, freezing, leastExisting)
	t.share(row, passkeyIn, leastFresh)
	t.share(row, passwordIn, 1)
	t.share(row, paying, 1)
	t.share(row, changing, 1)
	t.share(row, recovering, 1)
	t.never(row, cookieCleared)
	t.never(row, unknownIsNo)
	t.never(row, codeSent)
	t.longest(row, looking)
	t.longest(row, paying)
	if s.noDisk != nil {
		row.Note("a full disk was not played: %v", s.noDisk)
	}
	return nil
}

// everybodyIn signs all members in and lets each look at everything once.
func (s *Stage) everybodyIn(ctx context.Context) error {
	for _, m := range s.Members {
		m.freshBrowser()
		if err := m.signIn(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.username, err)
		}
		if err := m.addPasskey(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.username, err)
		}
		for _, v := range []visit{lookAtDashboard(), lookAtTransactions(), lookAtSession()} {
			if a, err := v.ask(ctx, m); err != nil || v.judge(m, a) != "" {
				return fmt.Errorf("%s before anything was broken: %s %w", v.kind, a.what(), err)
			}
		}
	}
	return s.replicated(ctx)
}

// while breaks the database, lets everybody go on, heals it, and waits until
// everything works again and what was asked for has happened.
func (s *Stage) while(ctx context.Context, row *report.Row, t *tally, n int, b breakage) error {
	mail, err := s.mails(ctx)
	if err != nil {
		return err
	}
	if err := b.set(); err != nil {
		return err
	}
	row.Mark(b.name)
	before := t.counts()
	s.goOn(ctx, t, fmt.Sprintf("broken-%d", n))
	row.Note("%s: %s", b.name, t.since(before))
	if err := s.heal(); err != nil {
		return err
	}
	row.Mark(b.name + ": healed")
	s.recovers(ctx, row, t, n, b)
	after, err := s.mails(ctx)
	for i := range after {
		for range after[i] - mail[i] {
			t.breach(codeSent, b.name+" to "+s.Members[i].username)
		}
	}
	return err
}

// recovers counts whether everything works again in time, and what was asked for
// has happened.
func (s *Stage) recovers(ctx context.Context, row *report.Row, t *tally, n int, b breakage) {
	healed := time.Now()
	err := s.recovered(ctx, n)
	took := time.Since(healed)
	if err != nil {
		t.note(recovering, fmt.Sprintf("after %s: %v", b.name, err), took)
		return
	}
	t.note(recovering, "", took)
	row.Note("%s: everything worked again %.1f s after it was healed", b.name, took.Seconds())
}

// goOn lets every member look, freeze, pay and sign in again for the length of a fault.
func (s *Stage) goOn(ctx context.Context, t *tally, key string) {
	until := time.Now().Add(s.Length)
	var all sync.WaitGroup
	for i, m := range s.Members {
		all.Go(func() { s.live(ctx, until, m, t, fmt.Sprintf("%s-%d", key, i)) })
	}
	all.Wait()
}

// live is one member's day. What changes something comes now and then between
// looks; on however slow a machine, each comes once.
func (s *Stage) live(ctx context.Context, until time.Time, m *Member, t *tally, key string) {
	looks := []visit{lookAtDashboard(), lookAtPage(dashboardPage), lookAtTransactions(), lookAtPage(cardPage), lookAtSession()}
	for i := 0; ctx.Err() == nil && (i < 10 || time.Now().Before(until)); i++ {
		looks[i%len(looks)].run(ctx, m, t)
		switch i % 10 {
		case 1:
			signInByPasskey().run(ctx, m, t)
		case 3:
			a := freezeCard().run(ctx, m, t)
			m.froze = m.froze || a.status == http.StatusOK
		case 5:
			pay(fmt.Sprintf("%s-%d", key, i)).run(ctx, m, t)
		case 7:
			changePassword().run(ctx, m, t)
		case 9:
			signInByPassword(t).run(ctx, m, t)
		}
		select {
		case <-ctx.Done():
		case <-time.After(think):
		}
	}
}

// recovered waits until every member's card is frozen as was asked, thaws it and pays.
func (s *Stage) recovered(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	for i, m := range s.Members {
		if err := m.wellAgain(ctx, fmt.Sprintf("healed-%d-%d", n, i)); err != nil {
			return fmt.Errorf("%s: %w", m.username, err)
		}
	}
	return nil
}

// wellAgain waits until a member can do everything.
func (m *Member) wellAgain(ctx context.Context, key string) error {
	if m.froze {
		if err := until(ctx, m, cardState(), func(a answer) bool { return cardIs(a, "frozen") }); err != nil {
			return fmt.Errorf("the card was to be frozen: %w", err)
		}
		if err := until(ctx, m, thawCard(), func(a answer) bool { return a.status == http.StatusOK }); err != nil {
			return err
		}
		m.froze = false
	}
	if err := until(ctx, m, pay(key), func(a answer) bool { return a.status == http.StatusCreated }); err != nil {
		return err
	}
	return until(ctx, m, lookAtDashboard(), current)
}
