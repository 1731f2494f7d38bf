package app

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observedFor is the time before now whose messages are counted.
const observedFor = time.Hour

// observeMessages shows what became of text messages and calls, and what they
// have cost today against the budget: an alarm at 80 % leaves time to act.
func (t *telemetry) observeMessages(r *Rooms) error {
	messages, err := t.meter.Int64ObservableGauge("standfast.messages", metric.WithDescription("Text messages and calls of the last hour, by channel and what is known of them"))
	if err != nil {
		return err
	}
	spent, err := t.meter.Int64ObservableGauge("standfast.messages.spent.units", metric.WithDescription("What they have cost today, by prefix of the number"))
	if err != nil {
		return err
	}
	budget, err := t.meter.Int64ObservableGauge("standfast.messages.budget.units", metric.WithDescription("What they may cost in a day; 0 for no bound"))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return r.observeMessages(ctx, o, messages, spent, budget)
	}, messages, spent, budget)
	return err
}

func (r *Rooms) observeMessages(ctx context.Context, o metric.Observer, messages, spent, budget metric.Int64Observable) error {
	s, err := r.Notify.Spending(ctx)
	if err != nil {
		return err
	}
	o.ObserveInt64(budget, s.Budget)
	for _, c := range s.Country {
		o.ObserveInt64(spent, c.Units, metric.WithAttributes(attribute.String("prefix", c.Prefix)))
	}
	counts, err := r.Notify.Deliveries(ctx, r.DB.Now().Add(-observedFor))
	for channel, states := range counts {
		for state, n := range states {
			o.ObserveInt64(messages, n, metric.WithAttributes(attribute.String("channel", string(channel)), attribute.String("state", stateName(string(state)))))
		}
	}
	return err
}

// stateName names the state of a message that has not left yet.
func stateName(state string) string {
	if state == "" {
		return "queued"
	}
	return state
}
