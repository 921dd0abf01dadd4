package tracing

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	defaultQueueMax = 4096
	// maxBatch is how many spans one request has, some 500 KiB.
	maxBatch = 512
	// gather is how long the first span of a batch waits for others.
	gather = time.Second
	// exportTimeout bounds a request with all its repetitions.
	exportTimeout = 15 * time.Second
)

// queue takes finished spans, and sends them in batches. It is a processor of OpenTelemetry's SDK, in place of its own one, which does not
// tell how many spans it has dropped.
type queue struct {
	// Immutable after newQueue.
	exporter sdk.SpanExporter
	logger   *slog.Logger
	spans    chan sdk.ReadOnlySpan
	stopping chan struct{}   // closed by Shutdown
	hurry    context.Context // ends the request under way
	cutOff   context.CancelFunc
	done     chan struct{} // closed when nothing is sent any more

	stopOnce sync.Once

	// Shared: atomic.
	exported, failed, dropped atomic.Int64

	// Owned by run.
	failing bool
}

func newQueue(exporter sdk.SpanExporter, capacity int, logger *slog.Logger) *queue {
	q := &queue{exporter: exporter, logger: logger, spans: make(chan sdk.ReadOnlySpan, capacity), stopping: make(chan struct{}), done: make(chan struct{})}
	q.hurry, q.cutOff = context.WithCancel(context.Background())
	go q.run()
	return q
}

// OnStart implements sdk.SpanProcessor.
func (q *queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd takes a span, or drops it. It never waits.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	select {
	case <-q.stopping:
		q.dropped.Add(1)
		return
	default:
	}
	select {
	case q.spans <- s:
	default:
		q.dropped.Add(1)
	}
}

// run sends batch after batch, until it is stopped and nothing waits.
func (q *queue) run() {
	defer close(q.done)
	for {
		select {
		case s := <-q.spans:
			q.export(q.fill(s))
		case <-q.stopping:
			for batch := q.rest(nil); len(batch) > 0; batch = q.rest(nil) {
				q.export(batch)
			}
			return
		}
	}
}

// fill gathers a batch that begins with s.
func (q *queue) fill(s sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	batch := append(make([]sdk.ReadOnlySpan, 0, maxBatch), s)
	full := time.NewTimer(gather)
	defer full.Stop()
	for len(batch) < maxBatch {
		select {
		case s := <-q.spans:
			batch = append(batch, s)
		case <-full.C:
			return batch
		case <-q.stopping:
			return q.rest(batch)
		}
	}
	return batch
}

// rest adds to a batch what waits by now.
func (q *queue) rest(batch []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	for len(batch) < maxBatch {
		select {
		case s := <-q.spans:
			batch = append(batch, s)
		default:
			return batch
		}
	}
	return batch
}

// export sends a batch, and counts what has become of it. A batch that could not be sent is gone: those behind it are newer.
func (q *queue) export(batch []sdk.ReadOnlySpan) {
	ctx, cancel := context.WithTimeout(q.hurry, exportTimeout)
	defer cancel()
	if err := q.exporter.ExportSpans(ctx, batch); err != nil {
		q.failed.Add(int64(len(batch)))
		if !q.failing {
			q.logger.Warn("tracing: spans can't be sent, and are lost", "error", shortened(err.Error()))
		}
		q.failing = true
		return
	}
	q.exported.Add(int64(len(batch)))
	if q.failing {
		q.logger.Info("tracing: spans are sent again")
	}
	q.failing = false
}

// shortened bounds what the receiver's answer brings into the log.
func shortened(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// ForceFlush implements sdk.SpanProcessor. Nobody calls it.
func (q *queue) ForceFlush(context.Context) error { return nil }

// Shutdown sends what waits, until ctx is done, and ends the queue. What comes later is dropped.
func (q *queue) Shutdown(ctx context.Context) error {
	q.stopOnce.Do(func() { close(q.stopping) })
	defer q.cutOff()
	select {
	case <-q.done:
	case <-ctx.Done():
		q.cutOff()
		<-q.done // requests fail at once from here on
	}
	return q.exporter.Shutdown(ctx)
}
