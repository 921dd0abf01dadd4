package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Axis is what a search or a curve varies.
type Axis string

// The axes.
const (
	OverRate  Axis = "rate"  // messages or publications per second
	OverConns Axis = "conns" // connections
)

// Step is one run of a search or a curve.
type Step struct {
	Value   float64 `json:"value"`   // of the axis
	Attempt int     `json:"attempt"` // at that value, from 1
	Run     string  `json:"run"`     // as in the stamps; "" if it did not come to that
	OK      bool    `json:"ok"`
	// Cause of a failure: "goal" was not met, the run "failed" (something was lost, or a connection), or the "generator" was
	// its bottleneck, so that the server's limit is not known.
	Cause   string      `json:"cause"`
	Reasons []string    `json:"reasons"`
	Figures StepFigures `json:"figures"`
}

// The causes of a failed step.
const (
	CauseGoal      = "goal"
	CauseFailed    = "failed"
	CauseGenerator = "generator"
)

// StepFigures are a run's in short.
type StepFigures struct {
	Conns      int     `json:"conns"` // established
	Offered    float64 `json:"offered_per_s"`
	Achieved   float64 `json:"achieved_per_s"`   // what arrived in the window, in a fan-out by each subscriber of its topic
	Deliveries float64 `json:"deliveries_per_s"` // by all of them
	// Behind says that less than 95 % of what was offered arrived in the window, and that this is more than the edges of the
	// window explain: more than two sendings.
	Behind      bool        `json:"behind"`
	Latency     Percentiles `json:"latency"`
	Completion  Percentiles `json:"completion"` // Fanout
	Lost        uint64      `json:"lost"`
	Generator   float64     `json:"generator_busy"` // its busiest loop, 0 to 1
	ServerCPU   *float64    `json:"server_cpu,omitempty"`
	PerDelivery *float64    `json:"server_cpu_us_per_delivery,omitempty"`
	RSSPerConn  *float64    `json:"server_rss_bytes_per_conn,omitempty"`
}

// stepFigures takes them out of a report.
func stepFigures(r *Report) StepFigures {
	f := StepFigures{
		Conns: r.Connections.Established, Offered: r.Config.Rate, Latency: r.Latency, Completion: r.Completion,
		Lost: r.Ledger.Lost, Generator: r.Generator.LoopBusy,
	}
	window := r.Window.EndSecs - r.Window.FromSecs
	if window > 0 {
		f.Deliveries = float64(r.Messages.InWindow) / window
	}
	f.Achieved = f.Deliveries
	if r.Config.Scenario == Fanout {
		f.Achieved /= receiversOf(r)
	}
	missing := (f.Offered - f.Achieved) * window
	f.Behind = f.Achieved < 0.95*f.Offered && missing > 2*float64(max(r.Config.Outstanding, r.Config.burst(), 1))
	if s := r.Server; s != nil && s.Problem == "" {
		f.ServerCPU = per(&s.CPUSecs, s.WindowSecs)
		f.PerDelivery, f.RSSPerConn = figuresOf(r).CPUPerDelivery, figuresOf(r).RSSPerConn
	}
	return f
}

// receiversOf is how many subscribers a publication had; where topics differ, on average.
func receiversOf(r *Report) float64 {
	if n := r.Publications.Acknowledged; r.Topics.Count > 1 && n > 0 && r.Ledger.Expected > 0 {
		return float64(r.Ledger.Expected) / float64(n)
	}
	return float64(max(r.Connections.Established, 1))
}

// burst is how many messages are due at once.
func (c ConfigEcho) burst() int {
	a, err := ParseArrivals(c.Arrivals)
	if err != nil {
		return 1
	}
	return a.burst
}

// stepper runs the steps of a search or a curve.
type stepper struct {
	config  Config
	over    Axis
	goals   []Expectation
	lenient bool // invalid runs are judged by their goals
	pause   time.Duration
	measure func(context.Context, Config) (*Report, error)
	told    func(Step)
	env     Environment
	ran     int
}

// at is the configuration of a step.
func (s *stepper) at(value float64) Config {
	cfg := s.config
	if s.over == OverConns {
		cfg.Conns = int(value)
	} else {
		cfg.Rate = value
	}
	return cfg
}

