package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

func TestAppendWebhooks(t *testing.T) {
	s := webhook.Stats{
		Asked:    map[webhook.Outcome]int64{{Event: webhook.Publish, Outcome: webhook.Refused}: 3},
		Failures: map[string]int64{"timeout": 2}, Told: 7, Retries: 1, Dropped: map[string]int64{"queue_full": 4}, Asking: 5, Telling: 6,
		CircuitOpen: true, LatencySum: 1500 * time.Millisecond,
	}
	s.Latency[0], s.Latency[len(s.Latency)-1] = 2, 1
	text := string(AppendWebhooks(nil, s, 8))
	for _, want := range []string{
		`wsedge_webhook_requests_total{event="publish",outcome="refused"} 3`, `wsedge_webhook_requests_total{event="connect",outcome="allowed"} 0`,
		`wsedge_webhook_failures_total{reason="timeout"} 2`, "wsedge_webhook_told_total 7", "wsedge_webhook_overruns_total 8", "wsedge_webhook_retries_total 1",
		`wsedge_webhook_dropped_total{reason="queue_full"} 4`, "wsedge_webhook_asking 5", "wsedge_webhook_telling 6", "wsedge_webhook_circuit_open 1",
		`wsedge_webhook_duration_seconds_bucket{le="0.001"} 2`, `wsedge_webhook_duration_seconds_bucket{le="10"} 2`, `wsedge_webhook_duration_seconds_bucket{le="+Inf"} 3`,
		"wsedge_webhook_duration_seconds_sum 1.5", "wsedge_webhook_duration_seconds_count 3",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(string(AppendWebhooks(nil, webhook.Stats{}, 0)), "\nwsedge_webhook_circuit_open 1\n") {
		t.Error("a closed circuit is open")
	}
}
