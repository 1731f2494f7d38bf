package app

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observeGate shows how near the process is to refusing requests.
func (t *telemetry) observeGate(r *Rooms) error {
	requests, err := t.meter.Int64ObservableGauge("standfast.gate.requests", metric.WithDescription("Requests that are answered and that wait, and how many may be answered at once"))
	if err != nil {
		return err
	}
	state := func(s string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attribute.String("state", s)))
	}
	answered, waiting, limit := state("answered"), state("waiting"), state("limit")
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		a, w, l := r.Gate.Full()
		o.ObserveInt64(requests, int64(a), answered)
		o.ObserveInt64(requests, int64(w), waiting)
		o.ObserveInt64(requests, int64(l), limit)
		return nil
	}, requests)
	return err
}
