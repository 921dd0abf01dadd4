package metrics

import "github.com/wsedge/wsedge/internal/tracing"

// AppendTracing appends what has become of spans.
func AppendTracing(dst []byte, s *tracing.Stats) []byte {
	e := exposition{dst}
	e.by("wsedge_trace_spans_total", "counter", "Finished spans, by what has become of them: exported, failed to be, or dropped because too many waited.", "outcome",
		map[string]int64{"exported": s.Exported, "failed": s.Failed, "dropped": s.Dropped})
	e.one("wsedge_trace_spans_queued", "gauge", "Finished spans that wait to be exported.", s.Queued)
	return e.text
}
