package tracing

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans and sends them. All methods may be called on a nil Tracer, which makes none, but for Request. Safe from any goroutine.
type Tracer struct {
	// Immutable after New.
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	queue      *queue
	propagator propagation.TraceContext

	awaited atomic.Int64   // deliveries that are waited for
	waiting sync.WaitGroup // of these
	closing chan struct{}  // closed when they are waited for no longer
	closed  sync.Once
}

// New makes a tracer for a configuration that has passed Check. It asks nobody: a receiver that is not there shows in the log once
// there is something to send.
func New(cfg Config) (*Tracer, error) {
	if cfg.QueueMax == 0 {
		cfg.QueueMax = defaultQueueMax
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	t := &Tracer{closing: make(chan struct{})}
	exporter, err := otlptrace.New(context.Background(), newUploader(cfg))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	t.queue = newQueue(exporter, cfg.QueueMax, cfg.Logger)
	t.provider = sdk.NewTracerProvider(sdk.WithSpanProcessor(t.queue), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(cfg.Ratio))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "wsedge"), attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", rand.Text()))))
	t.tracer = t.provider.Tracer("github.com/wsedge/wsedge")
	return t, nil
}

// Stats are what has become of spans.
type Stats struct {
	// Exported were taken by the receiver, Failed were not, and Dropped were never sent, because too many waited.
	Exported, Failed, Dropped int64
	// Queued wait to be sent.
	Queued int64
}

// Stats returns what was counted so far; nil without a tracer.
func (t *Tracer) Stats() *Stats {
	if t == nil {
		return nil
	}
	return &Stats{Exported: t.queue.exported.Load(), Failed: t.queue.failed.Load(), Dropped: t.queue.dropped.Load(), Queued: int64(len(t.queue.spans))}
}

// Close ends the spans of deliveries that are still waited for, and sends what there is, until ctx is done. Call it once the server
// has ended.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	t.closed.Do(func() { close(t.closing) })
	t.waiting.Wait()
	_ = t.queue.Shutdown(ctx)    // an error means that spans were lost, which was counted
	_ = t.provider.Shutdown(ctx) // makes no spans from here on; by itself it would not end the queue where ctx is done
}
