package show

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// WriteStepsCSV writes the steps of a search or a curve, one a line, below a line of names. What was not measured is empty.
func WriteStepsCSV(w io.Writer, over loadtest.Axis, steps []loadtest.Step) error {
	out := csv.NewWriter(w)
	// The writer keeps its first error for the end.
	_ = out.Write([]string{
		string(over), "attempt", "run", "ok", "cause", "conns", "offered_per_s", "achieved_per_s", "deliveries_per_s", "p50_us", "p99_us",
		"p999_us", "max_us", "completion_p99_us", "lost", "generator_busy", "server_cpu", "server_cpu_us_per_delivery", "server_rss_bytes_per_conn",
	})
	for _, s := range steps {
		f := s.Figures
		l := f.Latency
		_ = out.Write([]string{
			fmt.Sprint(s.Value), fmt.Sprint(s.Attempt), s.Run, fmt.Sprint(s.OK), s.Cause, fmt.Sprint(f.Conns), fmt.Sprint(f.Offered),
			fmt.Sprint(f.Achieved), fmt.Sprint(f.Deliveries), measured(l, l.P50), measured(l, l.P99), measured(l, l.P999),
			measured(l, l.Max), measured(f.Completion, f.Completion.P99), fmt.Sprint(f.Lost), fmt.Sprint(f.Generator),
			given(f.ServerCPU), given(f.PerDelivery), given(f.RSSPerConn),
		})
	}
	out.Flush()
	return out.Error()
}

func measured(p loadtest.Percentiles, us int64) string {
	if p.Count == 0 {
		return ""
	}
	return fmt.Sprint(us)
}

func given(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

// WriteCurveHTML writes a page about a curve: one file that needs no other, and no script.
func WriteCurveHTML(w io.Writer, c *loadtest.Curve) error {
	headline := loadtest.Report{
		Started: c.Started, Environment: c.Environment, Interrupted: c.Interrupted, Run: fmt.Sprintf("1 to %d", len(c.Points)),
		Config: loadtest.ConfigEcho{Scenario: "curve of " + c.Scenario, URL: c.URL}, Verdict: loadtest.Verdict{OK: true},
	}
	if n := causedBy(c.Points, loadtest.CauseGenerator); n > 0 {
		headline.Verdict.Invalid = true
		headline.Generator.Reasons = []string{fmt.Sprintf("it was the bottleneck at %d of %d points", n, len(c.Points))}
	}
	var found []Tile
	if c.Knee != nil {
		found = append(found, Tile{Name: "knee", Value: amount(*c.Knee), Note: string(c.Over)})
	}
	if c.Saturated != nil {
		found = append(found, Tile{Name: "saturated", Value: amount(*c.Saturated), Note: string(c.Over) + " and up"})
	}
	return writeSteps(w, &headline, found, c.Command, c.Over, c.Points, c.Knee)
}

// causedBy counts the steps that are not ok for that cause.
func causedBy(steps []loadtest.Step, cause string) (n int) {
	for _, s := range steps {
		if !s.OK && s.Cause == cause {
			n++
		}
	}
	return n
}

// WriteSearchHTML writes a page about a search.
func WriteSearchHTML(w io.Writer, r *loadtest.SearchResult) error {
	headline := loadtest.Report{
		Started: r.Started, Environment: r.Environment, Run: fmt.Sprintf("1 to %d", len(r.Steps)),
		Interrupted: r.Outcome == loadtest.SearchUnfinished,
		Config:      loadtest.ConfigEcho{Scenario: "search of " + r.Scenario, URL: r.URL},
		Verdict:     loadtest.Verdict{OK: r.Limit > 0, Invalid: r.LimitedBy == loadtest.CauseGenerator, Reasons: []string{r.Line()}},
	}
	limit := Tile{Name: "limit", Value: amount(r.Limit), Note: string(r.Over), Bad: r.Limit == 0}
	return writeSteps(w, &headline, []Tile{limit}, r.Command, r.Over, r.Steps, nil)
}

// writeSteps uses the page of a run, with a headline in place of its report.
func writeSteps(w io.Writer, headline *loadtest.Report, tiles []Tile, command []string, over loadtest.Axis, steps []loadtest.Step, knee *float64) error {
	return pageTemplate.Execute(w, page{
		Report: headline, Command: strings.Join(command, " "), Tiles: tiles, Charts: stepCharts(over, steps, knee),
		Tables: []Table{stepTable(over, steps), environmentTable(headline)},
	})
}

// stepCharts plot over what was varied.
func stepCharts(over loadtest.Axis, steps []loadtest.Step, knee *float64) (drawn []*Chart) {
	// A search goes back and forth; lines go by value.
	byValue := sortedSteps(steps)
	series := func(name string, figure func(loadtest.StepFigures) float64) line {
		l := line{name: name}
		for _, s := range byValue {
			y := figure(s.Figures)
			if y <= 0 {
				y = math.NaN() // nothing measured
			}
			l.points = append(l.points, point{s.Value, y})
		}
		return l
	}
	latency := plan{title: "Latency over " + string(over), caption: "Both axes logarithmic.", log: true, yLabel: micros, lines: []line{
		series("p50", func(f loadtest.StepFigures) float64 { return float64(f.Latency.P50) }),
		series("p99", func(f loadtest.StepFigures) float64 { return float64(f.Latency.P99) }),
		series("last receiver p99", func(f loadtest.StepFigures) float64 { return float64(f.Completion.P99) }),
	}}
	for _, s := range byValue {
		if knee != nil && s.Value == *knee {
			latency.lines = append(latency.lines, line{name: "knee at " + amount(s.Value), points: []point{{s.Value, float64(s.Figures.Latency.P99)}}})
			break
		}
	}
	rates := plan{title: "Messages per second", caption: "Arrived within the measured window, and offered. Both axes logarithmic.", log: true, yLabel: amount, lines: []line{
		series("offered", func(f loadtest.StepFigures) float64 { return f.Offered }),
		{name: "", points: nil}, // so that the next is dashed: it lies on the other for as long as the server keeps up
		series("achieved", func(f loadtest.StepFigures) float64 { return f.Achieved }),
	}}
	cpu := plan{title: "CPU", caption: "Cores of the server; of the generator, how busy its busiest loop was.", yLabel: amount, lines: []line{
		series("generator", func(f loadtest.StepFigures) float64 { return f.Generator }),
		series("server", func(f loadtest.StepFigures) float64 {
			if f.ServerCPU == nil {
				return 0
			}
			return *f.ServerCPU
		}),
	}}
	for _, p := range []plan{latency, rates, cpu} {
		p.x, p.xLabel = stepAxis(byValue), amount
		if c := p.draw(); c != nil {
			drawn = append(drawn, c)
		}
	}
	return drawn
}
