package app

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observeFeed shows how far behind each reader of the feed is.
func (t *telemetry) observeFeed(r *Rooms) error {
	lag, err := t.meter.Float64ObservableGauge("standfast.feed.lag", metric.WithDescription("Age of what a reader of the feed knows"), metric.WithUnit("s"))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := r.DB.Now()
		for who, at := range r.Feed.CompleteTo() {
			o.ObserveFloat64(lag, now.Sub(at).Seconds(), metric.WithAttributes(attribute.String("reader", who)))
		}
		return nil
	}, lag)
	return err
}
