package metrics

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

func TestAppendEngine(t *testing.T) {
	text := string(AppendEngine(nil, broker.Health{Up: true}, broker.RemoteStats{
		Reconnects: 1, Received: 2, Slow: 3, Holes: 4, Tails: 5, Fetched: 6, Gaps: 7, Duplicates: 8, Stalls: 9, Pending: 10, PendingBytes: 11,
		CursorReads: 13, CursorWrites: 14, CursorConflicts: 15, CursorFailures: 16, Rollbacks: 17,
		Failed: map[string]int64{"down": 12, "busy": 0},
	}))
	for _, want := range []string{
		"wsedge_engine_up 1", "wsedge_engine_reconnects_total 1", "wsedge_engine_received_total 2", "wsedge_engine_slow_total 3", "wsedge_engine_holes_total 4",
		"wsedge_engine_resyncs_total 5", "wsedge_engine_fetched_total 6", "wsedge_engine_gaps_total 7", "wsedge_engine_duplicates_total 8", "wsedge_engine_stalls_total 9",
		"wsedge_engine_pending 10", "wsedge_engine_pending_bytes 11", `wsedge_engine_publish_failures_total{reason="down"} 12`,
		"wsedge_engine_cursor_reads_total 13", "wsedge_engine_cursor_writes_total 14", "wsedge_engine_cursor_conflicts_total 15", "wsedge_engine_cursor_failures_total 16",
		"wsedge_engine_rollbacks_total 17",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if text := string(AppendEngine(nil, broker.Health{}, broker.RemoteStats{})); !strings.Contains(text, "wsedge_engine_up 0\n") {
		t.Error(text)
	}
}
