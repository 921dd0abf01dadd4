package show

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// sortedSteps go by value, and then by attempt.
func sortedSteps(steps []loadtest.Step) []loadtest.Step {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b loadtest.Step) int { return cmp.Compare(a.Value, b.Value) })
	return steps
}

// stepAxis reaches from the decade of the lowest value to that of the highest.
func stepAxis(byValue []loadtest.Step) axis {
	if len(byValue) == 0 {
		return axis{}
	}
	low := math.Floor(math.Log10(byValue[0].Value) + 1e-9)
	high := math.Ceil(math.Log10(byValue[len(byValue)-1].Value) - 1e-9)
	return axis{min: low, max: max(high, low+1), log: true}
}

// stepTable lists the steps in their order.
func stepTable(over loadtest.Axis, steps []loadtest.Step) Table {
	t := Table{Title: "Steps", Head: []string{string(over), "offered/s", "achieved/s", "p50", "p99", "max", "last receiver p99", "CPU per delivery", "verdict"}}
	time := func(p loadtest.Percentiles, us int64) string {
		if p.Count == 0 {
			return "–"
		}
		return loadtest.FormatMicros(us)
	}
	for _, s := range steps {
		f := s.Figures
		cpu := "–"
		if f.PerDelivery != nil {
			cpu = fmt.Sprintf("%.2f µs", *f.PerDelivery)
		}
		verdict := "ok"
		if !s.OK {
			verdict = s.Cause
			t.Notes = append(t.Notes, fmt.Sprintf("%g: %s: %s", s.Value, s.Cause, strings.Join(s.Reasons, "; ")))
		}
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%g", s.Value), fmt.Sprintf("%.4g", f.Offered), fmt.Sprintf("%.4g", f.Achieved), time(f.Latency, f.Latency.P50),
			time(f.Latency, f.Latency.P99), time(f.Latency, f.Latency.Max), time(f.Completion, f.Completion.P99), cpu, verdict,
		})
	}
	return t
}
