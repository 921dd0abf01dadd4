package metrics

import (
	"strings"
	"testing"
	"time"
)

// exposed is what a process would tell.
func exposed(n int64, reasons map[string]int64, stall float64) []byte {
	e := exposition{}
	e.one("wsedge_connections", "gauge", "Open.", n)
	e.one("wsedge_pressure", "gauge", "Pressure.", n)
	e.one("wsedge_engine_up", "gauge", "Up.", n%2)
	e.one("wsedge_cluster_nodes", "gauge", "Nodes.", n)
	e.byReason("wsedge_drops_total", "Drops.", reasons)
	e.histogram("wsedge_loop_lag_seconds", "Lag.", []time.Duration{time.Millisecond}, []int64{n, 1}, time.Duration(stall*1e9))
	e.one("process_open_fds", "gauge", "Files.", n)
	return e.text
}

func TestSum(t *testing.T) {
	var s Sum
	first, second := exposed(3, map[string]int64{"slow": 2}, 0.5), exposed(4, map[string]int64{"slow": 1, "gone": 7}, 1)
	want := func(parts []Part, lines ...string) {
		t.Helper()
		text := string(s.Append(nil, parts))
		for _, line := range lines {
			if strings.Count(text, line+"\n") != 1 {
				t.Errorf("%q is not once in\n%s", line, text)
			}
		}
		if strings.Count(text, "# TYPE wsedge_drops_total counter\n") != 1 {
			t.Errorf("heads:\n%s", text)
		}
	}
	want([]Part{{Worker: "0", Text: first}, {Worker: "1", Text: second}},
		"wsedge_connections 7", "wsedge_pressure 4", "wsedge_engine_up 0", "wsedge_cluster_nodes 4", `wsedge_drops_total{reason="slow"} 3`, `wsedge_drops_total{reason="gone"} 7`,
		`wsedge_loop_lag_seconds_bucket{le="0.001"} 7`, `wsedge_loop_lag_seconds_bucket{le="+Inf"} 9`, "wsedge_loop_lag_seconds_sum 1.5",
		"wsedge_loop_lag_seconds_count 9", `process_open_fds{worker="0"} 3`, `process_open_fds{worker="1"} 4`)
	// One ends: what it has counted stays, what it had does not.
	s.End(second)
	want([]Part{{Worker: "0", Text: first}, {Worker: "1", Text: exposed(1, nil, 0)}},
		"wsedge_connections 4", "wsedge_engine_up 1", `wsedge_drops_total{reason="slow"} 3`, "wsedge_loop_lag_seconds_count 11", `process_open_fds{worker="1"} 1`)
	// One is being replaced: its process is not told of, but its connections are.
	want([]Part{{Worker: "0", Text: first}, {Worker: "0", Text: first, Old: true}}, "wsedge_connections 6", `process_open_fds{worker="0"} 3`)
	// All have ended.
	want(nil, `wsedge_drops_total{reason="gone"} 7`)
}
