package metrics

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

func TestAppend(t *testing.T) {
	text := string(Append(nil, reactor.Stats{
		Open: 3, Deliveries: 12, Drops: map[string]int64{"slow": 2, "conflated": 1}, Refused: map[string]int64{},
		LoopLag: reactor.Lag{Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []int64{4, 2, 1}, Sum: 2500 * time.Millisecond},
	}, 7))
	for _, want := range []string{
		"\nwsedge_channels 7\n", "wsedge_connections 3\n", "\nwsedge_deliveries_total 12\n",
		"# TYPE wsedge_loop_lag_seconds histogram\nwsedge_loop_lag_seconds_bucket{le=\"0.001\"} 4\nwsedge_loop_lag_seconds_bucket{le=\"1\"} 6\n" +
			"wsedge_loop_lag_seconds_bucket{le=\"+Inf\"} 7\nwsedge_loop_lag_seconds_sum 2.5\nwsedge_loop_lag_seconds_count 7\n",
		"# TYPE wsedge_drops_total counter\nwsedge_drops_total{reason=\"conflated\"} 1\nwsedge_drops_total{reason=\"slow\"} 2\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) wsedge_[a-z_]+ .+|wsedge_[a-z_]+(\{(reason="[a-z_]+"|le="[0-9.+Inf]+")\})? -?[0-9.]+)$`)
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !line.MatchString(l) {
			t.Errorf("line %q is out of format", l)
		}
	}
}
