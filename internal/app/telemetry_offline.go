package app

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// observeOffline adds what this process keeps for the time without a database: as
// of when its replica is complete, and how much waits to be carried out.
func (t *telemetry) observeOffline(r *Rooms) error {
	if r.Replica == nil {
		return nil
	}
	asOf, err := t.meter.Float64ObservableGauge("standfast.replica.as_of", metric.WithDescription("Until when the replica of what signing in needs is complete"), metric.WithUnit("s"))
	if err != nil {
		return err
	}
	waiting, err := t.meter.Int64ObservableGauge("standfast.later.waiting", metric.WithDescription("What members asked for that waits for the database"))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if at := r.Replica.AsOf(); !at.IsZero() {
			o.ObserveFloat64(asOf, float64(at.UnixMicro())/1e6)
		}
		o.ObserveInt64(waiting, int64(r.Later.Waiting()))
		return nil
	}, asOf, waiting)
	return err
}
