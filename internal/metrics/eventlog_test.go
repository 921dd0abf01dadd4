package metrics

import (
	"testing"

	"github.com/wsedge/wsedge/internal/eventlog"
)

func TestAppendEventLogs(t *testing.T) {
	got := string(AppendEventLogs([]byte("before\n"), eventlog.Stats{Pushes: 1, PushesDropped: 2, Accesses: 3, AccessesDropped: 4}))
	want := `before
# HELP wsedge_push_log_lines_total Lines of the push log.
# TYPE wsedge_push_log_lines_total counter
wsedge_push_log_lines_total 1
# HELP wsedge_push_log_dropped_total Lines of the push log that were dropped, because they could not be written as fast, or at all.
# TYPE wsedge_push_log_dropped_total counter
wsedge_push_log_dropped_total 2
# HELP wsedge_access_log_lines_total Lines of the access log.
# TYPE wsedge_access_log_lines_total counter
wsedge_access_log_lines_total 3
# HELP wsedge_access_log_dropped_total Lines of the access log that were dropped, because they could not be written as fast, or at all.
# TYPE wsedge_access_log_dropped_total counter
wsedge_access_log_dropped_total 4
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
