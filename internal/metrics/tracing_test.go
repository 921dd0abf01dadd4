package metrics

import (
	"testing"

	"github.com/wsedge/wsedge/internal/tracing"
)

func TestAppendTracing(t *testing.T) {
	got := string(AppendTracing([]byte("before\n"), &tracing.Stats{Exported: 3, Failed: 2, Dropped: 1, Queued: 4}))
	want := `before
# HELP wsedge_trace_spans_total Finished spans, by what has become of them: exported, failed to be, or dropped because too many waited.
# TYPE wsedge_trace_spans_total counter
wsedge_trace_spans_total{outcome="dropped"} 1
wsedge_trace_spans_total{outcome="exported"} 3
wsedge_trace_spans_total{outcome="failed"} 2
# HELP wsedge_trace_spans_queued Finished spans that wait to be exported.
# TYPE wsedge_trace_spans_queued gauge
wsedge_trace_spans_queued 4
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
