// Package advice tells core, in order and until core has answered, what happened
// at the stand-in while it was away.
package advice

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/store"
)

// Pusher sends the journal to core.
type Pusher struct {
	URL    string // core's internal listener
	Client *http.Client
	Own    *store.Own
	Log    *slog.Logger
	Now    func() time.Time
	halted atomic.Pointer[fault.Error]
	same   atomic.Bool // core and this store were seen to have the same past
}

const (
	idle     = 500 * time.Millisecond // between looks at an empty journal
	maxPause = 10 * time.Second       // between attempts that failed
	batch    = 100                    // advices of one request
	timeout  = 20 * time.Second
	maxBody  = 8 << 20
)

// Run sends until ctx ends.
func (p *Pusher) Run(ctx context.Context) error {
	pause := idle
	failing := false
	for ctx.Err() == nil {
		more, err := p.Push(ctx)
		if (err != nil) != failing && ctx.Err() == nil {
			failing = err != nil
			p.Log.WarnContext(ctx, "telling core what happened here", "failing", failing, "err", err)
		}
		switch {
		case err != nil:
			pause = min(2*pause, maxPause)
		case more:
			pause = idle
			continue
		default:
			pause = idle
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return ctx.Err()
}

type request struct {
	Version int            `json:"version"`
	StandIn string         `json:"standin"`
	Items   []store.Advice `json:"items"`
}

type response struct {
	AppliedTo int64           `json:"applied_to"`
	Outcomes  []store.Outcome `json:"outcomes"`
	Last      int64           `json:"last"` // of this store's advices that core has
	Expected  int64           `json:"expected"`
	Type      string          `json:"type"`
	Code      string          `json:"code"`
}

// Push sends what waits, once. more says that there may be something left. To
// send an advice twice does no harm: core gives the answer that it gave before.
func (p *Pusher) Push(ctx context.Context) (more bool, err error) {
	if e := p.Halted(); e != nil {
		return false, e
	}
	if !p.same.Load() {
		if err := p.compare(ctx); err != nil {
			return false, err
		}
	}
	if err := p.Own.TellFailures(ctx, p.Now()); err != nil {
		return false, err
	}
	first, waiting, err := p.Own.FirstWaiting(ctx)
	if err == nil && waiting == 0 {
		first, err = p.Own.FirstAside(ctx, p.Now())
	}
	if err != nil || first == 0 {
		return false, err
	}
	return p.send(ctx, first, true)
}

func (p *Pusher) send(ctx context.Context, from int64, mayGoBack bool) (more bool, err error) {
	list, err := p.Own.From(ctx, from, batch)
	if err != nil {
		return false, err
	}
	return p.sendThese(ctx, from, list, mayGoBack)
}

func (p *Pusher) sendThese(ctx context.Context, from int64, list []store.Advice, mayGoBack bool) (more bool, err error) {
	if !mayGoBack && (len(list) == 0 || list[0].Seq != from) {
		return false, p.halt(ctx, "advice.pruned", fmt.Sprintf("Core was put back to before advice %d, which this store has forgotten.", from))
	}
	status, res, err := p.post(ctx, request{1, p.Own.ID(), list})
	switch {
	case err != nil:
		return false, err
	case status == http.StatusOK:
		return true, p.took(ctx, list, res)
	case status == http.StatusConflict && strings.HasSuffix(res.Type+res.Code, "advice.gap"):
		return p.gap(ctx, from, res.Expected, mayGoBack)
	case status == http.StatusConflict && strings.HasSuffix(res.Type+res.Code, "advice.forged"):
		return false, p.halt(ctx, "advice.forged", "Core knows an advice of this store under the same number with other contents.")
	}
	return false, fault.New(fault.Unavailable, "advice.answer", fmt.Sprintf("Core answered %d.", status))
}

// took takes what core has answered.
func (p *Pusher) took(ctx context.Context, asked []store.Advice, res response) error {
	last, err := p.Own.Last(ctx)
	if err != nil {
		return err
	}
	if res.Last > last {
		return p.halt(ctx, "advice.gap", "Core has been told of advices that this store does not have: it is an older copy.")
	}
	if len(asked) == 0 {
		return nil
	}
	return p.answered(ctx, asked, res.Outcomes)
}

// answered stores the answers. One to something that was not asked is an error.
func (p *Pusher) answered(ctx context.Context, asked []store.Advice, list []store.Outcome) error {
	ids := map[int64]string{}
	for _, a := range asked {
		ids[a.Seq] = a.ID
	}
	for _, o := range list {
		good := o.State == store.Applied || o.State == store.Already || o.State == store.Refused || o.State == store.Aside
		if ids[o.Seq] != o.ID || !good {
			return fault.New(fault.Unavailable, "advice.answer", "Core answered what was not asked.")
		}
	}
	if len(list) == 0 {
		return fault.New(fault.Unavailable, "advice.answer", "Core answered nothing.")
	}
	return p.Own.Answered(ctx, list, p.Now())
}

// gap goes back to where core wants to go on: it has lost what it had answered
// for, by a restore.
func (p *Pusher) gap(ctx context.Context, from, expected int64, mayGoBack bool) (bool, error) {
	last, err := p.Own.Last(ctx)
	switch {
	case err != nil:
		return false, err
	case expected > last+1 || expected < 1:
		return false, p.halt(ctx, "advice.gap", "Core has been told of advices that this store does not have: it is an older copy.")
	case expected >= from || !mayGoBack:
		return false, fault.New(fault.Unavailable, "advice.gap", "Core wants to go on elsewhere.")
	}
	return p.send(ctx, expected, false)
}

func (p *Pusher) post(ctx context.Context, r request) (status int, res response, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	b, err := json.Marshal(r)
	if err != nil {
		return 0, res, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.URL, "/")+"/internal/v1/advices", bytes.NewReader(b))
	if err != nil {
		return 0, res, err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := p.Client.Do(req)
	if err != nil {
		return 0, res, fault.Wrap(fault.Unavailable, "advice.away", "Core does not take advices just now.", err)
	}
	defer answer.Body.Close()
	err = json.NewDecoder(io.LimitReader(answer.Body, maxBody)).Decode(&res)
	if err != nil && answer.StatusCode == http.StatusOK {
		return 0, res, fault.Wrap(fault.Unavailable, "advice.answer", "Core's answer cannot be read.", err)
	}
	return answer.StatusCode, res, nil
}
