package loadtest

import (
	"fmt"
	"strings"
)

func (r *Report) writeServer(row rowFunc) {
	s := r.Server
	if s == nil {
		return
	}
	if s.MetricsProblem != "" {
		row("server", "its metrics: %s", s.MetricsProblem)
	}
	if s.Problem != "" {
		row("server", "%s", s.Problem)
		return
	}
	if r.Config.Scenario == Idle {
		row("server", "CPU %.2f µs a second per connection, setup %.1f µs per connection", s.CPUPerConnSecond, s.SetupCPUPerConn)
	} else {
		row("server", "CPU %.3f µs per delivery (%.2f s in %.2f s), setup %.1f µs per connection",
			s.CPUPerDelivery, s.CPUSecs, s.WindowSecs, s.SetupCPUPerConn)
	}
	if n := s.DeliveriesPerCPUSecond; n != nil {
		row("  efficiency", "%.0f deliveries per second of CPU time", *n)
	}
	pss := ""
	if s.PSSPerConn != nil {
		pss = fmt.Sprintf(" (PSS %.0f)", *s.PSSPerConn)
	}
	row("  memory", "RSS %.1f MB at the start, %.1f settled, %.1f at the end: %.0f B per connection%s",
		megabytes(s.RSSBefore), megabytes(s.RSSSettled), megabytes(s.RSSAfter), s.RSSPerConn, pss)
	if len(s.PIDs) > 0 {
		row("  kernel", "slab %.0f B per connection (whole machine)", s.SlabPerConn)
	}
	if s.Threads != nil {
		row("  threads", "%.0f, context switches %.0f voluntary, %.0f forced", *s.Threads, *s.VoluntarySwitches, *s.InvoluntarySwitches)
	}
	if s.Go != nil {
		row("  Go", "%s", s.Go.line())
	}
}

// line says what there is.
func (g *GoRuntime) line() string {
	var parts []string
	add := func(v *float64, scale float64, format string) {
		if v != nil {
			parts = append(parts, fmt.Sprintf(format, *v/scale))
		}
	}
	add(g.HeapInuseSettled, 1e6, "heap %.1f MB in use settled")
	add(g.HeapPerConn, 1, "%.0f B of it per connection")
	add(g.Goroutines, 1, "%.0f goroutines")
	add(g.GCs, 1, "%.0f collections")
	add(g.GCPause, 1e-3, "paused for %.3f ms")
	add(g.AllocatedPerDelivery, 1, "%.1f B allocated per delivery")
	return strings.Join(parts, ", ")
}
