package app

import (
	"context"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"standfast/internal/edge/proxy"
	"standfast/internal/journey"
)

// edgeTelemetry counts what members met at the edge.
type edgeTelemetry struct {
	registry *prometheus.Registry
	requests metric.Float64Histogram
	copies   metric.Int64Counter
	sets     sync.Map // of answered to metric.MeasurementOption: made once, as making them costs more than counting
}

// answered is one series of the metric. All parts but the journey's outcome come
// from the configuration and from lists, so there are only so many.
type answered struct {
	cell, side, build string
	journey           journey.Name
	outcome           journey.Outcome
}

func newEdgeTelemetry() (*edgeTelemetry, error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(reg))
	if err != nil {
		return nil, err
	}
	t := &edgeTelemetry{registry: reg}
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)).Meter("standfast")
	t.copies, err = meter.Int64Counter("standfast.edge.compared", metric.WithDescription("Requests that were shown to the stand-in too, by whether its figures were core's"))
	if err != nil {
		return nil, err
	}
	t.requests, err = meter.Float64Histogram("standfast.edge.requests",
		metric.WithUnit("s"), metric.WithDescription("Time to answer a member, by cell, journey, outcome, side and build; side \"edge\" where nothing behind it could"),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	return t, err
}

// count takes one answer.
func (t *edgeTelemetry) count(a proxy.Answer) {
	key := answered{a.Cell, string(a.Target.Side), a.Target.Build, a.Journey, a.Outcome}
	set, ok := t.sets.Load(key)
	if !ok {
		set, _ = t.sets.LoadOrStore(key, key.option())
	}
	t.requests.Record(context.Background(), a.Took.Seconds(), set.(metric.MeasurementOption))
}

// compared takes one comparison of core's figures with the stand-in's.
func (t *edgeTelemetry) compared(cell string, j journey.Name, same bool) {
	t.copies.Add(context.Background(), 1, metric.WithAttributes(attribute.String("cell", cell), attribute.String("journey", string(j)), attribute.Bool("same", same)))
}

func (k answered) option() metric.MeasurementOption {
	if k.journey == "" {
		k.journey = "none"
	}
	if k.side == "" {
		k.side = "edge"
	}
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("cell", k.cell), attribute.String("journey", string(k.journey)),
		attribute.String("outcome", string(k.outcome)), attribute.String("side", k.side), attribute.String("build", k.build)))
}

func (t *edgeTelemetry) handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}
