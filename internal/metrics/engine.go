package metrics

import (
	"github.com/wsedge/wsedge/internal/broker"
)

// AppendEngine appends how it goes with an engine that depends on others.
func AppendEngine(dst []byte, h broker.Health, s broker.RemoteStats) []byte {
	e := exposition{dst}
	up := int64(0)
	if h.Up {
		up = 1
	}
	e.one("wsedge_engine_up", "gauge", "1 while there is a connection to the engine.", up)
	e.one("wsedge_engine_reconnects_total", "counter", "Connections to the engine, after the first.", s.Reconnects)
	e.one("wsedge_engine_received_total", "counter", "Messages that the engine sent to this node.", s.Received)
	e.one("wsedge_engine_slow_total", "counter", "Times that messages were dropped because this node did not take them in time; they are fetched.", s.Slow)
	e.one("wsedge_engine_holes_total", "counter", "Messages with another missing before them, which is fetched.", s.Holes)
	e.one("wsedge_engine_resyncs_total", "counter", "Channels found to be behind their stream, which are brought up to it.", s.Tails)
	e.one("wsedge_engine_fetched_total", "counter", "Messages fetched because they were missing.", s.Fetched)
	e.one("wsedge_engine_gaps_total", "counter", "Gaps announced: what was missing was not kept any more, or could not be proven to be all.", s.Gaps)
	e.one("wsedge_engine_rollbacks_total", "counter", "Times that this node found that the engine has lost the end of a stream, and had it begin anew.", s.Rollbacks)
	e.one("wsedge_engine_duplicates_total", "counter", "Messages that had been delivered already, and were dropped.", s.Duplicates)
	e.one("wsedge_engine_stalls_total", "counter", "Times that this node had no room for a publication, which was delivered later.", s.Stalls)
	e.one("wsedge_engine_cursor_reads_total", "counter", "Times that it was read from the engine what a user has acknowledged.", s.CursorReads)
	e.one("wsedge_engine_cursor_writes_total", "counter", "Times that it was written there.", s.CursorWrites)
	e.one("wsedge_engine_cursor_conflicts_total", "counter", "Writes that found what another node had written, and were done again.", s.CursorConflicts)
	e.one("wsedge_engine_cursor_failures_total", "counter", "Reads and writes of these that failed; writes are tried again.", s.CursorFailures)
	e.one("wsedge_engine_pending", "gauge", "Publications that the engine has not answered for.", int64(s.Pending))
	e.one("wsedge_engine_pending_bytes", "gauge", "Bytes of these.", s.PendingBytes)
	e.byReason("wsedge_engine_publish_failures_total", "Publications that failed; those of reason unknown may have been made.", s.Failed)
	return e.text
}
