package show

import (
	"fmt"
	"math"

	"github.com/wsedge/wsedge/loadtest"
)

// charts are the plots of a run; those without data are left out.
func charts(r *loadtest.Report) []*Chart {
	var drawn []*Chart
	for _, p := range []plan{latencyPlan(r), curvePlan(r), ratesPlan(r), connectionsPlan(r), memoryPlan(r), cpuPlan(r), lossPlan(r)} {
		if c := p.draw(); c != nil {
			drawn = append(drawn, c)
		}
	}
	return drawn
}

// overTime is the series of one figure. Where the figure is 0 and zeroGaps is set, there was nothing to measure.
func overTime(r *loadtest.Report, name string, zeroGaps bool, figure func(loadtest.Interval) float64) line {
	l := line{name: name, points: make([]point, len(r.Seconds))}
	for i, s := range r.Seconds {
		y := figure(s)
		if zeroGaps && y == 0 {
			y = math.NaN()
		}
		l.points[i] = point{s.At, y}
	}
	return l
}

// timePlan is a plot over the time of the run.
func timePlan(r *loadtest.Report, title string, yLabel func(float64) string, lines ...line) plan {
	p := plan{title: title, lines: lines, xLabel: clock, yLabel: yLabel, before: r.Window.FromSecs, phases: r.Phases}
	if n := len(r.Seconds); n > 0 {
		p.x.max = max(r.Seconds[n-1].At, 1)
	}
	return p
}

func latencyPlan(r *loadtest.Report) plan {
	p := timePlan(r, "Latency over time", micros,
		overTime(r, "p50", true, func(s loadtest.Interval) float64 { return float64(s.P50) }),
		overTime(r, "p99", true, func(s loadtest.Interval) float64 { return float64(s.P99) }),
		overTime(r, "max", true, func(s loadtest.Interval) float64 { return float64(s.Max) }))
	p.log = true
	p.caption = "Of what arrived in each second; logarithmic."
	return p
}

// curvePlan stretches the percentiles so that each nine takes the same room.
func curvePlan(r *loadtest.Report) plan {
	l := line{name: "latency"}
	nines := 1
	for _, c := range r.LatencyCurve {
		if c.Quantile < 1 {
			left := 1 - c.Quantile
			l.points = append(l.points, point{1 / left, float64(max(c.Micros, 1))})
			nines = max(nines, int(math.Ceil(-math.Log10(left)-1e-9)))
		}
	}
	p := plan{
		title: "Latency by percentile", caption: "Over the whole measured window; both axes logarithmic.", lines: []line{l},
		x: axis{min: 0, max: float64(nines), log: true}, log: true, yLabel: micros,
		xLabel: func(v float64) string { return fmt.Sprintf("%.7g %%", 100*(1-1/v)) },
	}
	step := 1 + nines/5 // so that the names have room
	for n := 0; n <= nines; n += step {
		p.xTicks = append(p.xTicks, math.Pow(10, float64(n)))
	}
	return p
}

func ratesPlan(r *loadtest.Report) plan {
	p := timePlan(r, "Deliveries per second", amount,
		overTime(r, "delivered", false, func(s loadtest.Interval) float64 { return s.PerSecond(s.Delivered) }))
	if r.Config.Scenario == loadtest.Idle {
		p.lines = nil
		return p
	}
	p.lines = append(p.lines, expectedRate(r))
	p.caption = "Expected is what was published in that second, times the connections then open."
	if r.Config.Scenario == loadtest.Echo {
		p.caption = "Expected is what was sent in that second."
	}
	return p
}

// expectedRate is what there was to deliver.
func expectedRate(r *loadtest.Report) line {
	l := line{name: "expected"}
	before := uint64(0)
	for _, s := range r.Seconds {
		n := s.Published - before
		if before = s.Published; r.Config.Scenario == loadtest.Fanout {
			n *= uint64(max(s.Conns, 0))
		}
		l.points = append(l.points, point{s.At, s.PerSecond(n)})
	}
	return l
}

func connectionsPlan(r *loadtest.Report) plan {
	return timePlan(r, "Open connections", amount,
		overTime(r, "open", false, func(s loadtest.Interval) float64 { return float64(s.Conns) }))
}

func memoryPlan(r *loadtest.Report) plan {
	p := timePlan(r, "Server memory", bytesOf,
		overTime(r, "resident", true, func(s loadtest.Interval) float64 { return float64(s.ServerRSS) }))
	p.lines = append(p.lines, overTime(r, "Go heap in use", true, func(s loadtest.Interval) float64 { return float64(s.ServerHeap) }))
	p.caption = "Resident set of the server's processes, and what its metrics say."
	return p
}

func cpuPlan(r *loadtest.Report) plan {
	p := timePlan(r, "CPU", amount,
		overTime(r, "generator", false, func(s loadtest.Interval) float64 { return s.GeneratorCPU }))
	if r.Server != nil {
		p.lines = append(p.lines, overTime(r, "server", false, func(s loadtest.Interval) float64 { return s.ServerCPU }))
	}
	p.caption = "CPU time per time: 1 is one core."
	return p
}

func lossPlan(r *loadtest.Report) plan {
	p := timePlan(r, "Missing, faulty and late so far", amount,
		overTime(r, "missing", false, func(s loadtest.Interval) float64 { return float64(s.Missing) }),
		overTime(r, "faulty", false, func(s loadtest.Interval) float64 { return float64(s.Faulty) }),
		overTime(r, "late sends", false, func(s loadtest.Interval) float64 { return float64(s.Late) }))
	p.caption = "Missing: a later delivery has come, this one has not."
	if r.Config.Scenario == loadtest.Idle {
		p.lines = nil
	}
	return p
}
