package metrics

import "github.com/wsedge/wsedge/tlsloop"

// AppendTLS appends the handshakes of TLS.
func AppendTLS(dst []byte, s *tlsloop.Stats) []byte {
	e := exposition{dst}
	e.by("wsedge_tls_handshakes_total", "counter", "TLS handshakes, by what has become of them: rejected because too many were under way, abandoned before they were done.", "outcome",
		map[string]int64{"succeeded": int64(s.Succeeded), "failed": int64(s.Failed), "rejected": int64(s.Rejected), "abandoned": int64(s.Abandoned)})
	e.one("wsedge_tls_resumed_handshakes_total", "counter", "TLS handshakes that resumed a session, of those that succeeded.", int64(s.Resumed))
	e.one("wsedge_tls_handshakes_in_flight", "gauge", "TLS handshakes under way.", s.InFlight)
	e.head("wsedge_tls_handshake_duration_seconds", "summary", "How long TLS handshakes took that succeeded, from the whole ClientHello on, the client's part included.")
	e.float("wsedge_tls_handshake_duration_seconds_sum", s.Took.Seconds())
	e.float("wsedge_tls_handshake_duration_seconds_count", float64(s.Succeeded))
	return e.text
}
