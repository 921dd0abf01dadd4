package tracing

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Request is a request to the API.
type Request struct{ span trace.Span }

// Request begins the span of a request to a method of the API, which is one of a fixed set, and puts it into the context of the request
// that it returns. A traceparent of the request's (W3C Trace Context) is continued; a command of a batch is a part of the batch.
func (t *Tracer) Request(r *http.Request, method string) (Request, *http.Request) {
	ctx, name, kind := r.Context(), "POST /api/"+method, trace.SpanKindServer
	attributes := []attribute.KeyValue{attribute.String("http.route", "/api/"+method)}
	if trace.SpanContextFromContext(ctx).IsValid() {
		name, kind = method, trace.SpanKindInternal
	} else {
		if r.Method != http.MethodPost {
			name = "GET /api/" + method
		}
		ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return Request{span}, r.WithContext(ctx)
}

// End ends the span, with the status of the answer.
func (r Request) End(status int) {
	r.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError { // below, it is the client's failure, not this server's (OpenTelemetry's HTTP conventions)
		r.span.SetStatus(codes.Error, "")
		r.span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
	}
	r.span.End()
}

// Question begins the span of a request to a backend about an event: a trace of its own, because it is a client who made it happen, and
// clients choose no traces. It returns the traceparent of the request, and what is to be called with the reason why it failed, "" for
// none.
func (t *Tracer) Question(event string) (traceparent string, end func(failure string)) {
	ctx, span := t.tracer.Start(context.Background(), "webhook "+event, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("wsedge.event", event)))
	header := propagation.MapCarrier{}
	t.propagator.Inject(ctx, header)
	return header["traceparent"], func(failure string) {
		if failure != "" {
			span.SetStatus(codes.Error, failure)
			span.SetAttributes(attribute.String("error.type", failure))
		}
		span.End()
	}
}
