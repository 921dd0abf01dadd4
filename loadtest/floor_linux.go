package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wsedge/wsedge/loadtest/floor"
)

// RunFloor is a run against a floor that is started for it, and whose processes it measures. It takes the scenario and the
// settings of cfg; the URL says only whether the floor sends publications raw (/ws/raw) or in an envelope (anything else).
func RunFloor(ctx context.Context, cfg Config) (*Report, error) {
	report, _, err := runOnFloor(ctx, cfg.onFloor(), cfg)
	if err == nil {
		report.expect(cfg.Expect)
	}
	return report, err
}

// onFloor is the part of a configuration that the floor understands: plain WebSocket, one channel.
func (c Config) onFloor() Config {
	return Config{
		Scenario: c.Scenario, Conns: c.Conns, Duration: c.Duration, Warmup: c.Warmup, Settle: c.Settle, Drain: c.Drain,
		SetupTimeout: c.SetupTimeout, Processes: c.Processes, Threads: c.Threads, ConnectRate: c.ConnectRate,
		MaxInFlight: c.MaxInFlight, Sources: c.Sources, NoSubscribe: c.NoSubscribe, Stalled: c.Stalled, Payload: c.Payload,
		Rate: c.Rate, Arrivals: c.Arrivals, Seed: c.Seed, Outstanding: c.Outstanding, Publishers: c.Publishers,
		WorkerCommand: c.WorkerCommand, Progress: c.Progress, Observe: c.Observe,
	}
}

// runOnFloor starts a floor as original asks for, and runs cfg against it.
func runOnFloor(ctx context.Context, cfg, original Config) (*Report, *floor.Floor, error) {
	filled := cfg.withDefaults()
	filled.URL = "ws://127.0.0.1/"
	if err := filled.validate(); err != nil { // before anything is started
		return nil, nil, usageError(err)
	}
	raw := strings.Contains(original.URL, "/raw")
	f, err := floor.Start(context.WithoutCancel(ctx), floor.Config{
		Threads: original.Floor.Threads, Processes: original.Floor.Processes, Conns: filled.Conns + filled.Publishers, Raw: raw,
		Command: original.Floor.Command,
	})
	if err != nil {
		return nil, nil, usageError(err)
	}
	path := "/ws"
	switch {
	case cfg.Scenario == Echo:
		path = "/echo"
	case raw:
		path = "/ws/raw?channel=load"
	}
	cfg.URL, cfg.PIDs = fmt.Sprintf("ws://127.0.0.1:%d%s", f.Port, path), f.PIDs
	report, err := runOnce(ctx, cfg)
	return report, f, errors.Join(err, f.Close())
}

// runBesideFloor runs cfg and the floor in turns. It reports on the server's run with the median of CPU time per delivery, or
// of latency where that is unknown; but one that failed or is invalid goes before.
func runBesideFloor(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.withDefaults().validate(); err != nil {
		return nil, usageError(err)
	}
	once := cfg
	once.Floor, once.Expect = FloorConfig{}, nil
	if _, err := newRun(ctx, once); err != nil { // usage comes before the floor's run
		return nil, err
	}
	besides := &FloorReport{Runs: []FloorRun{}, Problems: []string{}}
	var reports []*Report
	for i := range 2*cfg.Floor.Rounds + 1 {
		if i%2 == 0 {
			if ctx.Err() == nil {
				if err := besides.runFloor(ctx, cfg); err != nil {
					return nil, err
				}
			}
			continue
		}
		if ctx.Err() != nil && len(reports) > 0 {
			break
		}
		report, err := runOnce(ctx, once)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
		besides.add(report, false)
	}
	report := besides.choose(reports)
	besides.Mean = besides.mean()
	report.Floor, report.Ratios = besides, ratiosOf(besides.Runs)
	report.Interrupted = ctx.Err() != nil
	report.expect(cfg.Expect)
	return report, nil
}

// runFloor adds a run of the floor.
func (b *FloorReport) runFloor(ctx context.Context, cfg Config) error {
	onFloor := cfg.onFloor()
	if say := cfg.Progress; say != nil {
		onFloor.Progress = func(line string) { say("floor" + line) }
	}
	report, f, err := runOnFloor(ctx, onFloor, cfg)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	b.Processes, b.Threads = len(f.PIDs), f.Threads
	b.add(report, true)
	return nil
}

// add notes a run, and what makes it doubtful.
func (b *FloorReport) add(r *Report, ofFloor bool) {
	b.Runs = append(b.Runs, FloorRun{Floor: ofFloor, Run: r.Run, Figures: figuresOf(r)})
	who := "the server's"
	if ofFloor {
		who = "the floor's"
	}
	if !r.Verdict.OK {
		b.Problems = append(b.Problems, fmt.Sprintf("%s run %s failed: %s", who, r.Run, strings.Join(r.Verdict.Reasons, "; ")))
	}
	if r.Verdict.Invalid {
		b.Problems = append(b.Problems, fmt.Sprintf("in %s run %s the generator was the bottleneck: %s", who, r.Run, strings.Join(r.Generator.Reasons, "; ")))
	}
	if r.Interrupted {
		b.Problems = append(b.Problems, fmt.Sprintf("%s run %s was interrupted", who, r.Run))
	}
}

func (b *FloorReport) mean() FloorFigures {
	var all []FloorFigures
	for _, run := range b.Runs {
		if run.Floor {
			all = append(all, run.Figures)
		}
	}
	return meanOf(all...)
}

// choose returns the report that speaks for all of the server's.
func (b *FloorReport) choose(reports []*Report) *Report {
	for _, bad := range []func(*Report) bool{
		func(r *Report) bool { return !r.Verdict.OK },
		func(r *Report) bool { return r.Verdict.Invalid },
	} {
		for _, r := range reports {
			if bad(r) {
				return r
			}
		}
	}
	return medianReport(reports)
}
