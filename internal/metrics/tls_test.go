package metrics

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/tlsloop"
)

func TestAppendTLS(t *testing.T) {
	got := string(AppendTLS([]byte("before\n"), &tlsloop.Stats{Succeeded: 4, Failed: 1, Rejected: 2, Abandoned: 3, Resumed: 2, InFlight: 5, Took: 1500 * time.Millisecond}))
	want := `before
# HELP wsedge_tls_handshakes_total TLS handshakes, by what has become of them: rejected because too many were under way, abandoned before they were done.
# TYPE wsedge_tls_handshakes_total counter
wsedge_tls_handshakes_total{outcome="abandoned"} 3
wsedge_tls_handshakes_total{outcome="failed"} 1
wsedge_tls_handshakes_total{outcome="rejected"} 2
wsedge_tls_handshakes_total{outcome="succeeded"} 4
# HELP wsedge_tls_resumed_handshakes_total TLS handshakes that resumed a session, of those that succeeded.
# TYPE wsedge_tls_resumed_handshakes_total counter
wsedge_tls_resumed_handshakes_total 2
# HELP wsedge_tls_handshakes_in_flight TLS handshakes under way.
# TYPE wsedge_tls_handshakes_in_flight gauge
wsedge_tls_handshakes_in_flight 5
# HELP wsedge_tls_handshake_duration_seconds How long TLS handshakes took that succeeded, from the whole ClientHello on, the client's part included.
# TYPE wsedge_tls_handshake_duration_seconds summary
wsedge_tls_handshake_duration_seconds_sum 1.5
wsedge_tls_handshake_duration_seconds_count 4
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
