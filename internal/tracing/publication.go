package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const (
	// deliveryTimeout is how long a delivery is waited for. A turn of a loop takes milliseconds.
	deliveryTimeout = 30 * time.Second
	// maxAwaited bounds the deliveries that are waited for, each with a goroutine: some 4 MiB.
	maxAwaited = 1024
)

// Receipt tells what becomes of a publication with its subscribers: see broker.Receipt.
type Receipt interface {
	Done() <-chan struct{}
	Counts() (matched, queued, dropped int)
}

// Publication is one that is traced. It may be nil, for one that is not: its methods do nothing then.
type Publication struct {
	tracer    *Tracer
	span      trace.Span
	ctx       context.Context // the span's
	namespace attribute.KeyValue
	began     time.Time
}

// Publish begins the span of a publication, if the request in whose context it is made is recorded; else it returns nil. namespace is
// a name of the configuration's. A publication that is traced needs a receipt.
func (t *Tracer) Publish(ctx context.Context, namespace string) *Publication {
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return nil
	}
	p := &Publication{tracer: t, namespace: attribute.String("wsedge.namespace", namespace), began: time.Now()}
	p.ctx, p.span = t.tracer.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(p.namespace), trace.WithTimestamp(p.began))
	return p
}

// Published ends the span: the engine has the publication at that offset, for so many conns. A span for the delivery ends when the receipt is
// done.
func (p *Publication) Published(offset uint64, matched int, receipt Receipt) {
	if p == nil {
		return
	}
	p.span.SetAttributes(attribute.Int64("wsedge.offset", int64(offset)), attribute.Int("wsedge.matched", matched))
	_, delivery := p.tracer.tracer.Start(p.ctx, "deliver", trace.WithAttributes(p.namespace, attribute.Int64("wsedge.offset", int64(offset))), trace.WithTimestamp(p.began))
	p.span.End()
	p.tracer.await(delivery, receipt)
}

// Repeated ends the span: the publication's idempotency key is known, and nothing was published again.
func (p *Publication) Repeated(offset uint64) {
	if p == nil {
		return
	}
	p.span.SetAttributes(attribute.Int64("wsedge.offset", int64(offset)), attribute.Bool("wsedge.repeated", true))
	p.span.End()
}

// Failed ends the span: nothing was published, or nobody knows. reason is one of ours.
func (p *Publication) Failed(reason string) {
	if p == nil {
		return
	}
	p.span.SetStatus(codes.Error, reason)
	p.span.SetAttributes(attribute.String("error.type", reason))
	p.span.End()
}

// await ends the span of a delivery when its receipt is done, on a goroutine of its own if that takes any time.
func (t *Tracer) await(delivery trace.Span, receipt Receipt) {
	select {
	case <-receipt.Done():
		delivered(delivery, receipt, "")
		return
	default:
	}
	if t.awaited.Add(1) > maxAwaited {
		t.awaited.Add(-1)
		delivered(delivery, receipt, "not_awaited")
		return
	}
	t.waiting.Go(func() {
		defer t.awaited.Add(-1)
		timeout := time.NewTimer(deliveryTimeout)
		defer timeout.Stop()
		failure := ""
		select {
		case <-receipt.Done():
		case <-timeout.C:
			failure = "timeout"
		case <-t.closing:
			select {
			case <-receipt.Done():
			default:
				failure = "closing"
			}
		}
		delivered(delivery, receipt, failure)
	})
}

// delivered ends the span of a delivery with what is known; failure says why that may not be all.
func delivered(delivery trace.Span, receipt Receipt, failure string) {
	matched, queued, dropped := receipt.Counts()
	delivery.SetAttributes(attribute.Int("wsedge.matched", matched), attribute.Int("wsedge.queued", queued), attribute.Int("wsedge.dropped", dropped))
	if failure != "" {
		delivery.SetStatus(codes.Error, failure)
		delivery.SetAttributes(attribute.String("error.type", failure))
	}
	delivery.End()
}
