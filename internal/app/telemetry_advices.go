package app

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"standfast/internal/core/advice"
	"standfast/internal/db"
)

// observeAdvices shows how many of the stand-in's advices wait for somebody, or for
// a fault of ours to be mended: a member was promised what did not happen.
func (t *telemetry) observeAdvices(r *Rooms) error {
	open, err := t.meter.Int64ObservableGauge("standfast.advices.open", metric.WithDescription("Advices of the stand-in that were not carried out and nobody has dealt with, by state"))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return r.observeAdvices(ctx, o, open)
	}, open)
	return err
}

func (r *Rooms) observeAdvices(ctx context.Context, o metric.Observer, open metric.Int64Observable) error {
	var refused, aside int64
	err := r.DB.View(ctx, func(tx *db.Tx) (err error) {
		refused, aside, err = advice.OpenTx(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for state, n := range map[advice.State]int64{advice.Refused: refused, advice.Aside: aside} {
		o.ObserveInt64(open, n, metric.WithAttributes(attribute.String("state", string(state))))
	}
	return nil
}
