package loadtest

import (
	"cmp"
	"fmt"
	"slices"
)

// figuresOf takes out of a report what is compared with the floor.
func figuresOf(r *Report) (f FloorFigures) {
	percentile := func(p Percentiles, us int64) *float64 {
		if p.Count == 0 {
			return nil
		}
		v := float64(us)
		return &v
	}
	f.P50, f.P99 = percentile(r.Latency, r.Latency.P50), percentile(r.Latency, r.Latency.P99)
	f.CompletionP99 = percentile(r.Completion, r.Completion.P99)
	s := r.Server
	if s == nil || s.Problem != "" {
		return f
	}
	positive := func(v float64) *float64 {
		if v <= 0 {
			return nil
		}
		return &v
	}
	f.CPUPerDelivery = positive(s.CPUPerDelivery)
	f.RSSPerConn, f.SetupCPUPerConn = positive(s.RSSPerConn), positive(s.SetupCPUPerConn)
	if r.Config.Scenario == Idle {
		f.CPUPerConnSecond = positive(s.CPUPerConnSecond)
	}
	return f
}

// list gives the figures in a fixed order, that of ratiosOf.
func (f *FloorFigures) list() []**float64 {
	return []**float64{&f.CPUPerDelivery, &f.CPUPerConnSecond, &f.P50, &f.P99, &f.CompletionP99, &f.RSSPerConn, &f.SetupCPUPerConn}
}

func (r *Ratios) list() []**float64 {
	return []**float64{&r.CPUPerDelivery, &r.CPUPerConnSecond, &r.P50, &r.P99, &r.CompletionP99, &r.RSSPerConn, &r.SetupCPUPerConn}
}

// meanOf is the mean of what all of them have.
func meanOf(all ...FloorFigures) (mean FloorFigures) {
	for i, into := range mean.list() {
		sum := 0.0
		known := len(all) > 0
		for _, f := range all {
			if v := *f.list()[i]; v == nil {
				known = false
			} else {
				sum += *v
			}
		}
		if known {
			sum /= float64(len(all))
			*into = &sum
		}
	}
	return mean
}

// ratiosOf compares each of the server's runs with the floor's on both sides of it.
func ratiosOf(runs []FloorRun) *Ratios {
	ratios := &Ratios{}
	for i, into := range ratios.list() {
		var found []float64
		for n := 1; n+1 < len(runs); n += 2 {
			mean := meanOf(runs[n-1].Figures, runs[n+1].Figures)
			floor, server := *mean.list()[i], *runs[n].Figures.list()[i]
			if floor != nil && server != nil && *floor > 0 {
				found = append(found, *server / *floor)
			}
		}
		if len(found) > 0 {
			middle := medianOf(found)
			*into = &middle
		}
	}
	return ratios
}

// medianOf is the middle one, or the mean of the two in the middle. It sorts its argument.
func medianOf(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// FloorRows are the lines of the comparison with the floor: what it is, the server's figure, the floor's, and the ratio. None
// without a comparison.
func (r *Report) FloorRows() (rows [][4]string) {
	if r.Floor == nil || r.Ratios == nil {
		return nil
	}
	var servers []FloorFigures
	for _, run := range r.Floor.Runs {
		if !run.Floor {
			servers = append(servers, run.Figures)
		}
	}
	server := meanOf(servers...)
	time := func(v float64) string { return micros(int64(v)) }
	cpu := func(v float64) string { return fmt.Sprintf("%.3f µs", v) }
	kinds := []struct {
		name  string
		print func(float64) string
	}{
		{"CPU per delivery", cpu}, {"CPU per connection and second", cpu}, {"latency p50", time}, {"latency p99", time},
		{"last receiver p99", time}, {"memory per connection", func(v float64) string { return fmt.Sprintf("%.0f B", v) }},
		{"setup CPU per connection", cpu},
	}
	for i, kind := range kinds {
		ours, floors, ratio := *server.list()[i], *r.Floor.Mean.list()[i], *r.Ratios.list()[i]
		if ours != nil && floors != nil && ratio != nil {
			rows = append(rows, [4]string{kind.name, kind.print(*ours), kind.print(*floors), fmt.Sprintf("%.2f", *ratio)})
		}
	}
	return rows
}

func (r *Report) writeFloor(row rowFunc) {
	if r.Floor == nil {
		return
	}
	rounds := len(r.Floor.Runs) / 2
	for i, line := range r.FloorRows() {
		name := ""
		if i == 0 {
			name = fmt.Sprintf("floor (%d rounds)", rounds)
		}
		row(name, "%s: %s, the floor's %s: ratio %s", line[0], line[1], line[2], line[3])
	}
	for _, problem := range r.Floor.Problems {
		row("  DOUBTFUL", "%s", problem)
	}
}

// medianReport is the one in the middle by CPU time per delivery, or by latency where that is unknown.
func medianReport(reports []*Report) *Report {
	sorted := slices.Clone(reports)
	weight := func(r *Report) float64 {
		f := figuresOf(r)
		for _, v := range []*float64{f.CPUPerDelivery, f.CPUPerConnSecond, f.P99} {
			if v != nil {
				return *v
			}
		}
		return 0
	}
	slices.SortStableFunc(sorted, func(a, b *Report) int { return cmp.Compare(weight(a), weight(b)) })
	return sorted[(len(sorted)-1)/2]
}

// expect compares the report with what is expected of it.
func (r *Report) expect(all []Expectation) {
	for _, e := range all {
		r.Expectations = append(r.Expectations, e.Check(r))
	}
}
