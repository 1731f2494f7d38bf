package signin

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/jobs"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

// silentLine takes every message and says nothing more by itself: receipts are
// the test's to make up.
type silentLine struct{ taken *[]taken }

type taken struct {
	notify.Outgoing
	channel notify.Channel
}

func (s silentLine) Send(ctx context.Context, m notify.Outgoing) error {
	_, err := s.Hand(ctx, m)
	return err
}

func (s silentLine) Hand(_ context.Context, m notify.Outgoing) (notify.Handed, error) {
	*s.taken = append(*s.taken, taken{m, m.Channel})
	return notify.Handed{}, nil
}

// Whatever receipts come, in whatever order and however often, and however a
// member asks again: one flow has one code at a time, its messages of an hour
// are bounded, and nobody is sent more than a code's five.
func TestOneFlowHasOneCodeAndBoundedMessages(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		var sent []taken
		h := &house{t: t, db: d, clock: clock, conf: Config{Cell: "us", Hash: cheap(), HashQueue: 1000}, box: &mailbox{}}
		must(t, jobs.Migrate(ctx, d))
		h.jobs = jobs.New(d, slog.New(slog.DiscardHandler))
		catalogue, err := text.Load()
		must(t, err)
		line := silentLine{&sent}
		h.ns = notify.New(d, h.jobs, catalogue, masterkey.Demo(), map[notify.Channel]notify.Sender{notify.Text: line, notify.Voice: line, notify.Email: line})
		h.conf.Jobs = h.jobs
		h.Service = h.replica()
		for seed := range 15 {
			sent = nil
			h.clock.Advance(3 * time.Hour) // counts of the run before are over
			playCodes(t, h, seed, &sent)
		}
	})
}

// codeStep is one thing that happens in a flow.
type codeStep struct {
	do      string
	channel string
	state   notify.State
	which   int
	seconds int
}

func codeSteps() *rapid.Generator[[]codeStep] {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) codeStep {
		return codeStep{
			do:      rapid.SampledFrom([]string{"sign in", "resend", "resend", "receipt", "receipt", "time", "time"}).Draw(rt, "do"),
			channel: rapid.SampledFrom([]string{"", "text", "voice", "email"}).Draw(rt, "channel"),
			state:   rapid.SampledFrom([]notify.State{"accepted", "sent", "delivered", "failed", "expired", "nonsense", ""}).Draw(rt, "state"),
			which:   rapid.IntRange(0, 9).Draw(rt, "which"),
			seconds: rapid.SampledFrom([]int{1, 5, 15, 30, 60, 200, 700}).Draw(rt, "seconds"),
		}
	}), 15, 45)
}

func playCodes(t *testing.T, h *house, seed int, sent *[]taken) {
	steps := codeSteps().Example(seed)
	name := fmt.Sprintf("player-%d", seed)
	m := h.member(name)
	must(t, h.SetCodePreference(ctx, Session{MemberID: m.ID}, CodePreference{Ways: usualWays(), ByItself: seed%2 == 0}, Client{}))
	b := browser("flow-" + name)
	b.IP = fmt.Sprintf("10.9.%d.1", seed)
	var id string
	for i, s := range steps {
		switch s.do {
		case "sign in":
			if out, err := h.SignIn(ctx, name, right, *b); err == nil {
				id = out.Challenge.ID
			} else if !fault.Is(err, fault.TooMany) {
				t.Fatalf("seed %d step %d: %v", seed, i, err)
			}
		case "resend":
			if _, err := h.Resend(ctx, id, s.channel, *b); err != nil && !slices.Contains([]fault.Kind{fault.TooMany, fault.Invalid, fault.Unauthenticated}, fault.As(err).Kind) {
				t.Fatalf("seed %d step %d: %v", seed, i, err)
			}
		case "receipt":
			if len(*sent) > 0 {
				of := (*sent)[s.which%len(*sent)]
				must(t, h.ns.Receive(ctx, of.channel, []notify.Receipt{{ID: of.ID, State: s.state}, {ID: "unknown", State: s.state}}))
			}
		case "time":
			h.clock.Advance(time.Duration(s.seconds) * time.Second)
		}
		must(t, h.jobs.Drain(ctx))
		checkMessages(t, h, seed, *sent)
	}
}

func checkMessages(t *testing.T, h *house, seed int, sent []taken) {
	t.Helper()
	times := map[string][]time.Time{}
	for i, m := range sent {
		if m.Code == "" {
			continue // the notice that many codes were asked for
		}
		times[m.To] = append(times[m.To], m.SentAt)
		hour := 0
		for _, other := range sent[:i+1] {
			if other.Code != "" && m.SentAt.Sub(other.SentAt) < time.Hour {
				hour++
			}
		}
		if hour > maxPerHour {
			t.Fatalf("seed %d: %d messages in an hour", seed, hour)
		}
	}
	if n := h.number(`SELECT COALESCE(MAX(a.n), 0) FROM (SELECT count(*) AS n FROM challenge WHERE closed_at = 0 AND expires_at > $1 GROUP BY flow) AS a`, db.Micros(h.clock.Now())); n > 1 {
		t.Fatalf("seed %d: %d codes in one flow", seed, n)
	}
	if n := h.number(`SELECT COALESCE(MAX(sends), 0) FROM challenge`); n > maxSends {
		t.Fatalf("seed %d: %d messages with one code", seed, n)
	}
	codes := h.number(`SELECT count(*) FROM (SELECT about FROM notification WHERE about <> '' GROUP BY about HAVING count(*) > 0) AS a`)
	if codes > h.number(`SELECT count(*) FROM challenge`) {
		t.Fatalf("seed %d: a message without its challenge", seed)
	}
}
