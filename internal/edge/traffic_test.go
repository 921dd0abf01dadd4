package edge

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/metrics"
)

// wantMetrics wants lines to be in the metrics, as soon as what goes on in other goroutines is counted.
func wantMetrics(t *testing.T, s *Server, lines ...string) {
	t.Helper()
	for _, line := range lines {
		eventually(t, line, func() bool {
			_, text := call(t, s, "GET", "/metrics", "", nil)
			return strings.Contains("\n"+text+"\n", "\n"+line+"\n")
		})
	}
}

func TestTrafficIsCounted(t *testing.T) {
	s := startServer(t, Config{})
	ann := greet(t, s)
	ann.subscribe("a")
	ann.subscribe("b:c")
	ann.say(`{"type":"subscribe","channel":"b:*"}`)
	ann.want(`{"type":"subscribed",*}`)
	ann.say(`{"type":"subscribe","channel":"a"}`, `{"type":"nonsense"}`, `{"type":"publish","channel":"a","data":1}`, `{"type":"unsubscribe","channel":"b:c"}`)
	for range 2 {
		ann.want(`{"type":"error",*}`)
	}
	ann.want(`{"type":"*ed",*}`)
	dial(t, s, "/ws/raw?channel=a&channel=d", "")
	wantMetrics(t, s, `wsedge_clients{dialect="native"} 1`, `wsedge_clients{dialect="raw"} 1`, `wsedge_subscriptions 4`,
		`wsedge_commands_total{verb="subscribe"} 4`, `wsedge_commands_total{verb="invalid"} 1`, `wsedge_commands_total{verb="publish"} 1`,
		`wsedge_commands_total{verb="unsubscribe"} 1`, `wsedge_commands_total{verb="ping"} 0`)
	ann.conn.Close()
	wantMetrics(t, s, `wsedge_clients{dialect="native"} 0`, `wsedge_subscriptions 2`)
}

func TestPublicationsAreCountedAndTimed(t *testing.T) {
	s := startServer(t, Config{})
	post(t, s, "/api/publish", `{"channel":"nobody","data":1}`)
	wantMetrics(t, s, `wsedge_publications_total{source="api"} 1`, `wsedge_fanout_duration_seconds_count 0`)
	c := greet(t, s)
	c.subscribe("news")
	c.say(`{"type":"publish","channel":"news","data":1}`)
	wantMetrics(t, s, `wsedge_publications_total{source="client"} 1`)
	eventually(t, "a publication that is timed", func() bool {
		status, answer := post(t, s, "/api/publish", `{"channel":"news","data":1}`)
		if want := `{*"matched":1}`; status != 200 || !matches(want, answer) {
			t.Fatalf("%d %s, want %s: nobody has asked for a receipt", status, answer, want)
		}
		return s.hub.Traffic().Fanout.Sum > 0
	})
}

func TestRequestsAreCounted(t *testing.T) {
	s := startServer(t, Config{})
	post(t, s, "/api/publish", `{"channel":"news","data":1}`)
	post(t, s, "/api/publish", `{`)
	post(t, s, "/api/batch", `{"commands":[{"method":"publish","params":{"channel":"news","data":1}}]}`)
	for i := range 20 {
		post(t, s, fmt.Sprintf("/api/made-up-%d", i), `{}`)
	}
	wantMetrics(t, s, `wsedge_api_requests_total{method="publish",code="2xx"} 1`, `wsedge_api_requests_total{method="publish",code="4xx"} 1`,
		`wsedge_api_requests_total{method="batch",code="2xx"} 1`, `wsedge_api_requests_total{method="other",code="4xx"} 20`,
		`wsedge_api_request_duration_seconds_count{method="publish"} 2`, `wsedge_api_request_duration_seconds_bucket{method="publish",le="+Inf"} 2`)
}

func TestNodeMetrics(t *testing.T) {
	var at atomic.Int64
	at.Store(1_700_000_000)
	s := startServer(t, Config{
		Version: `1.2 "x"`, now: func() time.Time { return time.Unix(at.Load(), 0) },
		Certificates: func() []metrics.Certificate {
			return []metrics.Certificate{{Name: "a.example", NotAfter: time.Unix(1_800_000_000, 0)}}
		},
	})
	wantMetrics(t, s, "wsedge_draining 0", "wsedge_config_last_reload_successful 1", "wsedge_config_last_reload_success_timestamp_seconds 1700000000",
		`wsedge_certificate_not_after_timestamp_seconds{certificate="0",name="a.example"} 1800000000`)
	if _, text := call(t, s, "GET", "/metrics", "", nil); !strings.Contains(text, "\n"+`wsedge_build_info{version="1.2 \"x\"",goversion="go`) {
		t.Error("wsedge_build_info is missing")
	}
	at.Add(60)
	s.Reloaded(errors.New("bad"))
	wantMetrics(t, s, "wsedge_config_last_reload_successful 0", "wsedge_config_last_reload_success_timestamp_seconds 1700000000")
	s.Reloaded(nil)
	wantMetrics(t, s, "wsedge_config_last_reload_successful 1", "wsedge_config_last_reload_success_timestamp_seconds 1700000060")
}
