package show

import (
	"fmt"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// addServersSide adds what is known of the server beyond its CPU time and resident set.
func addServersSide(t *Table, s *loadtest.Server) {
	if len(s.PIDs) > 0 {
		t.add("server's processes", strings.Trim(fmt.Sprint(s.PIDs), "[]"))
	}
	if s.MetricsProblem != "" {
		t.add("problem with its metrics", s.MetricsProblem)
	}
	add := func(name, format string, v *float64) {
		if v != nil {
			t.add(name, fmt.Sprintf(format, *v))
		}
	}
	bytes := func(name string, v *float64) {
		if v != nil {
			t.add(name, bytesOf(*v))
		}
	}
	add("deliveries per second of CPU time", "%.0f", s.DeliveriesPerCPUSecond)
	bytes("PSS per connection", s.PSSPerConn)
	add("threads", "%.0f", s.Threads)
	add("voluntary context switches", "%.0f", s.VoluntarySwitches)
	add("forced context switches", "%.0f", s.InvoluntarySwitches)
	if g := s.Go; g != nil {
		bytes("Go heap in use, settled", g.HeapInuseSettled)
		bytes("Go heap per connection", g.HeapPerConn)
		add("goroutines", "%.0f", g.Goroutines)
		add("collections", "%.0f", g.GCs)
		add("pauses of the collector", "%.6f s", g.GCPause)
		add("allocated per delivery", "%.1f B", g.AllocatedPerDelivery)
	}
}

// floorTable compares the server with the floor.
func floorTable(r *loadtest.Report) Table {
	t := Table{Title: "Beside the floor", Head: []string{"", "server", "floor", "ratio"}}
	for _, row := range r.FloorRows() {
		t.Rows = append(t.Rows, row[:])
	}
	if r.Floor != nil {
		for _, problem := range r.Floor.Problems {
			t.Rows = append(t.Rows, []string{"doubtful: " + problem, "", "", ""})
		}
	}
	return t
}
