package show

import (
	"fmt"

	"github.com/wsedge/wsedge/loadtest"
)

// agentsTable has a row for each of the other machines of a run.
func agentsTable(r *loadtest.Report) Table {
	t := Table{Title: "Agents", Head: []string{"", "connections", "processes × threads", "CPU", "loop lag p99", "latency p50", "p99", "clock", "drift", "machine"}}
	for _, a := range r.Agents {
		e := a.Environment
		t.Rows = append(t.Rows, []string{
			a.Address, thousands(a.Established), fmt.Sprintf("%d × %d", a.Processes, a.Threads), fmt.Sprintf("%.0f %% of %d cores", 100*a.CPUBusy, e.UsableCores),
			loadtest.FormatMicros(a.LoopLag.P99), loadtest.FormatMicros(a.Latency.P50), loadtest.FormatMicros(a.Latency.P99),
			fmt.Sprintf("± %.0f µs", a.Clock.Uncertainty), fmt.Sprintf("%+.2f ppm", a.Clock.DriftPPM),
			fmt.Sprintf("%s, %s %s, %s, %s open files", e.Host, e.OS, e.Kernel, e.CPU, thousands(e.OpenFiles)),
		})
		for _, w := range a.Warnings {
			t.Rows = append(t.Rows, []string{a.Address, w})
		}
	}
	return t
}
