package scenario

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"standfast/internal/gameday/fault"
	"standfast/internal/gameday/report"
)

const (
	haltFor   = 2 * time.Second
	codeTry   = 200 * time.Millisecond // between two tries of a code that got no answer
	dashboard = "dashboards: open right after the code"
)

// Row3 breaks the database, or halts the process, at the moment at which a right code arrives: just
// before, so that the code meets the fault, and just after, so that the dashboard
// does. The member sends the same code again and is never asked for another one.
func (s *Stage) Row3(ctx context.Context, r *report.Report) error {
	row := r.Row(3, "A right code, then anything failing behind it")
	t := newTally()
	for i, b := range append(s.breakages(), breakage{"the process halted for two seconds", s.halt}) {
		m := s.Members[i%len(s.Members)]
		if err := s.codeMeets(ctx, t, m, b, true); err != nil {
			return fmt.Errorf("%s before the code: %w", b.name, err)
		}
		if err := s.codeMeets(ctx, t, m, b, false); err != nil {
			return fmt.Errorf("%s after the code: %w", b.name, err)
		}
	}
	t.share(row, codeAnswers, 1)
	t.share(row, dashboard, 1)
	t.share(row, passwordIn, 1)
	t.never(row, secondPrompt)
	t.never(row, cookieCleared)
	t.never(row, unknownIsNo)
	t.never(row, codeSent)
	return nil
}

// codeMeets signs a member in on a browser that is new, with a fault right before
// the code or right after it, and then once more from the device that is now known.
func (s *Stage) codeMeets(ctx context.Context, t *tally, m *Member, b breakage, before bool) error {
	m.freshBrowser()
	challenge, code, err := s.askForCode(ctx, m)
	if err != nil {
		return err
	}
	codes, err := m.codes(ctx)
	if err != nil {
		return err
	}
	if before {
		err = s.brokenFor(b, func() { s.firstTry(ctx, t, m, challenge, code) })
	} else {
		err = s.enterCode(ctx, t, m, challenge, code)
	}
	if err == nil && before {
		err = s.enterCode(ctx, t, m, challenge, code)
	}
	if err == nil {
		err = s.brokenFor(b, func() { s.land(ctx, t, m) })
	}
	if err != nil {
		return err
	}
	again, err := m.codes(ctx)
	for range len(again) - len(codes) {
		t.breach(secondPrompt, b.name)
	}
	if err != nil {
		return err
	}
	return s.knownAgain(ctx, t, m)
}

// askForCode begins a sign-in and gives its challenge and code.
func (s *Stage) askForCode(ctx context.Context, m *Member) (challenge, code string, err error) {
	before, err := m.codes(ctx)
	if err != nil {
		return "", "", err
	}
	a, err := m.password(ctx)
	if err != nil {
		return "", "", err
	}
	var step struct{ Challenge struct{ ID string } }
	if err := a.read(&step); err != nil {
		return "", "", err
	}
	code, err = m.code(ctx, len(before))
	return step.Challenge.ID, code, err
}

// halt stops the process as it is, with its connections open, and lets it go on
// by itself.
func (s *Stage) halt() error {
	pid := s.core()
	time.AfterFunc(haltFor, func() { _ = fault.Continue(pid) }) // it may have ended meanwhile
	return fault.Stop(pid)
}

// brokenFor breaks something, does something that meets it, and heals it.
func (s *Stage) brokenFor(b breakage, meet func()) error {
	if err := b.set(); err != nil {
		return err
	}
	meet()
	return s.heal()
}

// firstTry sends a right code into the fault: the session, or "not now".
func (s *Stage) firstTry(ctx context.Context, t *tally, m *Member, challenge, code string) {
	visit{codeAnswers, func(ctx context.Context, m *Member) (answer, error) { return m.submit(ctx, challenge, code) },
		func(_ *Member, a answer) string {
			if a.status == http.StatusOK || a.later() {
				return ""
			}
			return "code: " + a.what()
		}}.run(ctx, m, t)
}

// enterCode sends the same code until it is answered with the session.
func (s *Stage) enterCode(ctx context.Context, t *tally, m *Member, challenge, code string) error {
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	for {
		a, err := m.submit(ctx, challenge, code)
		switch {
		case err == nil && a.status == http.StatusOK:
			t.note(codeAnswers, "", a.took)
			return nil
		case err == nil && !a.later():
			t.note(codeAnswers, "code: "+a.what(), a.took)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a right code is not answered: %w", ctx.Err())
		case <-time.After(codeTry):
		}
	}
}

// land opens the dashboard after the code: it opens, whatever is behind it.
func (s *Stage) land(ctx context.Context, t *tally, m *Member) {
	visit{dashboard, func(ctx context.Context, m *Member) (answer, error) { return m.page(ctx, "/dashboard", nil) },
		func(_ *Member, a answer) string {
			if a.status != http.StatusOK {
				return "page: " + a.what()
			}
			return ""
		}}.run(ctx, m, t)
}

// knownAgain comes back to the device, which asks for no code.
func (s *Stage) knownAgain(ctx context.Context, t *tally, m *Member) error {
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	browser := m.nextMorning()
	v := signInByPassword(t)
	err := until(ctx, browser, v, func(a answer) bool { return !a.later() })
	if err != nil {
		return err
	}
	v.run(ctx, m.nextMorning(), t)
	return nil
}
