package metrics

import "github.com/wsedge/wsedge/internal/eventlog"

// AppendEventLogs appends how many lines the push log and the access log have, and how many were dropped.
func AppendEventLogs(dst []byte, s eventlog.Stats) []byte {
	e := exposition{dst}
	e.one("wsedge_push_log_lines_total", "counter", "Lines of the push log.", s.Pushes)
	e.one("wsedge_push_log_dropped_total", "counter", "Lines of the push log that were dropped, because they could not be written as fast, or at all.", s.PushesDropped)
	e.one("wsedge_access_log_lines_total", "counter", "Lines of the access log.", s.Accesses)
	e.one("wsedge_access_log_dropped_total", "counter", "Lines of the access log that were dropped, because they could not be written as fast, or at all.", s.AccessesDropped)
	return e.text
}