// step runs one, behind a pause in which the server gets rid of what the last one left. ok is false where it was interrupted.
func (s *stepper) step(ctx context.Context, value float64, attempt int) (step Step, ok bool, err error) {
	if s.ran > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(s.pause):
		}
	}
	if ctx.Err() != nil {
		return step, false, nil
	}
	report, err := s.measure(ctx, s.at(value))
	step = Step{Value: value, Attempt: attempt}
	switch {
	case errors.Is(err, ErrUsage) && s.ran > 0:
		// The first one could be run: that this cannot is a limit of the generator.
		step.Cause, step.Reasons = CauseGenerator, []string{err.Error()}
	case err != nil:
		return step, false, err
	case report.Interrupted:
		return step, false, nil
	default:
		s.env = report.Environment
		step.Run, step.Figures = report.Run, stepFigures(report)
		step.Cause, step.Reasons = judgeStep(report, s.goals, s.lenient)
	}
	step.OK = step.Cause == ""
	s.ran++
	if s.told != nil {
		s.told(step)
	}
	return step, true, nil
}

// judgeStep says why a run did not pass; "" if it did. Where the generator was the bottleneck it may be to blame for the
// rest.
func judgeStep(r *Report, goals []Expectation, lenient bool) (cause string, reasons []string) {
	for _, goal := range goals {
		if result := goal.Check(r); !result.OK {
			cause = CauseGoal
			reasons = append(reasons, result.Line)
		}
	}
	if !r.Verdict.OK {
		cause = CauseFailed
		reasons = append(r.Verdict.Reasons[:len(r.Verdict.Reasons):len(r.Verdict.Reasons)], reasons...)
	}
	if r.Verdict.Invalid && !lenient {
		cause = CauseGenerator
		reasons = slices.Concat(r.Generator.Reasons, r.ClockReasons, reasons)
	}
	return cause, reasons
}

// validateAxis checks what a search and a curve have in common. to may be 0 where it is optional.
func validateAxis(cfg Config, over Axis, from, to float64) error {
	var problems []error
	complain := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	complain(over != OverRate && over != OverConns, "over must be rate or conns, not %q", over)
	complain(over == OverRate && cfg.Scenario == Idle, "idle connections have no rate: want over conns")
	complain(over == OverRate && cfg.Arrivals.peakRate() > 0, "arrivals %s have rates of their own: want over conns", cfg.Arrivals)
	complain(over == OverConns && (from != math.Trunc(from) || to != math.Trunc(to)), "from and to are numbers of connections")
	complain(!(from > 0) || math.IsInf(from, 0), "from must be positive")
	complain(to != 0 && !(to >= from) || math.IsInf(to, 0), "to must not be below from")
	complain(over == OverConns && to > maxConns, "to must be at most %d", maxConns)
	complain(over == OverRate && to > maxRate, "to must be at most %d", int(maxRate))
	complain(len(cfg.Expect) > 0, "expectations are of one run: want goals")
	complain(cfg.Floor.Rounds > 0, "the floor is for one run")
	complain(len(cfg.Phases) > 0, "phases have rates and numbers of connections of their own, so that there is none to vary: want scenario %s, %s or %s",
		Fanout, Echo, Idle)
	return errors.Join(problems...)
}

// print writes a value of the axis for people.
func (a Axis) print(v float64) string {
	if a == OverConns {
		return fmt.Sprintf("%.0f connections", v)
	}
	return fmt.Sprintf("%g/s", v)
}

// Line sums a step up for people.
func (s Step) Line(over Axis) string {
	f := s.Figures
	verdict := "ok"
	if !s.OK {
		verdict = strings.ToUpper(s.Cause) + ": " + strings.Join(s.Reasons, "; ")
	}
	line := over.print(s.Value)
	if s.Attempt > 1 {
		line += fmt.Sprintf(" (again, %d)", s.Attempt)
	}
	if f.Latency.Count > 0 {
		line += fmt.Sprintf("  achieved %.4g/s  p50 %s  p99 %s", f.Achieved, micros(f.Latency.P50), micros(f.Latency.P99))
	}
	return line + "  " + verdict
}
