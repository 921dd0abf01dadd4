package metrics

import (
	"strconv"

	"github.com/wsedge/wsedge/internal/webhook"
)

// AppendWebhooks appends what a backend was asked and told, and how many clients were closed because too many of their commands waited
// for it.
func AppendWebhooks(dst []byte, s webhook.Stats, overruns int64) []byte {
	e := exposition{dst}
	e.head("wsedge_webhook_requests_total", "counter", "Questions to the backend, by event and what has become of them.")
	for _, event := range []webhook.Event{webhook.Connect, webhook.Subscribe, webhook.Publish} {
		for _, outcome := range []string{webhook.Abandoned, webhook.Allowed, webhook.Failed, webhook.Refused} {
			count := s.Asked[webhook.Outcome{Event: event, Outcome: outcome}]
			e.text = append(e.text, `wsedge_webhook_requests_total{event="`+event.String()+`",outcome="`+outcome+`"} `...)
			e.text = append(strconv.AppendInt(e.text, count, 10), '\n')
		}
	}
	e.byReason("wsedge_webhook_failures_total", "Questions, and attempts to tell, that failed.", s.Failures)
	e.one("wsedge_webhook_told_total", "counter", "Clients of whose end the backend was told.", s.Told)
	e.one("wsedge_webhook_retries_total", "counter", "Attempts to tell that were repeated.", s.Retries)
	e.byReason("wsedge_webhook_dropped_total", "Clients of whose end the backend was not told.", s.Dropped)
	e.one("wsedge_webhook_overruns_total", "counter", "Clients closed because too many of their commands waited for the backend.", overruns)
	e.one("wsedge_webhook_asking", "gauge", "Questions under way.", int64(s.Asking))
	e.one("wsedge_webhook_telling", "gauge", "Clients of whose end the backend is still to be told.", int64(s.Telling))
	open := int64(0)
	if s.CircuitOpen {
		open = 1
	}
	e.one("wsedge_webhook_circuit_open", "gauge", "1 while the backend is not asked, because it failed too often.", open)
	e.histogram("wsedge_webhook_duration_seconds", "How long questions to the backend took, all waiting included.", webhook.Bounds[:], s.Latency[:], s.LatencySum)
	return e.text
}
