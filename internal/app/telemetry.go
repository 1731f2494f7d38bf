package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"standfast/internal/fault"
	"standfast/internal/journey"
)

// telemetry holds the metrics, which the admin listener shows, and the traces,
// which leave only when a collector is configured.
type telemetry struct {
	registry *prometheus.Registry
	meter    metric.Meter
	requests metric.Float64Histogram
	journeys metric.Int64Counter
	traces   *sdktrace.TracerProvider // nil without a collector
}

func startTelemetry(ctx context.Context, c Config) (*telemetry, error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(reg))
	if err != nil {
		return nil, err
	}
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)).Meter("standfast")
	t := &telemetry{registry: reg, meter: meter}
	if t.requests, err = meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Time to answer a request, by status class")); err != nil {
		return nil, err
	}
	if t.journeys, err = meter.Int64Counter("standfast.journeys",
		metric.WithDescription("Answers by journey and outcome, as the member would judge them")); err != nil {
		return nil, err
	}
	if c.Telemetry.OTLP == "" {
		return t, nil
	}
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Telemetry.OTLP))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "config.telemetry", "telemetry.otlp cannot be used.", err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	return t, nil
}

// stop sends what is left; a collector that is away costs at most two seconds.
func (t *telemetry) stop(log *slog.Logger) {
	if t.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := t.traces.Shutdown(ctx); err != nil {
		log.Warn("traces were lost", "error", err)
	}
}

func (t *telemetry) handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// observe shows the depth of the rooms' queues.
func (t *telemetry) observe(r *Rooms) error {
	waiting, err := t.meter.Int64ObservableGauge("standfast.jobs.waiting", metric.WithDescription("Jobs that wait or run"))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		depths, err := r.Jobs.Depths(ctx)
		for _, d := range depths {
			o.ObserveInt64(waiting, d.Waiting, metric.WithAttributes(attribute.String("kind", d.Queue)))
		}
		return err
	}, waiting)
	if err != nil {
		return err
	}
	return errors.Join(t.observeMessages(r), t.observeOffline(r), t.observeGate(r), t.observeFeed(r), t.observeAdvices(r))
}

// wrap counts and times every answer; traces too where they are wanted.
func (t *telemetry) wrap(h http.Handler) http.Handler { return t.wrapAs(h, false) }

// wrapInternal does the same for answers to the edge, which counts and takes off
// the journey's record itself.
func (t *telemetry) wrapInternal(h http.Handler) http.Handler { return t.wrapAs(h, true) }

func (t *telemetry) wrapAs(h http.Handler, keepRecord bool) http.Handler {
	classes := map[int]metric.MeasurementOption{}
	for c := range 6 {
		classes[c] = metric.WithAttributeSet(attribute.NewSet(attribute.String("http.response.status_class", strconv.Itoa(c)+"xx")))
	}
	records := journeyRecords()
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &statusWriter{ResponseWriter: w, keep: keepRecord}
		h.ServeHTTP(seen, r)
		t.requests.Record(r.Context(), time.Since(start).Seconds(), classes[seen.status/100])
		if record, ok := records[seen.journey]; ok {
			t.journeys.Add(r.Context(), 1, record)
		}
	})
	if t.traces == nil {
		return counted
	}
	return otelhttp.NewHandler(counted, "core", otelhttp.WithTracerProvider(t.traces))
}

// journeyRecords gives the metric's attributes of every record that an answer can
// carry. They are made once: making them for every answer was a thirtieth of what
// a transfer costs this process.
func journeyRecords() map[string]metric.MeasurementOption {
	records := map[string]metric.MeasurementOption{}
	for _, n := range journey.Names() {
		for _, o := range journey.Outcomes() {
			h := http.Header{}
			journey.Set(h, n, o)
			set := attribute.NewSet(attribute.String("journey", string(n)), attribute.String("outcome", string(o)))
			records[h.Get(journey.Header)] = metric.WithAttributeSet(set)
		}
	}
	return records
}

// statusWriter remembers the status and the journey's record of an answer. The
// record is for us: it is counted, and taken off before the answer leaves for a member.
type statusWriter struct {
	http.ResponseWriter
	status  int // 0 until the header went out
	journey string
	keep    bool // the record goes out with the answer
}

// WriteHeader sends the header, to members without the journey's record.
func (w *statusWriter) WriteHeader(s int) {
	if w.status == 0 {
		w.status = s
		w.journey = w.Header().Get(journey.Header)
		if !w.keep {
			w.Header().Del(journey.Header)
		}
	}
	w.ResponseWriter.WriteHeader(s)
}

// Write sends the header first where that has not happened.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
