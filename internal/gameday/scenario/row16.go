package scenario

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"standfast/internal/core/notify/gateway"
	"standfast/internal/gameday/report"
)

// What row 16 has to reach.
const (
	otherWayIn = 30 * time.Second // from the password to the code on another channel
	askEvery   = 200 * time.Millisecond
	arrived    = "codes that arrived by another channel within 30 s"
	usable     = "sign-ins finished with the code that arrived"
	otherCode  = "another code in the same sign-in"
)

// textFaults are the ways in which text messages stop being delivered. What a
// gateway that lies has not delivered only the member can know, who then asks.
var textFaults = []gateway.Fault{{Mode: gateway.Deaf}, {Mode: gateway.Lying}, {Mode: gateway.Refusing}, {Mode: gateway.Down}, {Mode: gateway.Dead},
	{Mode: gateway.Slow, DelayMS: otherWayIn.Milliseconds() * 2}}

// Row16 stops text messages in each way in turn while members sign in from
// browsers that are new. Half of them have asked once for all that the next
// channel be used by itself; the others press the button when it is offered.
func (s *Stage) Row16(ctx context.Context, r *report.Report) error {
	row := r.Row(16, "Text messages stop being delivered")
	if err := s.preferText(ctx); err != nil {
		return err
	}
	t := newTally()
	n := min(len(textFaults), len(s.Members))
	for i, f := range textFaults[:n] {
		s.texts.Set(f)
		var all sync.WaitGroup
		for j := i; j < len(s.Members); j += n {
			all.Go(func() { s.textsGone(ctx, t, f, s.Members[j], byItself(j, n)) })
		}
		all.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	s.texts.Set(gateway.Fault{})
	t.share(row, arrived, 1)
	t.share(row, usable, 1)
	t.never(row, otherCode)
	t.longest(row, arrived)
	if n < len(textFaults) {
		row.Note("with %d members the first %d of %d ways to fail were played", len(s.Members), n, len(textFaults))
	}
	return nil
}

// byItself tells whether member j, of those that meet n faults in turn, wants no button.
func byItself(j, n int) bool { return j/n%2 == 0 }

// preferText signs everybody in while texts arrive, and sets their channels.
func (s *Stage) preferText(ctx context.Context) error {
	n := min(len(textFaults), len(s.Members))
	for j, m := range s.Members {
		m.freshBrowser()
		if err := m.signIn(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.username, err)
		}
		a, err := m.api(ctx, http.MethodPut, "/code-preference", map[string]any{"ways": []string{"text", "voice"}, "by_itself": byItself(j, n)})
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("%s: order of channels: %s %w", m.username, a.what(), err)
		}
		codes, err := m.codes(ctx)
		if err != nil || len(codes) == 0 || codes[0].channel != "text" {
			return fmt.Errorf("%s: before anything was broken no text arrived: %v %w", m.username, codes, err)
		}
	}
	return nil
}

// challengeState is how the API shows an open challenge.
type challengeState struct {
	ID      string
	Channel string
	OtherAt time.Time `json:"other_at"`
	Next    string    `json:"next_channel"`
}

// textsGone signs one member in on a new browser while no text arrives.
func (s *Stage) textsGone(ctx context.Context, t *tally, f gateway.Fault, m *Member, byItself bool) {
	how := fmt.Sprintf("%s, by button", f.Mode)
	if byItself {
		how = fmt.Sprintf("%s, by itself", f.Mode)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*otherWayIn)
	defer cancel()
	m.freshBrowser()
	before, err := m.codes(ctx)
	if err != nil {
		t.note(arrived, how+": "+err.Error(), 0)
		return
	}
	begun := time.Now()
	var step struct{ Challenge challengeState }
	if a, err := m.password(ctx); err != nil || a.read(&step) != nil {
		t.note(arrived, how+": sign-in: "+a.what(), time.Since(begun))
		return
	}
	code, err := m.byAnotherWay(ctx, step.Challenge, len(before), byItself && f.Mode != gateway.Lying)
	took := time.Since(begun)
	if err != nil || took > otherWayIn {
		t.note(arrived, fmt.Sprintf("%s: %s %v", how, took.Round(time.Millisecond), err), took)
		return
	}
	t.note(arrived, "", took)
	a, err := m.submit(ctx, step.Challenge.ID, code)
	miss := ""
	if err != nil || a.status != http.StatusOK {
		miss = how + ": " + a.what()
	}
	t.note(usable, miss, a.took)
	after, err := m.codes(ctx)
	for _, c := range after[:max(0, len(after)-len(before))] {
		if c.code != code {
			t.breach(otherCode, how)
		}
	}
	if err != nil {
		t.note(usable, err.Error(), 0)
	}
}

// byAnotherWay waits for a code that comes by anything but text. Who does not
// wait for it to come by itself asks as soon as the page offers that.
func (m *Member) byAnotherWay(ctx context.Context, ch challengeState, before int, byItself bool) (string, error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for asked := byItself; ; {
		list, err := m.codes(ctx)
		if err == nil && len(list) > before && list[0].channel != "text" {
			return list[0].code, nil
		}
		if !asked && !time.Now().Before(ch.OtherAt) {
			a, err := m.api(ctx, http.MethodPost, "/sign-in/code/resend", map[string]any{"challenge_id": ch.ID, "channel": "voice"})
			asked = err == nil && a.status == http.StatusOK
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no code by another channel: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
