package notify

import (
	"context"
	"errors"
	"fmt"

	"standfast/internal/core/jobs"
)

// sendArgs is the job of sending one message.
type sendArgs struct {
	ID string `json:"id"`
}

// Kind names the job.
func (sendArgs) Kind() string { return "notify.send" }

// deliver is one try to send a message.
func (n *Notifier) deliver(ctx context.Context, args sendArgs, a jobs.Attempt) error {
	w, ok, err := n.load(ctx, args.ID)
	if err != nil || !ok {
		return err // not ok: an earlier try ended it, and died before its job did
	}
	if !w.useless.IsZero() && n.db.Now().After(w.useless) {
		return n.settle(ctx, w.id, Failed, "too late")
	}
	handed, err := n.try(ctx, w)
	if err == nil {
		return n.taken(context.WithoutCancel(ctx), w, handed)
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return errors.Join(n.settle(ctx, w.id, Failed, refusal.Error()), jobs.Abandon(refusal))
	}
	status := Queued
	if a.Last() {
		status = Failed
	}
	return errors.Join(err, n.settle(context.WithoutCancel(ctx), w.id, status, reason(err)))
}

func (n *Notifier) try(ctx context.Context, w waiting) (Handed, error) {
	c, err := n.open(w.id, w.sealed)
	if err != nil {
		return Handed{}, fmt.Errorf("notify: message %s cannot be opened: %w", w.id, err)
	}
	s := n.senders[w.channel]
	if s == nil {
		return Handed{}, fmt.Errorf("notify: no sender for %s any more", w.channel)
	}
	return handOver(ctx, s, Outgoing{
		ID: w.id, To: c.To, Subject: c.Subject, Text: c.Text, Code: c.Code,
		Channel: w.channel, Locale: w.locale, SentAt: n.db.Now(), Until: w.useless,
	})
}

// reason shortens an error for the record of a message.
func reason(err error) string {
	const most = 200
	s := err.Error()
	if len(s) > most {
		s = s[:most]
	}
	return s
}
