package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// CurveVersion names the shape of a Curve in JSON.
const CurveVersion = "wsload-curve/1"

// CurveConfig describes a saturation curve: latency and throughput at several rates, or numbers of connections.
type CurveConfig struct {
	// Config is that of each run, but for what Over varies. Each run has fresh connections.
	Config Config
	// Over is what to vary.
	Over Axis
	// Points is the number of runs (default 10, at least 3).
	Points int
	// From is the lowest value (default: 1 per second, or 100 connections).
	From float64
	// To is the highest, and the points lie evenly between on a logarithmic scale. 0: values double until the server is
	// saturated, and what is left of Points goes to where that begins.
	To float64
	// Pause between two runs, in which the server gets rid of the last one's connections (default 1 s).
	Pause time.Duration
	// Told is called with each point; nil for none.
	Told func(Step)

	measure func(context.Context, Config) (*Report, error) // for tests; nil is Run
}

// Curve is what came of it.
type Curve struct {
	Schema      string      `json:"schema"`
	Command     []string    `json:"command"`
	Started     time.Time   `json:"started"`
	Environment Environment `json:"environment"`
	Scenario    Scenario    `json:"scenario"`
	URL         string      `json:"url"`
	Over        Axis        `json:"over"`
	Interrupted bool        `json:"interrupted"`
	// Knee is the value from which on latency grows faster than load: where the curve, both axes logarithmic and scaled to
	// the same length, is farthest below the line between its ends (Satopää et al., Finding a "Kneedle" in a Haystack, 2011).
	// Left out where the curve has none.
	Knee *float64 `json:"knee,omitempty"`
	// Saturated is the lowest value that was too much: something was lost, less than 95 % arrived in time, or p99 was ten times
	// that of the lowest point and more than 10 ms. Left out where all was well. Where the generator was the bottleneck in that
	// point, it may be the generator that was saturated.
	Saturated *float64 `json:"saturated,omitempty"`
	Points    []Step   `json:"points"` // by value
}

// RunCurve makes one run per point. When ctx is done it ends with what there is. An error means that the configuration was bad
// (ErrUsage) or that a run could not be made at all; the curve then has the points before.
func RunCurve(ctx context.Context, cfg CurveConfig) (*Curve, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, usageError(err)
	}
	s := &stepper{config: cfg.Config, over: cfg.Over, pause: cfg.Pause, measure: cfg.measure, told: cfg.Told}
	c := &Curve{
		Schema: CurveVersion, Command: withoutSecrets(os.Args), Started: time.Now(), Environment: newEnvironment(),
		Scenario: cfg.Config.Scenario, URL: cfg.Config.URL, Over: cfg.Over, Points: []Step{},
	}
	plan := newClimb(cfg.From, cfg.To, cfg.Points, cfg.Over == OverConns)
	for {
		value, more := plan.next()
		if !more {
			break
		}
		step, ok, err := s.step(ctx, value, 1)
		if err != nil || !ok {
			c.Interrupted = err == nil
			c.finish()
			return c, err
		}
		c.Environment = s.env
		c.Points = append(c.Points, step)
		plan.note(saturated(step, c.Points[0]))
	}
	c.finish()
	return c, nil
}

// saturated says whether a point is beyond what can be sustained. first is the lowest one.
func saturated(s, first Step) bool {
	const longer, least = 10, 10_000 // µs
	f := s.Figures
	late := f.Latency.P99 > least && f.Latency.P99 > longer*first.Figures.Latency.P99
	return s.Cause == CauseFailed || f.Latency.Count == 0 && !s.OK || f.Behind || late
}

// finish puts the points in order and looks for what they show.
func (c *Curve) finish() {
	if len(c.Points) == 0 {
		return
	}
	first := c.Points[0]
	slices.SortStableFunc(c.Points, func(a, b Step) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	for _, s := range c.Points {
		if saturated(s, first) {
			c.Saturated = &s.Value
			break
		}
	}
	c.Knee = kneeOf(c.Points)
}

func (c CurveConfig) withDefaults() CurveConfig {
	setDefault(&c.Points, 10)
	setDefault(&c.Pause, time.Second)
	if c.From == 0 {
		if c.From = 1; c.Over == OverConns {
			c.From = 100
		}
	}
	if c.measure == nil {
		c.measure = Run
	}
	return c
}

func (c CurveConfig) validate() error {
	problems := []error{validateAxis(c.Config, c.Over, c.From, c.To)}
	if c.Points < 3 || c.Points > 1000 {
		problems = append(problems, errors.New("points must be 3 to 1000"))
	}
	if c.Pause < 0 {
		problems = append(problems, errors.New("durations must not be negative"))
	}
	return errors.Join(problems...)
}

// WriteText prints the curve for people.
func (c *Curve) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "curve over %s: %s %s\n", c.Over, c.Scenario, c.URL)
	table := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "%s\toffered/s\tachieved/s\tdeliveries/s\tp50\tp99\tmax\tlast receiver p99\tserver CPU\t\n", c.Over)
	for _, s := range c.Points {
		f := s.Figures
		fmt.Fprintf(table, "%g\t%.4g\t%.4g\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Value, f.Offered, f.Achieved, f.Deliveries,
			known(f.Latency, f.Latency.P50), known(f.Latency, f.Latency.P99), known(f.Latency, f.Latency.Max),
			known(f.Completion, f.Completion.P99), f.cpu(), c.remark(s))
	}
	// What is written to a strings.Builder arrives.
	_ = table.Flush()
	if c.Knee != nil {
		fmt.Fprintf(&out, "knee: %s\n", c.Over.print(*c.Knee))
	}
	if c.Saturated != nil {
		fmt.Fprintf(&out, "saturated: from %s on\n", c.Over.print(*c.Saturated))
	}
	if c.Interrupted {
		out.WriteString("interrupted: there are no more points\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// known prints a time, if there was one.
func known(p Percentiles, us int64) string {
	if p.Count == 0 {
		return "-"
	}
	return micros(us)
}

// cpu prints cores.
func (f *StepFigures) cpu() string {
	if f.ServerCPU == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *f.ServerCPU)
}

// remark says what there is to say about a point.
func (c *Curve) remark(s Step) string {
	remark := "ok"
	if !s.OK {
		remark = strings.ToUpper(s.Cause) + ": " + strings.Join(s.Reasons, "; ")
	}
	if s.Figures.Behind {
		remark += " BEHIND: it did not arrive in time"
	}
	if c.Knee != nil && *c.Knee == s.Value {
		remark += " <- knee"
	}
	return remark
}

// WriteJSON writes the curve as docs/wsload-curve.schema.json describes it.
func (c *Curve) WriteJSON(w io.Writer) error {
	filled := *c
	filled.Points = filledSteps(c.Points)
	return writeFilled(w, &filled)
}
